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
  /** The frames of its own that wait to be written; undefined where there are none. Only the outbox sets it. */
  pending: Sequence | undefined;
  /** Its place in the list of everybody, where it is in it. */
  readonly slot: number;
  /** Whether even what goes to everybody is queued on it by itself; only the outbox sets it. */
  isApart: boolean;
  /** The last tick in which it had a queue of its own; only the outbox sets it. */
  ownTick: number;
  /** When it was last written to, by the outbox's clock; only the outbox sets it. */
  writtenAt: number;
  /** How many writes in a row came fast, and what waiting brought. Only the outbox sets it. */
  fastWrites: number;
  /** Queues the frame, by `add`; false where it takes none. */
  enqueue(frame: Frame): boolean;
  /** Hands the frames to the socket. */
  write(sequence: Sequence): void;
}

export interface OutboxOptions {
  /** How long frames may wait for others, where they come faster than one a millisecond. 0, the default: not at all. */
  coalesceMs?: number;
  /** How much of what goes to everybody is queued for all at once. Default: however much there is. */
  maxBufferedBytes?: number;
  /** Default: the process's monotonic clock, in milliseconds. */
  now?: () => number;
}

const nobody: ReadonlySet<Recipient> = new Set();

/** Recipients that are written to together. What they got in the same order they get as one buffer. */
class Batch {
  readonly root = new Sequence();
  readonly recipients: Recipient[] = [];
}

/** A turn of the event loop. */
class Tick extends Batch {
  readonly number: number;
  /** What everybody got, but for those that have a queue of their own or are apart. */
  shared: Sequence | undefined;
  everybody: readonly Recipient[] = [];

  constructor(number: number) {
    super();
    this.number = number;
  }
}

/** Recipients that wait for more, and what each of them had when the tick ended in which it began to wait. */
class WaitingBatch extends Batch {
  readonly first: (Sequence | undefined)[] = [];
}

/**
 * The send queue of all connections of a node: frames are queued as they come and written at the end of the tick,
 * so that frames that come together leave in one write.
 *
 * What goes to everybody is queued once. A recipient that gets something else in that tick has a queue of its own from
 * then on, which begins with what everybody has got; it goes with the others again in the next.
 *
 * A recipient whose frames come fast, tick after tick, waits for up to `coalesceMs` instead, as long as that joins
 * frames of several ticks: who sends only after an answer gains nothing by it, and is soon left alone. Whether frames
 * come fast is asked of a clock that stands still while the outbox writes, for they cannot come meanwhile.
 */
export class Outbox {
  framesTotal = 0;
  bytesTotal = 0;
  readonly #coalesceMs: number;
  readonly #maxSharedBytes: number;
  readonly #now: () => number;
  readonly #apart = new Set<Recipient>();
  #tick: Tick | undefined;
  #ticks = 0;
  #tickStartedAt = 0;
  #waiting: WaitingBatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writingMs = 0;

  constructor(options: OutboxOptions = {}) {
    const { coalesceMs = 0, maxBufferedBytes = Infinity, now = () => performance.now() } = options;
    this.#coalesceMs = coalesceMs;
    this.#maxSharedBytes = maxBufferedBytes;
    this.#now = now;
  }

