import type { Environment } from "./environment.js";
import { ClientError } from "./errors.js";
import { parseObject } from "./frames.js";

/** Yields a token: each time a fresh one, where the last may run out soon. */
export type TokenFunction = (context: { signal: AbortSignal }) => string | Promise<string>;

/** How long the function and the node together may take, and how long to wait after a failure. */
const ANSWER_TIMEOUT_MS = 10_000;
const RETRY_MS = 2000;
const SOONEST_MS = 500;
/** For a token that should have run out, and by the node's clock has not. */
const ODD_CLOCK_MS = 30_000;

/**
 * Sends a new token before the present one runs out, so that the connection lives on.
 *
 * When that is comes from the node's last answer, or from `exp` of a JWT, which is read and not verified. A token that
 * says nothing is not refreshed; the next connection gets a new one.
 */
export class TokenRefresher {
  readonly #environment: Environment;
  readonly #marginMs: number;
  readonly #getToken: TokenFunction;
  readonly #send: (frame: string) => void;
  readonly #onError: (error: ClientError) => void;
  #refreshing = new AbortController();
  #cancel: () => void = () => undefined;
  #isAwaitingAnswer = false;
  #token: string;
  #expiresAt: number | undefined;

  constructor(
    environment: Environment,
    options: { token: string; getToken: TokenFunction; marginMs: number },
    events: { send: (frame: string) => void; error: (error: ClientError) => void },
  ) {
    this.#environment = environment;
    this.#marginMs = options.marginMs;
    this.#getToken = options.getToken;
    this.#send = events.send;
    this.#onError = events.error;
    this.#token = options.token;
    this.#expiresAt = expiryOf(options.token, environment.now());
    this.#schedule();
  }

  /** Whether this text is the node's answer to a new token, which is waited for. */
  answered(text: string): boolean {
    if (!this.#isAwaitingAnswer || !text.startsWith('{"cmd":"token"')) return false;
    const { expiresAt, error } = parseObject(text) ?? {};
    if (typeof error === "string") {
      this.#isAwaitingAnswer = false;
      this.#retry(`the node refused the new token: ${error}`);
      return true;
    }
    if (typeof expiresAt !== "number") return false;
    this.#isAwaitingAnswer = false;
    const now = this.#environment.now();
    const told = inMilliseconds(expiresAt);
    this.#expiresAt = told > now ? told : expiryOf(this.#token, now);
    this.#schedule();
    return true;
  }

  close(): void {
    this.#cancel();
    this.#refreshing.abort();
  }

  #schedule(): void {
    this.#cancel();
    if (this.#expiresAt === undefined) return;
    const leftMs = this.#expiresAt - this.#environment.now();
    // A token that lives shorter than two margins is renewed in the middle of its life.
    const dueMs =
      leftMs > 0
        ? Math.max(SOONEST_MS, leftMs - this.#marginMs, Math.min(leftMs / 2, this.#marginMs))
        : ODD_CLOCK_MS;
    const longestMs = 2 ** 31 - 1;
    this.#cancel = this.#environment.after(Math.min(dueMs, longestMs), () =>
      dueMs > longestMs ? this.#schedule() : void this.#refresh(),
    );
  }

  async #refresh(): Promise<void> {
    const refreshing = new AbortController();
    const { signal } = refreshing;
    this.#refreshing = refreshing;
    this.#cancel = this.#environment.after(ANSWER_TIMEOUT_MS, () => {
      refreshing.abort();
      this.#retry("the `token` function or the node did not answer in time");
    });
    try {
      const token = await this.#getToken({ signal });
      if (signal.aborted) return;
      this.#token = token;
      this.#isAwaitingAnswer = true;
      this.#send(JSON.stringify({ cmd: "token", access_token: token }));
    } catch (cause) {
      if (!signal.aborted) this.#retry("the `token` function failed", { cause });
    }
  }

  #retry(problem: string, options?: ErrorOptions): void {
    this.#cancel();
    this.#cancel = this.#environment.after(RETRY_MS, () => void this.#refresh());
    this.#onError(new ClientError("TOKEN_FAILED", problem, options));
  }
}

/** When a fresh JWT runs out, by this device's clock; undefined where it does not say. */
export function expiryOf(token: string, now: number): number | undefined {
  const payload = token.split(".")[1];
  if (payload === undefined) return undefined;
  const { exp, iat } = parseObject(decode(payload)) ?? {};
  if (typeof exp !== "number") return undefined;
  const expiresAt = inMilliseconds(exp);
  if (typeof iat !== "number") return expiresAt;
  // This clock may be wrong: how long the token was made for is the better guess.
  const made = now + expiresAt - inMilliseconds(iat);
  return expiresAt > now ? Math.min(expiresAt, made) : made;
}

function decode(base64Url: string): string {
  try {
    return atob(base64Url.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return "";
  }
}

/** JWTs count in seconds; a number too large for that is milliseconds. */
function inMilliseconds(time: number): number {
  return time < 1e11 ? time * 1000 : time;
}
