import { createPublicKey } from "node:crypto";
import { z } from "zod";
import { CenterError, messageOf } from "../../errors.js";
import { algorithmsOf, type VerificationKey } from "./verification-keys.js";

/** How long a set counts as new; then it is fetched again, and used meanwhile. */
const FRESH_MS = 300_000;
/** How long a set is used where no newer one is to be had. */
const STALE_MS = 3_600_000;
/** How long at least between two requests, whatever tokens ask for. */
const GAP_MS = 5000;
const GAP_AFTER_FAILURE_MS = 1000;
const TIMEOUT_MS = 5000;
const MAX_BYTES = 256 * 1024;
/** Keys of a set beyond this are not looked at. */
const MAX_KEYS = 32;

const keySet = z.object({ keys: z.array(z.unknown()) });
const publicJwk = z.looseObject({
  kty: z.enum(["RSA", "EC", "OKP"]),
  kid: z.string().optional(),
  alg: z.string().optional(),
  use: z.literal("sig").optional(),
  key_ops: z.array(z.string()).optional(),
});

interface RemoteKey extends VerificationKey {
  readonly keyId: string | undefined;
}

/**
 * The public keys of a JSON Web Key Set (RFC 7517) at an address.
 *
 * Fetched when they are first needed, when they are five minutes old, and when a token names a key that is not among
 * them: at most once in five seconds, one second after a failure. Where that fails, the last set is used until it is an
 * hour old, then none.
 */
export class RemoteKeys {
  readonly #url: string;
  readonly #onFault: (error: CenterError) => void;
  readonly #now: () => number;
  #keys: readonly RemoteKey[] = [];
  #fetchedAt = -Infinity;
  #triedAt = -Infinity;
  #hasFailed = false;
  #fetching: Promise<void> | undefined;
  #controller: AbortController | undefined;
  #isClosed = false;

  constructor(
    url: string,
    parts: {
      onFault: (error: CenterError) => void;
      /** Milliseconds that only grow. */
      now?: () => number;
    },
  ) {
    this.#url = url;
    this.#onFault = parts.onFault;
    this.#now = parts.now ?? (() => performance.now());
  }

  /**
   * The keys that may have signed a token: those of that id, or all where it names none.
   * @returns undefined where that cannot be known now, because the address does not answer as it should.
   */
  async find(algorithm: string, keyId: string | undefined): Promise<readonly VerificationKey[] | undefined> {
    const ageMs = this.#now() - this.#fetchedAt;
    if (ageMs >= STALE_MS) await this.refresh();
    else if (ageMs >= FRESH_MS) void this.refresh();
    if (this.#isUsable && this.#match(algorithm, keyId).length === 0) await this.refresh();
    if (!this.#isUsable) return undefined;
    const found = this.#match(algorithm, keyId);
    // A key that is not in an old set may be in the new one.
    return found.length === 0 && this.#hasFailed ? undefined : found;
  }

  /** Fetches the set, or waits for the fetch that is under way. Nothing where the last one is too close. */
  refresh(): Promise<void> {
    const gapMs = this.#hasFailed ? GAP_AFTER_FAILURE_MS : GAP_MS;
    if (this.#isClosed || (this.#fetching === undefined && this.#now() - this.#triedAt < gapMs)) {
      return Promise.resolve();
    }
    this.#fetching ??= this.#refresh().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  close(): void {
    this.#isClosed = true;
    this.#controller?.abort();
  }

  get #isUsable(): boolean {
    return this.#now() - this.#fetchedAt < STALE_MS;
  }

  #match(algorithm: string, keyId: string | undefined): readonly VerificationKey[] {
    return this.#keys.filter(
      (one) => one.algorithms.includes(algorithm) && (keyId === undefined || one.keyId === keyId),
    );
  }

  async #refresh(): Promise<void> {
    this.#controller = new AbortController();
    const timer = setTimeout(() => this.#controller?.abort(), TIMEOUT_MS);
    try {
      this.#keys = keysOf(await fetchText(this.#url, this.#controller.signal));
      this.#fetchedAt = this.#now();
      this.#hasFailed = false;
    } catch (error) {
      this.#hasFailed = true;
      if (!this.#isClosed) this.#onFault(faultOf(this.#url, error, this.#controller.signal.aborted));
    } finally {
      clearTimeout(timer);
      this.#triedAt = this.#now();
    }
  }
}

/** A redirect is a failure: it could lead to where anybody can change the keys. */
async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const headers = { accept: "application/jwk-set+json, application/json" };
  const response = await fetch(url, { signal, headers, redirect: "error" });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Reading ends with the loop, and with it the connection.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`the answer is over ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (response.status !== 200) throw new Error(`the answer has status ${response.status}`);
  return Buffer.concat(chunks).toString("utf8");
}

function keysOf(text: string): RemoteKey[] {
  const set = keySet.safeParse(parsed(text));
  if (!set.success) throw new Error('the answer is no key set: expected {"keys":[…]}');
  return set.data.keys.slice(0, MAX_KEYS).flatMap((jwk) => keyOf(jwk) ?? []);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined for what verifies nothing here. Secrets (`oct`) are none of a public set's business. */
function keyOf(candidate: unknown): RemoteKey | undefined {
  const jwk = publicJwk.safeParse(candidate);
  if (!jwk.success || jwk.data.key_ops?.includes("verify") === false) return undefined;
  try {
    const key = createPublicKey({ key: jwk.data, format: "jwk" });
    const { alg, kid } = jwk.data;
    const algorithms = algorithmsOf(key);
    const isMeant = alg === undefined || algorithms.includes(alg);
    return isMeant && algorithms.length > 0 ? { algorithms, key, keyId: kid } : undefined;
  } catch {
    // Broken, or of a curve that this Node.js does not know.
    return undefined;
  }
}

function faultOf(url: string, error: unknown, isTimeout: boolean): CenterError {
  const { cause } = error instanceof Error ? error : {};
  const why = isTimeout ? `no answer in ${TIMEOUT_MS} ms` : messageOf(cause ?? error);
  return new CenterError("KEYS_UNAVAILABLE", `no keys from ${new URL(url).origin}: ${why}`, { cause: error });
}