  /** Queues `frame` behind what waits for `recipient`. */
  add(recipient: Recipient, frame: Frame): void {
    this.framesTotal += 1;
    this.bytesTotal += frame.bytes.length;
    recipient.pending = (recipient.pending ?? this.#ownQueue(recipient)).with(frame);
  }

  /** Whether `addToAll` may be used: where frames wait for others, each recipient has its own time. */
  get sendsToAllAlike(): boolean {
    return this.#coalesceMs === 0;
  }

  /**
   * Queues `frame` on everybody but some. It costs what those do that are apart, or have a queue of their own.
   *
   * @param everybody - the same list in each call, in which each recipient stands at its `slot`. Who is about to leave
   * it is set apart first, so as to be written what it has got.
   * @returns how many queued it.
   */
  addToAll(everybody: readonly Recipient[], frame: Frame, except: ReadonlySet<Recipient> = nobody): number {
    const tick = (this.#tick ??= this.#beginTick());
    const shared = tick.shared ?? tick.root;
    const isTooMuch = shared.bytes + frame.bytes.length > this.#maxSharedBytes;
    for (const recipient of isTooMuch ? everybody : except) this.#separate(recipient);

    const singles = tick.recipients.filter((recipient) => everybody[recipient.slot] === recipient);
    for (const recipient of this.#apart) {
      if (recipient.ownTick !== tick.number && everybody[recipient.slot] === recipient)
        singles.push(recipient);
    }
    let queued = everybody.length - singles.length;
    if (queued > 0) {
      tick.everybody = everybody;
      tick.shared = shared.with(frame);
      this.framesTotal += queued;
      this.bytesTotal += queued * frame.bytes.length;
    }
    for (const recipient of singles) {
      if (!except.has(recipient) && recipient.enqueue(frame)) queued += 1;
    }
    return queued;
  }

  /** A new recipient: it begins apart, because what everybody has got in this tick is not for it. */
  admit(recipient: Recipient): void {
    recipient.isApart = true;
    this.#apart.add(recipient);
  }

  /** It takes no more frames. */
  forget(recipient: Recipient): void {
    this.setApart(recipient, true);
    this.#apart.delete(recipient);
  }

  /** What waits for the recipient. */
  waitingFor(recipient: Recipient): Sequence | undefined {
    return recipient.pending ?? (this.#isAlike(recipient) ? this.#tick?.shared : undefined);
  }

  /** From now on, what goes to everybody is queued on this one by itself, or with the others again. */
  setApart(recipient: Recipient, isApart: boolean): void {
    if (recipient.isApart === isApart) return;
    if (isApart) this.#separate(recipient);
    recipient.isApart = isApart;
    if (isApart) this.#apart.add(recipient);
    else this.#apart.delete(recipient);
  }

  /** Writes what one recipient has queued now. */
  flushOne(recipient: Recipient): void {
    if (recipient.pending === undefined && this.#tick?.shared !== undefined) this.#separate(recipient);
    const sequence = recipient.pending;
    if (sequence === undefined) return;
    recipient.pending = undefined;
    recipient.write(sequence);
  }

  /** Writes what waits. */
  close(): void {
    this.#flushWaiting();
  }

  /** Where the queue of a recipient begins that has none. */
  #ownQueue(recipient: Recipient): Sequence {
    const tick = (this.#tick ??= this.#beginTick());
    if (this.#coalesceMs > 0 && this.#shallWait(recipient)) return this.#wait(recipient);
    this.#separate(recipient);
    return recipient.pending ?? tick.root;
  }

  #wait(recipient: Recipient): Sequence {
    if (this.#waiting === undefined) {
      this.#waiting = new WaitingBatch();
      this.#timer = setTimeout(this.#flushWaiting, this.#coalesceMs);
    }
    this.#waiting.recipients.push(recipient);
    return this.#waiting.root;
  }

  /** Gives it a queue of its own for this tick, with what everybody has got. */
  #separate(recipient: Recipient): void {
    const tick = this.#tick;
    if (tick === undefined || recipient.ownTick === tick.number) return;
    if (this.#isAlike(recipient)) recipient.pending ??= tick.shared;
    recipient.ownTick = tick.number;
    tick.recipients.push(recipient);
  }

  /** Whether it gets what everybody gets in this tick without a queue of its own. */
  #isAlike(recipient: Recipient): boolean {
    return !recipient.isApart && recipient.ownTick !== this.#ticks;
  }

  #beginTick(): Tick {
    if (this.#coalesceMs > 0) this.#tickStartedAt = this.#clock();
    setImmediate(this.#endTick);
    this.#ticks += 1;
    return new Tick(this.#ticks);
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
    const tick = this.#tick;
    this.#tick = undefined;
    if (this.#waiting !== undefined) {
      const { recipients: waiting, first } = this.#waiting;
      for (let at = first.length; at < waiting.length; at += 1) first.push(waiting[at]?.pending);
    }
    if (tick?.shared !== undefined) writeToAll(tick, tick.shared);
    if (tick !== undefined) this.#write(tick.recipients);
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
    if (this.#coalesceMs === 0) {
      for (const recipient of recipients) this.flushOne(recipient);
      return;
    }
    const startedAt = this.#now();
    const clock = this.#clock();
    for (const recipient of recipients) {
      recipient.writtenAt = clock;
      this.flushOne(recipient);
    }
    this.#writingMs += this.#now() - startedAt;
  }
}

/** From the end: a recipient that leaves the list meanwhile is replaced by its last, which has been written to. */
function writeToAll({ everybody, number }: Tick, shared: Sequence): void {
  for (let at = everybody.length - 1; at >= 0; at -= 1) {
    const recipient = everybody[at];
    if (recipient === undefined || recipient.isApart || recipient.ownTick === number) continue;
    recipient.ownTick = number;
    recipient.write(shared);
  }
}
