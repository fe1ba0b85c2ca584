import { createHash, timingSafeEqual } from "node:crypto";
import { type Scope, scopes } from "@websocket-center/protocol";
import type { GivenToken } from "./tokens.js";

/** Who asks: found once for each request, and passed along with it. `name` may be logged; it is never the token. */
export interface Principal {
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** Whoever asks an API that has no token. */
const anybody: Principal = { name: "none", scopes: new Set(scopes) };
/** Whoever shows a plain token (`TOKEN`). */
const plainToken: Principal = { name: "TOKEN", scopes: new Set(scopes) };

/** Names that no token of a file can have, since they stand for something else in the audit log. */
export const reservedNames: ReadonlySet<string> = new Set([anybody.name, plainToken.name]);

/** A token as a tokens file lists it. `expiresAt`: milliseconds since the Unix epoch; Infinity for never. */
export interface ListedToken extends Principal {
  readonly sha256: Buffer;
  readonly expiresAt: number;
}

/** What somebody asked for: an event, a method or an endpoint, and what a token must allow for it. */
export interface Need {
  scope: Scope;
  what: string;
}

export interface Access {
  /** Whether callers must show a token. Where they need not, the guard alone decides who may ask. */
  needsToken: () => boolean;
  /** Who shows that token, or none; undefined for whoever may not ask. */
  identify: (given: GivenToken | undefined) => Principal | undefined;
}

/**
 * Knows tokens by their SHA-256, compared in constant time with every one that there is.
 *
 * @param sources - both are asked at each use, so that tokens may be replaced at run time.
 * @param sources.tokens - plain ones, which grant everything.
 * @param sources.listed - those of a file. A list that is empty lets nobody in; without a list, and without plain
 *   tokens, everybody is.
 */
export function createAccess(sources: {
  tokens: () => readonly string[];
  listed?: (() => readonly ListedToken[]) | undefined;
  /** Default: Date.now. */
  now?: () => number;
}): Access {
  const { tokens, listed, now = () => Date.now() } = sources;
  const needsToken = (): boolean => listed !== undefined || tokens().length > 0;
  let texts: readonly string[] = [];
  let digests: Buffer[] = [];

  function identify(given: GivenToken | undefined): Principal | undefined {
    if (!needsToken()) return anybody;
    if (given?.text === undefined) return undefined;
    const current = tokens();
    if (current.length !== texts.length || current.some((text, index) => text !== texts[index])) {
      texts = [...current];
      digests = texts.map(digestOf);
    }
    const digest = digestOf(given.text);
    let found: Principal | undefined;
    for (const listedToken of listed?.() ?? []) {
      const isIt = timingSafeEqual(digest, listedToken.sha256);
      if (isIt && now() < listedToken.expiresAt) found = listedToken;
    }
    for (const expected of digests) if (timingSafeEqual(digest, expected)) found = plainToken;
    return found;
  }

  return { needsToken, identify };
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}
