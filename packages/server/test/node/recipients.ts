import { encodeMessage, type Frame } from "../../src/node/frame.js";
import type { Outbox, Recipient } from "../../src/node/outbox.js";
import type { Sequence } from "../../src/node/sequence.js";

/** Keeps what an outbox writes. */
export class FakeRecipient implements Recipient {
  pending: Sequence | undefined;
  place = -1;
  ownTick = 0;
  writtenFrames = 0;
  writtenAt = 0;
  fastWrites = 0;
  takesFrames = true;
  /** How often a frame was queued on it by itself. */
  enqueued = 0;
  readonly writes: (readonly Buffer[])[] = [];
  /** What the audience writes to. */
  readonly socket = { write: (bytes: Buffer) => this.#take([bytes]), writableLength: 0 };
  /** How often it was told that its socket had not taken all. */
  leftBehind = 0;
  /** Runs while it is being written to. */
  onWrite: (() => void) | undefined;
  readonly #outbox: Outbox | undefined;

  constructor(outbox?: Outbox) {
    this.#outbox = outbox;
  }

  enqueue(frame: Frame): boolean {
    if (!this.takesFrames) return false;
    this.enqueued += 1;
    this.#outbox?.add(this, frame);
    return true;
  }

  write(sequence: Sequence): void {
    this.writtenFrames += sequence.count;
    this.#take(sequence.buffers());
  }

  wrote(): void {
    this.leftBehind += 1;
  }

  #take(buffers: readonly Buffer[]): void {
    this.writes.push(buffers);
    this.onWrite?.();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes.flat());
  }
}

/** Resolves after the outbox has written what was queued before. */
export const endOfTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const bytesOf = (frames: readonly Frame[]): Buffer => Buffer.concat(frames.map(({ bytes }) => bytes));
export const frameOf = (bytes: number, text = "x"): Frame => encodeMessage(text.repeat(bytes));
