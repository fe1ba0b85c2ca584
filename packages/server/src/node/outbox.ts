import type { Frame } from "./frame.js";
import { Sequence } from "./sequence.js";

/** Frames that come sooner than this after the last write come fast, in the unit of the outbox's clock: a millisecond. */
const FAST = 10;
/** So many fast writes in a row make a recipient wait for more. */
const STEADY = 3;
/** Waiting that joined frames of several ticks counts as so many fast writes more, up to `MOST`; */
const GAIN = 10;
const MOST = 80;
/** in vain, as so many less. So it goes on where at least four of five times more frames come. */
const LOSS = 40;

/** What the outbox needs of a connection. */
export interface Recipient {
  /** The frames that wait to be written; undefined where there are none. Only the outbox sets it. */
  pending: Sequence | undefined;
  /** When it was last written to, by the outbox's clock; only the outbox sets it. */
  writtenAt: number;
  /** How many writes in a row came fast, and what waiting brought. Only the outbox sets it. */
  fastWrites: number;
  /** Hands the frames to the socket. */
  write(sequence: Sequence): void;
}

export interface OutboxOptions {
  /** How long frames may wait for others, where they come faster than one a millisecond. 0, the default: not at all. */
  coalesceMs?: number;
  /** Default: the process's monotonic clock, in milliseconds. */
  now?: () => number;
}

/** Recipients that are written to together. What they got in the same order they get as one buffer. */
class Batch {
  readonly root = new Sequence();
  readonly recipients: Recipient[] = [];
}

/** Recipients that wait for more, and what each of them had when the tick ended in which it began to wait. */
class WaitingBatch extends Batch {
  readonly first: (Sequence | undefined)[] = [];
}

/**
 * The send queue of all connections of a node: frames are queued as they come and written at the end of the tick,
 * so that frames that come together leave in one write.
 *
 * A recipient whose frames come fast, tick after tick, waits for up to `coalesceMs` instead, as long as that joins
 * frames of several ticks: who sends only after an answer gains nothing by it, and is soon left alone. Whether frames
 * come fast is asked of a clock that stands still while the outbox writes, for they cannot come meanwhile.
 */
export class Outbox {
  framesTotal = 0;
  bytesTotal = 0;
  readonly #coalesceMs: number;
  readonly #now: () => number;
  #tick: Batch | undefined;
  #tickStartedAt = 0;
  #waiting: WaitingBatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writingMs = 0;

  constructor({ coalesceMs = 0, now = () => performance.now() }: OutboxOptions = {}) {
    this.#coalesceMs = coalesceMs;
    this.#now = now;
  }

  /** Queues `frame` behind what waits for `recipient`. */
  add(recipient: Recipient, frame: Frame): void {
    this.framesTotal += 1;
    this.bytesTotal += frame.bytes.length;
    if (recipient.pending === undefined) {
      const batch = this.#batchFor(recipient);
      batch.recipients.push(recipient);
      recipient.pending = batch.root.with(frame);
    } else {
      recipient.pending = recipient.pending.with(frame);
    }
  }

  /** Writes what one recipient has queued now. */
  flushOne(recipient: Recipient): void {
    const sequence = recipient.pending;
    if (sequence === undefined) return;
    recipient.pending = undefined;
    recipient.write(sequence);
  }

  /** Writes what waits. */
  close(): void {
    this.#flushWaiting();
  }

  #batchFor(recipient: Recipient): Batch {
    const tick = (this.#tick ??= this.#beginTick());
    if (this.#coalesceMs === 0 || !this.#shallWait(recipient)) return tick;
    if (this.#waiting === undefined) {
      this.#waiting = new WaitingBatch();
      this.#timer = setTimeout(this.#flushWaiting, this.#coalesceMs);
    }
    return this.#waiting;
  }

  #beginTick(): Batch {
    this.#tickStartedAt = this.#clock();
    setImmediate(this.#endTick);
    return new Batch();
  }

  /** Tenths of a millisecond in which the outbox wrote nothing. Small whole numbers, which differences may wrap around. */
  #clock(): number {
    return Math.floor((this.#now() - this.#writingMs) * 10) | 0;
  }

  #shallWait(recipient: Recipient): boolean {
    const gap = (this.#tickStartedAt - recipient.writtenAt) | 0;
    if (gap > FAST) recipient.fastWrites = Math.min(recipient.fastWrites, 0);
    else recipient.fastWrites += 1;
    return recipient.fastWrites > STEADY;
  }

  readonly #endTick = (): void => {
    const { recipients } = this.#tick ?? new Batch();
    this.#tick = undefined;
    if (this.#waiting !== undefined) {
      const { recipients: waiting, first } = this.#waiting;
      for (let at = first.length; at < waiting.length; at += 1) first.push(waiting[at]?.pending);
    }
    this.#write(recipients);
  };

  readonly #flushWaiting = (): void => {
    clearTimeout(this.#timer);
    const { recipients, first } = this.#waiting ?? new WaitingBatch();
    this.#waiting = undefined;
    for (const [at, recipient] of recipients.entries()) {
      const isInVain = recipient.pending === first[at];
      recipient.fastWrites = Math.min(recipient.fastWrites + (isInVain ? -LOSS : GAIN), MOST);
    }
    this.#write(recipients);
  };

  #write(recipients: readonly Recipient[]): void {
    if (recipients.length === 0) return;
    const startedAt = this.#now();
    const clock = this.#clock();
    for (const recipient of recipients) {
      recipient.writtenAt = clock;
      this.flushOne(recipient);
    }
    this.#writingMs += this.#now() - startedAt;
  }
}
