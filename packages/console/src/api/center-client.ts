import { jsonLines } from "./lines.ts";
import { CallFailure, failureOf } from "./problem.ts";
import type { Session } from "./session.ts";
import { Silence } from "./silence.ts";

export interface CallOptions {
  method?: "GET" | "POST";
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** What came of a call, with the id by which it can be looked up. */
export interface Answered<T> {
  value: T;
  callId: string | undefined;
}

/** Without an answer in this time, a center counts as lost. */
const ANSWER_TIMEOUT_MS = 15_000;
/** The same for a stream, in which something comes every few seconds. */
const STREAM_SILENCE_MS = 8000;

/**
 * The HTTP API of whichever center answers. Where the present one does not, reading goes on at the next that is known;
 * what changes something is never sent twice.
 */
export class CenterClient {
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  /** @throws CallFailure */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return (await this.call<T>(path, { signal })).value;
  }

  /**
   * Asks that center alone, whichever the others would ask: what only it can know.
   * @throws CallFailure
   */
  async getFrom<T>(base: string, path: string, signal?: AbortSignal): Promise<T> {
    const response = await this.#fetch(new URL(path, base), { signal }).catch((cause: unknown) => {
      throw new CallFailure("UNREACHABLE", 0, `${base} does not answer`, { cause });
    });
    if (!response.ok) throw await failureOf(response);
    return (await response.json()) as T;
  }

  /** @throws CallFailure */
  async call<T>(path: string, options: CallOptions = {}): Promise<Answered<T>> {
    const { response } = await this.#answer(options, (base) => this.#fetch(new URL(path, base), options));
    const callId = response.headers.get("WSC-Call-Id") ?? undefined;
    if (!response.ok) throw await failureOf(response);
    try {
      return { value: (await response.json()) as T, callId };
    } catch (error) {
      throw new CallFailure("BAD_ANSWER", response.status, "the answer is not JSON", {
        callId,
        cause: error,
      });
    }
  }

  /**
   * Lines of an endless answer, from one center: when it ends, breaks or falls silent, who reads begins again.
   * @param onOpen - called once the center has begun to answer, which may be long before the first line.
   * @throws CallFailure
   */
  async *stream<T>(
    path: string,
    signal: AbortSignal,
    onOpen: () => void = () => {},
  ): AsyncGenerator<T, void> {
    const silence = new Silence(STREAM_SILENCE_MS);
    try {
      const { response, base } = await this.#answer({ signal }, (center) =>
        this.#fetch(new URL(path, center), { signal }, silence.begin()),
      );
      if (!response.ok || response.body === null) throw await failureOf(response);
      onOpen();
      try {
        yield* jsonLines(response.body, () => silence.heard()) as AsyncGenerator<T, void>;
      } catch (error) {
        if (signal.aborted) return;
        this.session.lost(base);
        throw new CallFailure("UNREACHABLE", 0, "the stream broke", { cause: error });
      }
    } finally {
      silence.end();
    }
  }

  async #answer(
    { method = "GET", signal }: CallOptions,
    ask: (base: string) => Promise<Response>,
  ): Promise<{ response: Response; base: string }> {
    const isRead = method === "GET";
    const tries = isRead ? this.session.centers.length : 1;
    const asked = this.session.center;
    let cause: unknown;
    for (let at = 0; at < tries; at += 1) {
      const base = this.session.center;
      try {
        return { response: await ask(base), base };
      } catch (error) {
        if (signal?.aborted === true) throw error;
        cause = error;
        this.session.lost(base);
      }
    }
    const message = isRead ? "no center answers" : `${asked} does not answer; it may have been done or not`;
    throw new CallFailure("UNREACHABLE", 0, message, { cause });
  }

  #fetch(
    url: URL,
    { method = "GET", body, signal }: CallOptions,
    limit = AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  ): Promise<Response> {
    const { token } = this.session;
    return fetch(url, {
      method,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      credentials: "omit",
      cache: "no-store",
      headers: {
        ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}
