import { encodeMessage, type Frame } from "../../src/node/frame.js";
import type { Outbox, Recipient } from "../../src/node/outbox.js";
import type { Sequence } from "../../src/node/sequence.js";

/** Keeps what an outbox writes. */
export class FakeRecipient implements Recipient {
  pending: Sequence | undefined;
  slot = -1;
  isApart = false;
  ownTick = 0;
  writtenAt = 0;
  fastWrites = 0;
  takesFrames = true;
  /** How often a frame was queued on it by itself. */
  enqueued = 0;
  readonly writes: (readonly Buffer[])[] = [];
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
    this.writes.push(sequence.buffers());
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes.flat());
  }
}

/** Resolves after the outbox has written what was queued before. */
export const endOfTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const bytesOf = (frames: readonly Frame[]): Buffer => Buffer.concat(frames.map(({ bytes }) => bytes));
export const frameOf = (bytes: number, text = "x"): Frame => encodeMessage(text.repeat(bytes));
