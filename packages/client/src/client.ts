import type { Data } from "./environment.js";
import { ClientError } from "./errors.js";
import { Inbox } from "./inbox.js";
import { type ClientOptions, resolveOptions, type ResolvedOptions } from "./options.js";
import { SendQueue, sizeOf } from "./queue.js";
import { Session, type Undelivered } from "./session.js";
import type { Gap, Reason, Status } from "./status.js";

export interface ClientEvents<T> {
  status: Status;
  /** A text message; its value, where `json` is set. */
  message: T;
  binary: ArrayBuffer;
  /** After each reconnect, before the messages that follow. */
  gap: Gap;
  undelivered: Undelivered;
  /** Something failed that the client goes on from. */
  error: ClientError;
}

/** What has a JSON text. */
export type JsonValue = string | number | boolean | null | object;

/** A client of a websocket-center node. It does nothing until `connect` is called. */
export function createClient<T>(options: ClientOptions<T> & { json: (value: unknown) => T }): Client<T>;
export function createClient(options: ClientOptions<unknown> & { json: true }): Client<unknown>;
export function createClient(options: ClientOptions<string> & { json?: false | undefined }): Client<string>;
export function createClient<T>(options: ClientOptions<T>): Client<T> {
  return new Client<T>(resolveOptions(options));
}

