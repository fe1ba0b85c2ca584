import { type Coalesced, Coalescing } from "./coalescing.js";
import type { Frame } from "./frame.js";
import { Sequence } from "./sequence.js";

/** What the outbox needs of a connection. */
export interface Recipient extends Coalesced {
  /** Its place in the list of everybody, where it is in it. */
  readonly slot: number;
  /** Whether even what goes to everybody is queued on it by itself; only the outbox sets it. */
  isApart: boolean;
  /** The last tick in which it had a queue of its own; only the outbox sets it. */
  ownTick: number;
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

/** A turn of the event loop. What recipients got in the same order they get as one buffer. */
class Tick {
  readonly number: number;
  readonly root = new Sequence();
  /** Those that have a queue of their own, or had one. */
  readonly recipients: Recipient[] = [];
  /** What everybody got, but for those that have a queue of their own or are apart. */
  shared: Sequence | undefined;
  everybody: readonly Recipient[] = [];

  constructor(number: number) {
    this.number = number;
  }
}

/**
 * The send queue of all connections of a node: frames are queued as they come and written at the end of the tick,
 * so that frames that come together leave in one write.
 *
 * What goes to everybody is queued once. A recipient that gets something else in that tick has a queue of its own from
 * then on, which begins with what everybody has got; it goes with the others again in the next.
 *
 * With `coalesceMs` some wait for more than one tick (coalescing.ts); each has its own time then, and nobody goes with
 * the others.
 */
export class Outbox {
  framesTotal = 0;
  bytesTotal = 0;
  readonly #coalescing: Coalescing<Recipient> | undefined;
  readonly #maxSharedBytes: number;
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
    if (this.#isAlike(recipient)) recipient.pending ??= tick.shared;
    recipient.ownTick = tick.number;
    tick.recipients.push(recipient);
  }

  /** Whether it gets what everybody gets in this tick without a queue of its own. */
  #isAlike(recipient: Recipient): boolean {
    return !recipient.isApart && recipient.ownTick !== this.#ticks;
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
    this.#tick = undefined;
    this.#coalescing?.endTick();
    if (tick.shared !== undefined) writeToAll(tick, tick.shared);
    if (this.#coalescing !== undefined) this.#coalescing.write(tick.recipients);
    else for (const recipient of tick.recipients) this.flushOne(recipient);
  };
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
