import { generateKeyPairSync, createSecretKey, type KeyObject } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JWTPayload, SignJWT } from "jose";
import { onTestFinished } from "vitest";

export const secret = "a-secret-of-clients-with-over-32-bytes";

export interface Signer {
  readonly algorithm: string;
  readonly key: KeyObject;
}

export interface Pair extends Signer {
  readonly publicKey: KeyObject;
  /** PEM */
  readonly publicPem: string;
}

function pairOf(algorithm: string, keys: { publicKey: KeyObject; privateKey: KeyObject }): Pair {
  const { publicKey, privateKey } = keys;
  const publicPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  return { algorithm, key: privateKey, publicKey, publicPem };
}

export const rsaPair = (modulusLength = 2048): Pair =>
  pairOf("RS256", generateKeyPairSync("rsa", { modulusLength }));
export const ecPair = (namedCurve = "P-256"): Pair =>
  pairOf("ES256", generateKeyPairSync("ec", { namedCurve }));
export const edPair = (algorithm = "EdDSA"): Pair => pairOf(algorithm, generateKeyPairSync("ed25519"));

export const hmac = (text: string = secret): Signer => ({
  algorithm: "HS256",
  key: createSecretKey(Buffer.from(text)),
});

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** A token for `ada` that lives a minute, unless the claims say otherwise; undefined takes a claim away. */
export function sign(
  { algorithm, key }: Signer = hmac(),
  claims: { [claim in keyof JWTPayload]?: unknown } = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const all = { sub: "ada", exp: nowSeconds() + 60, ...claims };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new SignJWT(given).setProtectedHeader({ alg: algorithm, ...header }).sign(key);
}

/** A token put together by hand, with whatever stands for the signature. */
export function forged(header: object, claims: object, signature = ""): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.${signature}`;
}

/** Writes a file that is gone when the test has ended. */
export async function fileOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "client-tokens-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "file.pem");
  await writeFile(file, text);
  return file;
}
