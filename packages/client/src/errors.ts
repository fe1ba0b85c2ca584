/** What may go wrong at the client; the codes are stable. */
export type ClientErrorCode =
  /** An option is missing, or is not what it may be. */
  | "BAD_OPTIONS"
  /** `send` on a client that is closed. */
  | "CLOSED"
  /** `send` past the bound of the queue: the message was not taken. */
  | "QUEUE_FULL"
  /** A message from the node is not the JSON that was expected; it was not delivered. */
  | "BAD_MESSAGE"
  /** The `url` function or the assign endpoint gave no address. */
  | "NO_ADDRESS"
  /** The `token` function failed, or the node did not answer a new token. */
  | "TOKEN_FAILED"
  /** No connection came about: refused, unreachable, or too slow. */
  | "CONNECT_FAILED"
  /** `for await` did not take messages fast enough; its next turn fails with this. */
  | "TOO_SLOW";

export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;
  /** How long the other side asked to be left alone; 0 where it did not. */
  readonly retryAfterMs: number;

  constructor(code: ClientErrorCode, message: string, options?: { cause?: unknown; retryAfterMs?: number }) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs ?? 0;
  }
}
