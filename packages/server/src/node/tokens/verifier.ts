import { anyId, utf8Length } from "@websocket-center/protocol";
import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import { z } from "zod";
import type { NodeConfig } from "../../config/options.js";
import { messageOf } from "../../errors.js";
import type { RemoteKeys } from "./remote-keys.js";
import { publicAlgorithms, type VerificationKey } from "./verification-keys.js";

/** What a token says that was verified. */
export interface Grant {
  readonly subject: string;
  readonly groups: readonly string[];
  /** Unix time in milliseconds, leeway not counted. */
  readonly expiresAt: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Why a token does not count, in words that may reach whoever sent it. */
export interface TokenProblem {
  readonly reason: string;
  /** The keys cannot be had now: nothing is known of the token. */
  readonly isUnknown?: true;
}

const MAX_TOKEN_LENGTH = 16 * 1024;
/** The last moment that a Date can hold (ECMA-262, 21.4.1.1), in seconds. */
const LAST_SECOND = 8.64e12;

/** Three parts of base64url (RFC 7515, 7.1): decoders pass over blanks, which would make one token many. */
const compactForm = /^[\w-]+\.[\w-]+\.[\w-]*$/;

const tokenHeader = z.looseObject({ alg: z.string(), kid: z.string().optional() });
const groupList = z
  .union([z.string().transform((group) => [group]), z.array(z.string())])
  .pipe(z.array(anyId));

/**
 * Verifies JSON Web Tokens (RFC 7519) of clients.
 *
 * A key counts for the algorithms of its own kind and no other, whatever `alg` in the token says (RFC 8725, 3.1).
 * `sub` and `exp` must be there.
 */
export class TokenVerifier {
  readonly #keys: readonly VerificationKey[];
  readonly #remote: RemoteKeys | undefined;
  readonly #options: JWTVerifyOptions;
  readonly #groupsClaim: string;
  readonly #maxIdBytes: number;

  constructor(config: NodeConfig, keys: readonly VerificationKey[], remote: RemoteKeys | undefined) {
    const { clientJwtAudience, clientJwtIssuer, clientJwtLeewayMs } = config;
    this.#keys = keys;
    this.#remote = remote;
    this.#groupsClaim = config.clientJwtGroupsClaim;
    this.#maxIdBytes = config.maxIdBytes;
    this.#options = {
      clockTolerance: clientJwtLeewayMs / 1000,
      requiredClaims: ["sub", "exp"],
      ...(clientJwtAudience.length > 0 ? { audience: [...clientJwtAudience] } : {}),
      ...(clientJwtIssuer.length > 0 ? { issuer: [...clientJwtIssuer] } : {}),
    };
  }

  async verify(token: string): Promise<Grant | TokenProblem> {
    const header = headerOf(token);
    if (header === undefined) return { reason: "malformed token" };
    const { algorithm, keyId } = header;
    const own = this.#keys.filter(({ algorithms }) => algorithms.includes(algorithm));
    const checked = await this.#verifyWith(own, token, algorithm);
    if (checked !== undefined || this.#remote === undefined) return checked ?? unknownKey;
    if (!publicAlgorithms.includes(algorithm)) return unknownKey;
    const remote = await this.#remote.find(algorithm, keyId);
    if (remote === undefined) return { reason: "tokens cannot be verified now", isUnknown: true };
    return (await this.#verifyWith(remote, token, algorithm)) ?? unknownKey;
  }

  /** Undefined where none of the keys has signed it. */
  async #verifyWith(
    keys: readonly VerificationKey[],
    token: string,
    algorithm: string,
  ): Promise<Grant | TokenProblem | undefined> {
    for (const { key } of keys) {
      try {
        const { payload } = await jwtVerify(token, key, { ...this.#options, algorithms: [algorithm] });
        return this.#grantOf(payload);
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) return { reason: reasonOf(error) };
      }
    }
    return undefined;
  }

  #grantOf(claims: JWTPayload): Grant | TokenProblem {
    const { sub, exp = Infinity } = claims;
    const subject = anyId.safeParse(sub);
    if (!subject.success || !this.#isShort(subject.data)) return { reason: "the token's sub is no user id" };
    if (exp > LAST_SECOND) return { reason: "the token's exp is no time" };
    const groups = groupList.safeParse(claims[this.#groupsClaim] ?? []);
    if (!groups.success || !groups.data.every((group) => this.#isShort(group))) {
      return { reason: `the token's ${this.#groupsClaim} is no list of groups` };
    }
    return { subject: subject.data, groups: groups.data, expiresAt: Math.floor(exp * 1000), claims };
  }

  #isShort(id: string): boolean {
    return utf8Length(id) <= this.#maxIdBytes;
  }
}

/** Of an algorithm that no key here has, of a key that is not known, or changed: all the same to whoever tries. */
const unknownKey: TokenProblem = { reason: "bad signature" };

function headerOf(token: string): { algorithm: string; keyId: string | undefined } | undefined {
  if (token.length > MAX_TOKEN_LENGTH || !compactForm.test(token)) return undefined;
  try {
    const header = tokenHeader.safeParse(decodeProtectedHeader(token));
    return header.success ? { algorithm: header.data.alg, keyId: header.data.kid } : undefined;
  } catch {
    return undefined;
  }
}

const claimReasons: Readonly<Record<string, string>> = {
  aud: "wrong audience",
  iss: "wrong issuer",
  nbf: "token is not valid yet",
};

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "token expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (reason === "missing") return `the token has no ${claim}`;
    if (reason === "check_failed") return claimReasons[claim] ?? `the token's ${claim} is not as expected`;
    return `the token's ${claim} is not usable`;
  }
  if (error instanceof errors.JOSEError) return "malformed token";
  throw new Error(`a token could not be verified: ${messageOf(error)}`, { cause: error });
}