export class Client<T> {
  readonly #options: ResolvedOptions;
  readonly #queue: SendQueue;
  readonly #handlers = new Map<keyof ClientEvents<T>, Set<(value: never) => void>>();
  readonly #inboxes = new Set<Inbox<unknown>>();
  #session: Session | undefined;
  #status: Status = { state: "idle" };

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#queue = new SendQueue(options.queue);
  }

  get status(): Status {
    return this.#status;
  }

  /**
   * Connects, and stays connected from then on. On a closed client it begins anew.
   * @returns a promise of the first connection, which may be left alone. It rejects with CLOSED where the client closes
   * before.
   */
  connect(): Promise<void> {
    const { signal } = this.#options;
    if (this.#session === undefined && signal?.aborted !== true) {
      const session = new Session(this.#options, this.#queue, {
        status: (status) => this.#onStatus(status),
        received: (data) => this.#onReceived(data),
        gap: (gap) => this.#tell("gap", gap),
        undelivered: (undelivered) => this.#tell("undelivered", undelivered),
        error: (error) => this.#tell("error", error),
      });
      this.#session = session;
      signal?.addEventListener("abort", this.#onAbort);
      session.start();
    } else if (this.#session === undefined) {
      this.#onStatus({ state: "closed", reason: aborted });
    }
    const connected = this.#untilOpen();
    connected.catch(() => undefined);
    return connected;
  }

  /**
   * Sends text and bytes as they are, and anything else as its JSON text.
   * @returns `sent` where the network has it, which does not mean that it arrives; `queued` where it waits for a
   * connection.
   * @throws ClientError CLOSED, or QUEUE_FULL where too much waits already.
   */
  send(message: Data | JsonValue): "sent" | "queued" {
    if (this.#status.state === "closed") throw new ClientError("CLOSED", "not sent: the client is closed");
    const data = encode(message);
    const session = this.#session;
    if (session?.canSend !== true || this.#queue.size > 0) {
      this.#queue.push(data);
      return "queued";
    }
    const buffered = session.bufferedBytes;
    if (buffered > 0 && buffered + sizeOf(data) > this.#options.queue.maxBytes) {
      throw new ClientError("QUEUE_FULL", `not sent: ${buffered} bytes wait for the network already`);
    }
    session.send(data);
    return "sent";
  }

  /** @returns a function that takes the handler away again. */
  on<E extends keyof ClientEvents<T>>(event: E, handler: (value: ClientEvents<T>[E]) => void): () => void {
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers);
    // A wrapper, so that one function can be a handler twice.
    const own = (value: ClientEvents<T>[E]): void => handler(value);
    handlers.add(own);
    return () => {
      handlers.delete(own);
    };
  }

  /**
   * The messages from now on, for `for await`; it ends when the client closes. A loop that lags behind by more than
   * `maxMessages` (default 1,000) fails with TOO_SLOW.
   */
  messages(options?: { maxMessages?: number; binary?: false }): AsyncIterableIterator<T>;
  messages(options: { maxMessages?: number; binary: true }): AsyncIterableIterator<ArrayBuffer>;
  messages({ maxMessages = 1000, binary = false } = {}): AsyncIterableIterator<T | ArrayBuffer> {
    const inbox: Inbox<T | ArrayBuffer> = new Inbox(maxMessages, () => {
      stopListening();
      this.#inboxes.delete(inbox as Inbox<unknown>);
    });
    const stopListening = this.on(binary ? "binary" : "message", (message) => inbox.add(message));
    this.#inboxes.add(inbox as Inbox<unknown>);
    if (this.#status.state === "closed") inbox.end();
    return inbox;
  }

  /** Gives up the connection and makes a new one at once, after a login for example. */
  reconnect(): void {
    if (this.#session === undefined) void this.connect();
    else this.#session.renew();
  }

  /**
   * Ends everything: the connection, timers, listeners, `for await` loops.
   * @param code - 1000, or 3000 to 4999; the node is told.
   * @param reason - at most 123 bytes.
   * @throws what `close` of the WebSocket throws where a close frame cannot carry them; then nothing has ended.
   */
  close(code = 1000, reason = "closed by the application"): void {
    this.#end({ kind: "application", message: reason }, code);
  }

  readonly #onAbort = (): void => this.#end(aborted, 1000);

  #end(reason: Reason, code: number): void {
    if (this.#session !== undefined) this.#session.end(reason, code);
    else if (this.#status.state !== "closed") this.#onStatus({ state: "closed", reason });
  }

  #onStatus(status: Status): void {
    this.#status = status;
    if (status.state === "closed") {
      this.#session = undefined;
      this.#options.signal?.removeEventListener("abort", this.#onAbort);
    }
    this.#tell("status", status);
    if (status.state === "closed") for (const inbox of this.#inboxes) inbox.end();
  }

  #onReceived(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      this.#tell("binary", data);
      return;
    }
    const { json } = this.#options;
    let message: unknown = data;
    try {
      if (json !== false) message = JSON.parse(data);
      if (typeof json === "function") message = json(message);
    } catch (cause) {
      this.#tell(
        "error",
        new ClientError("BAD_MESSAGE", `a message is not as expected: ${data.slice(0, 100)}`, { cause }),
      );
      return;
    }
    this.#tell("message", message as T);
  }

  /** A handler that throws disturbs nobody: its error is reported as an unhandled rejection. */
  #tell<E extends keyof ClientEvents<T>>(event: E, value: ClientEvents<T>[E]): void {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) {
      try {
        (handler as (value: ClientEvents<T>[E]) => void)(value);
      } catch (error) {
        void Promise.reject(error);
      }
    }
  }

  #untilOpen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (status: Status): void => {
        if (status.state === "open") resolve();
        else if (status.state === "closed") {
          reject(new ClientError("CLOSED", `the client closed: ${status.reason.message}`));
        } else return;
        stopListening();
      };
      const stopListening = this.on("status", settle);
      settle(this.#status);
    });
  }
}

const aborted: Reason = { kind: "application", message: "the signal was aborted" };

function encode(message: Data | JsonValue): Data {
  if (typeof message === "string" || message instanceof ArrayBuffer || ArrayBuffer.isView(message)) {
    return message as Data;
  }
  const text: string | undefined = JSON.stringify(message);
  if (text === undefined)
    throw new ClientError("BAD_MESSAGE", `not sent: ${typeof message} has no JSON text`);
  return text;
}
