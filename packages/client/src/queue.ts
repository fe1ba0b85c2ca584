import type { Data } from "./environment.js";
import { ClientError } from "./errors.js";

export interface QueueOptions {
  /** Default: 1,000. */
  maxMessages?: number;
  /** Default: 1 MiB. Text counts two bytes a character, as it lies in memory. */
  maxBytes?: number;
}

export function sizeOf(data: Data): number {
  return typeof data === "string" ? data.length * 2 : data.byteLength;
}

/** What was sent while there is no connection, in order. */
export class SendQueue {
  readonly #limits: Required<QueueOptions>;
  #messages: Data[] = [];
  #bytes = 0;

  constructor(limits: Required<QueueOptions>) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#messages.length;
  }

  /** @throws ClientError QUEUE_FULL; then the message was not taken. */
  push(data: Data): void {
    const { maxMessages, maxBytes } = this.#limits;
    const bytes = this.#bytes + sizeOf(data);
    if (this.size >= maxMessages || bytes > maxBytes) {
      throw new ClientError(
        "QUEUE_FULL",
        `not sent: ${this.size} messages wait for a connection already (at most ${maxMessages}, and ${maxBytes} bytes)`,
      );
    }
    this.#messages.push(copyOf(data));
    this.#bytes = bytes;
  }

  shift(): Data | undefined {
    const data = this.#messages.shift();
    if (data !== undefined) this.#bytes -= sizeOf(data);
    return data;
  }

  takeAll(): Data[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    return messages;
  }
}

/** Bytes that wait must not change when the application uses its buffer again. */
function copyOf(data: Data): Data {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return data.slice(0);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

/**
 * What was handed to the socket, until it is known that the node read it: frames arrive in order, so a pong confirms
 * whatever was sent before its ping.
 */
export class Unconfirmed {
  readonly #limits: Required<QueueOptions>;
  readonly #messages: Data[] = [];
  #bytes = 0;
  #sentTotal = 0;
  #forgotten = 0;
  /** For each ping without a pong, how many messages had been sent before it. */
  readonly #marks: { sentTotal: number; sentAt: number }[] = [];

  constructor(limits: Required<QueueOptions>) {
    this.#limits = limits;
  }

  /** So many wait that it is time to ask. */
  get isHalfFull(): boolean {
    return this.#messages.length * 2 >= this.#limits.maxMessages || this.#bytes * 2 >= this.#limits.maxBytes;
  }

  /** Past the bound the oldest are counted, not kept. */
  add(data: Data): void {
    this.#messages.push(data);
    this.#bytes += sizeOf(data);
    this.#sentTotal += 1;
    while (this.#messages.length > this.#limits.maxMessages || this.#bytes > this.#limits.maxBytes) {
      this.#drop();
      this.#forgotten += 1;
    }
  }

  pinged(sentAt: number): void {
    this.#marks.push({ sentTotal: this.#sentTotal, sentAt });
  }

  /** A ping has no pong yet. */
  get isPinged(): boolean {
    return this.#marks.length > 0;
  }

  /** @returns when the ping was sent that this pong answers: what the node sent before, has arrived. */
  ponged(): number | undefined {
    const mark = this.#marks.shift();
    if (mark === undefined) return undefined;
    const left = this.#sentTotal - mark.sentTotal;
    while (this.#messages.length > left) this.#drop();
    this.#forgotten = Math.min(this.#forgotten, left - this.#messages.length);
    return mark.sentAt;
  }

  report(): { uncertain: readonly Data[]; forgotten: number } {
    return { uncertain: this.#messages, forgotten: this.#forgotten };
  }

  #drop(): void {
    const data = this.#messages.shift();
    if (data !== undefined) this.#bytes -= sizeOf(data);
  }
}
