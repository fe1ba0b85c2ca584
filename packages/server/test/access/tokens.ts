import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Scope, scopes } from "@websocket-center/protocol";
import { onTestFinished } from "vitest";

export interface TestToken {
  name: string;
  /** The token itself. */
  text: string;
  scopes: readonly Scope[];
  expiresAt?: string;
}

/** A token for each set of scopes that is not empty, by the scopes' initials: `r`, `rs`, `rsm`. */
export const tokensByScopes: readonly TestToken[] = [1, 2, 3, 4, 5, 6, 7].map((bits) => {
  const granted = scopes.filter((_, index) => (bits & (1 << index)) !== 0);
  const name = granted.map((scope) => scope[0]).join("");
  return { name, text: `secret-${name}-0123456789`, scopes: granted };
});

export function tokenOf(...wanted: Scope[]): TestToken {
  const found = tokensByScopes.find(
    (token) => token.scopes.length === wanted.length && wanted.every((scope) => token.scopes.includes(scope)),
  );
  if (found === undefined) throw new Error(`no token has exactly ${wanted.join()}`);
  return found;
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function fileText(tokens: readonly TestToken[]): string {
  return JSON.stringify(tokens.map(({ text, ...entry }) => ({ ...entry, sha256: sha256(text) })));
}

/** A folder that is gone after the test. */
export async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "access-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The path of a tokens file that lists those. */
export async function writeTokens(tokens: readonly TestToken[] = tokensByScopes): Promise<string> {
  const path = join(await createFolder(), "tokens.json");
  await writeFile(path, fileText(tokens));
  return path;
}

export interface Asked {
  status: number;
  json: Record<string, unknown>;
  text: string;
}

/** A request with that token, or without any; a POST where it has a body. */
export async function askAs(token: TestToken | undefined, url: string, body?: unknown): Promise<Asked> {
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: token === undefined ? {} : { Authorization: `Bearer ${token.text}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return {
    status: response.status,
    text,
    json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}
