import type { Writable } from "node:stream";

/** What is written at once, so that it shows when the other end reads on. */
const WRITE_BYTES = 256 * 1024;

/**
 * Writes text as fast as the other end reads: what is pushed in one turn of the event loop goes out as one write, and
 * the next write waits until the last one has left.
 */
export class PacedWriter {
  readonly #to: Writable;
  readonly #options: { stallMs: number; onRoom: () => void; onStall: () => void };
  #text = "";
  /** What of a large text has not been written. */
  #rest: Buffer | undefined;
  #isScheduled = false;
  #isWriting = false;
  #onEmpty: (() => void) | undefined;
  #stall: NodeJS.Timeout | undefined;
  #isClosed = false;

  /**
   * @param options.stallMs - how long one write may take until `onStall` is called.
   * @param options.onRoom - called when what was written has left.
   */
  constructor(to: Writable, options: { stallMs: number; onRoom: () => void; onStall: () => void }) {
    this.#to = to;
    this.#options = options;
  }

  /** How much waits, in bytes or so. */
  get backlog(): number {
    return this.#text.length + (this.#rest?.length ?? 0);
  }

  push(text: string): void {
    if (this.#isClosed) return;
    this.#text += text;
    if (this.#isScheduled || this.#isWriting) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#write();
    });
  }

  /** Calls `then` once all that was pushed has been handed over. */
  whenEmpty(then: () => void): void {
    this.#onEmpty = then;
    if (!this.#isScheduled && !this.#isWriting) this.#write();
  }

  /** Writes no more. */
  close(): void {
    this.#isClosed = true;
    this.#text = "";
    this.#rest = undefined;
    clearTimeout(this.#stall);
  }

  #write(): void {
    if (this.#isClosed) return;
    const next = this.#next();
    if (next === undefined) {
      this.#onEmpty?.();
      return;
    }
    this.#isWriting = true;
    this.#stall = setTimeout(this.#options.onStall, this.#options.stallMs);
    this.#to.write(next, (error) => {
      clearTimeout(this.#stall);
      this.#isWriting = false;
      if (this.#isClosed || (error !== null && error !== undefined)) return;
      this.#write();
      this.#options.onRoom();
    });
  }

  #next(): string | Buffer | undefined {
    if (this.#rest === undefined) {
      const text = this.#text;
      this.#text = "";
      if (text === "") return undefined;
      if (text.length <= WRITE_BYTES) return text;
      this.#rest = Buffer.from(text);
    }
    const part = this.#rest.subarray(0, WRITE_BYTES);
    this.#rest = part.length === this.#rest.length ? undefined : this.#rest.subarray(WRITE_BYTES);
    return part;
  }
}
