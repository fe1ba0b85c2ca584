import { Audience, type Member } from "./audience.js";
import { type Coalesced, Coalescing } from "./coalescing.js";
import type { Frame } from "./frame.js";
import { Sequence } from "./sequence.js";

/** What the outbox needs of a connection. */
export interface Recipient extends Coalesced, Member {
  /** The last tick in which it had a queue of its own; only the outbox sets it. */
  ownTick: number;
  /** Frames that were written to it outside of the audience; the outbox adds those of the audience when it leaves it. */
  writtenFrames: number;
  /** Queues the frame, by `add`; false where it takes none. */
  enqueue(frame: Frame): boolean;
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

/** A turn of the event loop. What recipients got in the same order they get as one buffer. */
class Tick {
  readonly number: number;
  readonly root = new Sequence();
  /** Those that have a queue of their own, or had one. */
  readonly recipients: Recipient[] = [];
  /** What everybody got, but for those that have a queue of their own or are apart. */
  shared: Sequence | undefined;
  /** Whether that is being written: what comes meanwhile is too late for it. */
  isWriting = false;

  constructor(number: number) {
    this.number = number;
  }
}

/**
 * The send queue of all connections of a node: frames are queued as they come and written at the end of the tick,
 * so that frames that come together leave in one write.
 *
 * What goes to everybody is queued once, for an audience. A recipient that gets something else in that tick has a queue
 * of its own from then on, which begins with what everybody has got; it goes with the others again in the next.
 *
 * With `coalesceMs` some wait for more than one tick (coalescing.ts); each has its own time then, and nobody goes with
 * the others.
 */
export class Outbox {
  framesTotal = 0;
  bytesTotal = 0;
  readonly #coalescing: Coalescing<Recipient> | undefined;
  readonly #maxSharedBytes: number;
  /** Those to whom what goes to everybody is written alike, */
  readonly #audience = new Audience<Recipient>();
  /** and those on whom even that is queued by itself. */
  readonly #apart = new Set<Recipient>();
  #tick: Tick | undefined;
  #ticks = 0;

  constructor(options: OutboxOptions = {}) {
    const { coalesceMs = 0, maxBufferedBytes = Infinity, now = () => performance.now() } = options;
    this.#maxSharedBytes = maxBufferedBytes;
    if (coalesceMs > 0) this.#coalescing = new Coalescing(coalesceMs, now, (each) => this.flushOne(each));
  }

  /** Queues `frame` behind what waits for `recipient`. */
  add(recipient: Recipient, frame: Frame): void {
    this.framesTotal += 1;
    this.bytesTotal += frame.bytes.length;
    recipient.pending = (recipient.pending ?? this.#ownQueue(recipient)).with(frame);
  }

  /** Whether `addToAll` may be used. */
  get sendsToAllAlike(): boolean {
    return this.#coalescing === undefined;
  }

  /**
   * Queues `frame` on everybody but some. It costs what those do that are apart, or have a queue of their own.
   * @returns how many queued it.
   */
  addToAll(frame: Frame, except: ReadonlySet<Recipient> = nobody): number {
    const tick = (this.#tick ??= this.#beginTick());
    if (tick.shared === undefined) this.#beginSharing(tick);
    const shared = tick.shared ?? tick.root;
    const isTooMuch = shared.bytes + frame.bytes.length > this.#maxSharedBytes;
    const mayNotShare = isTooMuch || tick.isWriting ? this.#audience.waiting : except;
    for (const recipient of mayNotShare) this.#separate(recipient);

    const singles = [...this.#audience.others, ...this.#apart];
    let queued = this.#audience.waitingCount;
    if (queued > 0) {
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
    this.#apart.add(recipient);
  }

  /** It takes no more frames. */
  forget(recipient: Recipient): void {
    this.setApart(recipient, true);
    this.#apart.delete(recipient);
  }

  /** What waits for the recipient. */
  waitingFor(recipient: Recipient): Sequence | undefined {
    return recipient.pending ?? (this.#audience.isWaiting(recipient) ? this.#tick?.shared : undefined);
  }

  /** Frames that were written to the recipient. */
  framesTo(recipient: Recipient): number {
    return recipient.writtenFrames + this.#audience.framesTo(recipient);
  }

  /** From now on, what goes to everybody is queued on this one by itself, or with the others again. */
  setApart(recipient: Recipient, isApart: boolean): void {
    if (recipient.place < 0 === isApart) return;
    if (isApart) {
      this.#separate(recipient);
      recipient.writtenFrames += this.#audience.remove(recipient);
      this.#apart.add(recipient);
    } else {
      this.#apart.delete(recipient);
      this.#audience.add(recipient);
    }
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
    this.#coalescing?.flush();
  }

  /** Where the queue of a recipient begins that has none. */
  #ownQueue(recipient: Recipient): Sequence {
    const tick = (this.#tick ??= this.#beginTick());
    const waiting = this.#coalescing?.queueOf(recipient);
    if (waiting !== undefined) return waiting;
    this.#separate(recipient);
    return recipient.pending ?? tick.root;
  }

  /** Gives it a queue of its own for this tick, with what everybody has got. */
  #separate(recipient: Recipient): void {
    const tick = this.#tick;
    if (tick === undefined || recipient.ownTick === tick.number) return;
    if (this.#audience.excuse(recipient)) recipient.pending ??= tick.shared;
    recipient.ownTick = tick.number;
    tick.recipients.push(recipient);
  }

  /** Nobody waits before: places need not change in a tick in which nothing goes to everybody, as in most. */
  #beginSharing(tick: Tick): void {
    this.#audience.waitAll();
    for (const recipient of tick.recipients) this.#audience.excuse(recipient);
  }

  #beginTick(): Tick {
    this.#coalescing?.beginTick();
    setImmediate(this.#endTick);
    this.#ticks += 1;
    return new Tick(this.#ticks);
  }

  readonly #endTick = (): void => {
    const tick = this.#tick;
    if (tick === undefined) return;
    this.#coalescing?.endTick();
    try {
      tick.isWriting = true;
      if (tick.shared !== undefined) this.#audience.write(tick.shared);
    } finally {
      this.#tick = undefined;
    }
    if (this.#coalescing !== undefined) this.#coalescing.write(tick.recipients);
    else for (const recipient of tick.recipients) this.flushOne(recipient);
  };
}
