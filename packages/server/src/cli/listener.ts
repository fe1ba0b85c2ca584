import { mayReconnect } from "@websocket-center/protocol";
import { Backoff } from "../backplane/backoff.js";
import { messageOf } from "../errors.js";
import { ClientConnection, type Ending } from "./client-connection.js";
import { CommandFailure, EXIT_FAILED, EXIT_UNREACHABLE, note } from "./command-failure.js";

export interface ListenerOptions {
  url: URL;
  /** Ends with the first connection. */
  once: boolean;
  /** Ends after so many messages; undefined for never. */
  count: number | undefined;
  /** How long the handshake, and then the open frame where one is needed, may take. */
  timeoutMs: number;
  /** What to do once the connection's id is known, before it counts as ready. Undefined where the id is not needed. */
  prepare: ((connectionId: string) => Promise<void>) | undefined;
  onMessage: (data: Buffer, isBinary: boolean) => void;
}

/** Codes with which a node closes in order. */
const ORDERLY: ReadonlySet<number> = new Set([1000, 1001, 1012]);

/** A client of a node that comes back when its connection is lost, as often as it takes. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #backoff = new Backoff({ baseMs: 200, maxMs: 10_000 });
  readonly #stopped = new AbortController();
  #received = 0;
  #wasReady = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Ends `run`: the connection is closed in order. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Resolves when it was stopped, has its count of messages, or the node closed in order and for good.
   *
   * @throws CommandFailure for every other end.
   */
  async run(): Promise<void> {
    for (;;) {
      const { ending, error } = await this.#connect();
      if (this.#stopped.signal.aborted) return;
      if (error !== undefined && !this.#wasReady) throw error;
      if (error !== undefined) note(messageOf(error));
      if (error === undefined && this.#isEnd(ending)) return;
      await this.#pause(ending.kind === "refused" ? ending.retryAfterMs : undefined);
      if (this.#stopped.signal.aborted) return;
    }
  }

  /** One connection, until it ends. `error`: why it could not be made ready. */
  async #connect(): Promise<{ ending: Ending; error: unknown }> {
    const { url, count, timeoutMs, prepare, onMessage } = this.#options;
    let error: unknown;
    let timer: NodeJS.Timeout | undefined;
    const fail = (reason: unknown): void => {
      error = reason;
      void connection.close();
    };
    const connection = new ClientConnection(
      url,
      {
        onOpen: () => {
          note(`connected to ${showClientUrl(url)}`);
          if (prepare === undefined) this.#ready();
          else timer = setTimeout(() => fail(noOpenFrame(url)), timeoutMs);
        },
        onOpenFrame: (connectionId) => {
          note(`connection ${connectionId}`);
          clearTimeout(timer);
          prepare?.(connectionId).then(() => this.#ready(), fail);
        },
        onMessage: (data, isBinary) => {
          if (count !== undefined && this.#received >= count) return;
          this.#received += 1;
          onMessage(data, isBinary);
          if (this.#received === count) this.stop();
        },
      },
      timeoutMs,
    );
    const { signal } = this.#stopped;
    const onStop = (): void => void connection.close();
    signal.addEventListener("abort", onStop, { once: true });
    const ending = await connection.ended;
    signal.removeEventListener("abort", onStop);
    clearTimeout(timer);
    return { ending, error };
  }

  #ready(): void {
    this.#wasReady = true;
    this.#backoff.reset();
    if (this.#options.prepare !== undefined) note("bound");
  }

  /**
   * Whether the connection's end is the end of all; said where it is not.
   * @throws CommandFailure where it is the end, and not in order.
   */
  #isEnd(ending: Ending): boolean {
    const { url, once, count } = this.#options;
    const name = showClientUrl(url);
    switch (ending.kind) {
      case "unreachable":
        if (!this.#wasReady) {
          throw new CommandFailure(EXIT_UNREACHABLE, `${name} could not be reached: ${ending.reason}`);
        }
        note(`not connected: ${ending.reason}`);
        return false;
      case "refused": {
        const text = `refused with ${ending.status}${ending.reason === "" ? "" : `: ${ending.reason}`}`;
        const mayPass = ending.status === 429 || ending.status >= 500;
        if (!this.#wasReady || !mayPass) throw new CommandFailure(EXIT_FAILED, `${name}: ${text}`);
        note(text);
        return false;
      }
      case "closed": {
        const { code, reason } = ending;
        const text = `closed with ${code}${reason === "" ? "" : `: ${reason}`}`;
        if (!once && mayReconnect(code)) {
          note(text);
          return false;
        }
        if (count !== undefined) {
          throw new CommandFailure(EXIT_FAILED, `${text}; ${this.#received} of ${count} messages came`);
        }
        if (!ORDERLY.has(code)) throw new CommandFailure(EXIT_FAILED, text);
        note(text);
        return true;
      }
    }
  }

  async #pause(atLeastMs = 0): Promise<void> {
    const { signal } = this.#stopped;
    const ms = atLeastMs + this.#backoff.next();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function noOpenFrame(url: URL): CommandFailure {
  return new CommandFailure(
    EXIT_FAILED,
    `${showClientUrl(url)} sent no open frame, so the connection's id is not known, and nothing can be bound to it: is openMessage off at the node?`,
  );
}

/** Without its query, in which tokens are. */
function showClientUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}
