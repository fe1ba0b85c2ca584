import type { IncomingMessage } from "node:http";
import type { Connection } from "./connection.js";

/** What an application can hear from a node. Handlers may be asynchronous; nobody waits for them. */
export interface NodeEvents {
  /** A connection is open and got its `open` frame. `request` is valid only during the call. */
  open: (connection: Connection, request: IncomingMessage) => unknown;
  /** A message came: a string from a text frame, bytes from a binary one. */
  message: (connection: Connection, data: string | Buffer, isBinary: boolean) => unknown;
  /** A connection has ended and left the hub; its user and groups can still be read on it. */
  close: (connection: Connection, code: number, reason: string) => unknown;
  /** A handler failed, or a connection broke the WebSocket protocol. */
  error: (error: unknown, connection: Connection | undefined) => unknown;
}

export type NodeEventName = keyof NodeEvents;

/**
 * The handlers of a node. One that throws or rejects is reported and harms nobody else: neither the handlers
 * after it, nor the connection, nor the process.
 */
export class NodeHandlers {
  readonly #handlers: { [E in NodeEventName]: Set<NodeEvents[E]> } = {
    open: new Set(),
    message: new Set(),
    close: new Set(),
    error: new Set(),
  };
  readonly #report: (error: unknown, event: NodeEventName, connection: Connection | undefined) => void;

  constructor(report: (error: unknown, event: NodeEventName, connection: Connection | undefined) => void) {
    this.#report = report;
  }

  /** @returns a function that takes the handler away again. */
  add<E extends NodeEventName>(event: E, handler: NodeEvents[E]): () => void {
    const handlers: Set<NodeEvents[E]> = this.#handlers[event];
    handlers.add(handler);
    return () => {
      handlers.delete(handler);
    };
  }

  has(event: NodeEventName): boolean {
    return this.#handlers[event].size > 0;
  }

  open(connection: Connection, request: IncomingMessage): void {
    for (const handler of this.#handlers.open)
      this.#run("open", connection, () => handler(connection, request));
  }

  message(connection: Connection, data: string | Buffer, isBinary: boolean): void {
    for (const handler of this.#handlers.message) {
      this.#run("message", connection, () => handler(connection, data, isBinary));
    }
  }

  close(connection: Connection, code: number, reason: string): void {
    for (const handler of this.#handlers.close) {
      this.#run("close", connection, () => handler(connection, code, reason));
    }
  }

  error(error: unknown, connection: Connection | undefined): void {
    for (const handler of this.#handlers.error)
      this.#run("error", connection, () => handler(error, connection));
  }

  #run(event: NodeEventName, connection: Connection | undefined, handler: () => unknown): void {
    const failed = (error: unknown): void => {
      this.#report(error, event, connection);
      // A failing error handler is not told of its own failure.
      if (event !== "error") this.error(error, connection);
    };
    try {
      const result = handler();
      // Any thenable: applications have promises of other libraries too.
      if (isThenable(result)) Promise.resolve(result).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
