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

/** What is known of a recipient whose frames may wait. Only the outbox sets it. */
export interface Coalesced {
  /** The frames of its own that wait to be written; undefined where there are none. */
  pending: Sequence | undefined;
  /** When it was last written to, by the clock that stands still meanwhile. */
  writtenAt: number;
  /** How many writes in a row came fast, and what waiting brought. */
  fastWrites: number;
}

/** Recipients that wait for more, and what each of them had when the tick ended in which it began to wait. */
class WaitingBatch<Recipient extends Coalesced> {
  readonly root = new Sequence();
  readonly recipients: Recipient[] = [];
  readonly first: (Sequence | undefined)[] = [];
}

/**
 * Which recipients wait for more than one tick, and until when.
 *
 * Those whose frames come fast, tick after tick, wait for up to `coalesceMs`, as long as that joins frames of several
 * ticks: who sends only after an answer gains nothing by it, and is soon left alone. Whether frames come fast is asked of
 * a clock that stands still while the outbox writes, for they cannot come meanwhile.
 */
export class Coalescing<Recipient extends Coalesced> {
  readonly #coalesceMs: number;
  readonly #now: () => number;
  readonly #flush: (recipient: Recipient) => void;
  #waiting: WaitingBatch<Recipient> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tickStartedAt = 0;
  #writingMs = 0;

  /** @param flush - writes what a recipient has queued. */
  constructor(coalesceMs: number, now: () => number, flush: (recipient: Recipient) => void) {
    this.#coalesceMs = coalesceMs;
    this.#now = now;
    this.#flush = flush;
  }

  beginTick(): void {
    this.#tickStartedAt = this.#clock();
  }

  /** For a recipient that has no frames: where its queue begins, if it shall wait. */
  queueOf(recipient: Recipient): Sequence | undefined {
    if (!this.#shallWait(recipient)) return undefined;
    if (this.#waiting === undefined) {
      this.#waiting = new WaitingBatch();
      this.#timer = setTimeout(this.flush, this.#coalesceMs);
    }
    this.#waiting.recipients.push(recipient);
    return this.#waiting.root;
  }

  endTick(): void {
    if (this.#waiting === undefined) return;
    const { recipients, first } = this.#waiting;
    for (let at = first.length; at < recipients.length; at += 1) first.push(recipients[at]?.pending);
  }

  /** Writes what waits. */
  readonly flush = (): void => {
    clearTimeout(this.#timer);
    const { recipients, first } = this.#waiting ?? new WaitingBatch();
    this.#waiting = undefined;
    for (const [at, recipient] of recipients.entries()) {
      const isInVain = recipient.pending === first[at];
      recipient.fastWrites = Math.min(recipient.fastWrites + (isInVain ? -LOSS : GAIN), MOST);
    }
    this.write(recipients);
  };

  /** Writes what these have queued. */
  write(recipients: readonly Recipient[]): void {
    if (recipients.length === 0) return;
    const startedAt = this.#now();
    const clock = this.#clock();
    for (const recipient of recipients) {
      recipient.writtenAt = clock;
      this.#flush(recipient);
    }
    this.#writingMs += this.#now() - startedAt;
  }

  /** Tenths of a millisecond in which nothing was written. Small whole numbers, which differences may wrap around. */
  #clock(): number {
    return Math.floor((this.#now() - this.#writingMs) * 10) | 0;
  }

  #shallWait(recipient: Recipient): boolean {
    const gap = (this.#tickStartedAt - recipient.writtenAt) | 0;
    if (gap > FAST) recipient.fastWrites = Math.min(recipient.fastWrites, 0);
    else recipient.fastWrites += 1;
    return recipient.fastWrites > STEADY;
  }
}
