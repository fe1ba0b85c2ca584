import { createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { CenterError, messageOf } from "../../errors.js";
import { readPem } from "../../http/tls.js";

/** A key that verifies tokens, and what may be verified with it: the key decides, never the token (RFC 8725, 3.1). */
export interface VerificationKey {
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

const MIN_RSA_BITS = 2048;

/** What public keys verify. The last is the name of EdDSA with Ed25519 since RFC 9864. */
export const publicAlgorithms: readonly string[] = ["RS256", "ES256", "EdDSA", "Ed25519"];

/** The JWS algorithms of a public key; none where it is of a kind that is not used here. */
export function algorithmsOf(key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
      return modulusLength >= MIN_RSA_BITS ? ["RS256"] : [];
    case "ec":
      return namedCurve === "prime256v1" ? ["ES256"] : [];
    case "ed25519":
      return ["EdDSA", "Ed25519"];
    default:
      return [];
  }
}

export function secretKeys(secrets: readonly string[]): VerificationKey[] {
  return secrets.map((secret) => ({ algorithms: ["HS256"], key: createSecretKey(Buffer.from(secret)) }));
}

/**
 * The public keys in a PEM file.
 * @throws CenterError CONFIG_INVALID where the file cannot be read, holds none, or one that is not used here.
 */
export function readPublicKeys(file: string): VerificationKey[] {
  const pem = readPem("clientJwtPublicKey (WSC_CLIENT_JWT_PUBLIC_KEY)", file);
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new CenterError("CONFIG_INVALID", `${file} holds a private key: a node needs the public one alone`);
  }
  const blocks = pem.match(/-----BEGIN ([A-Z ]+)-----[^-]*-----END \1-----/g) ?? [];
  if (blocks.length === 0) throw new CenterError("CONFIG_INVALID", `${file} holds no public key (PEM)`);
  return blocks.map((block) => {
    const key = publicKeyIn(block, file);
    const algorithms = algorithmsOf(key);
    if (algorithms.length > 0) return { algorithms, key };
    throw new CenterError(
      "CONFIG_INVALID",
      `${file} holds a key that is not used here: expected RSA of ${MIN_RSA_BITS} bits or more, P-256 or Ed25519`,
    );
  });
}

function publicKeyIn(pem: string, file: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new CenterError("CONFIG_INVALID", `${file} holds no public key (PEM): ${messageOf(error)}`, {
      cause: error,
    });
  }
}
