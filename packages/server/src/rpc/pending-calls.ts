import type { ErrorCode, WireOutcome } from "@websocket-center/protocol";
import type { CallSignal } from "../call-signal.js";
import type { Channel } from "./channel.js";

/** What came of a call at one node: an outcome for each method, or why there is none. */
export type NodeAnswer =
  | { ok: true; outcomes: WireOutcome[] }
  | { ok: false; code: ErrorCode; message: string };

export interface CallOptions {
  timeoutMs: number;
  signal?: CallSignal | undefined;
}

export type OnSettled = (answers: readonly NodeAnswer[]) => void;

/** So many are looked through faster than looked up. */
const FEW = 8;

/** A call until its last node has settled. */
export class PendingCall {
  readonly id: number;
  readonly channels: readonly Channel[];
  readonly timeoutMs: number;
  readonly signal: CallSignal | undefined;
  deadline: NodeJS.Timeout | undefined;
  /** Whether it has been handed to every node. */
  isSent = false;
  /** The next call in the same bucket of the table. */
  next: PendingCall | undefined;
  readonly #onSettled: OnSettled;
  readonly #onGivenUp: (call: PendingCall) => void;
  /** In the order of the channels; who has none is missing. */
  readonly #answers: (NodeAnswer | undefined)[];
  #missing: number;
  /** Where each channel is, for calls to many. */
  #places: Map<Channel, number> | undefined;

  constructor(
    id: number,
    channels: readonly Channel[],
    { timeoutMs, signal }: CallOptions,
    ends: { onSettled: OnSettled; onGivenUp: (call: PendingCall) => void },
  ) {
    this.id = id;
    this.channels = channels;
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.#answers = channels.map(() => undefined);
    this.#missing = channels.length;
    this.#onSettled = ends.onSettled;
    this.#onGivenUp = ends.onGivenUp;
  }

  /** How many nodes have not settled. The call is over when none is left. */
  get missing(): number {
    return this.#missing;
  }

  isMissing(channel: Channel): boolean {
    const at = this.#placeOf(channel);
    return at !== -1 && this.#answers[at] === undefined;
  }

  /** @returns false where the node was not missing. */
  settle(channel: Channel, answer: NodeAnswer): boolean {
    const at = this.#placeOf(channel);
    if (at === -1 || this.#answers[at] !== undefined) return false;
    this.#answers[at] = answer;
    this.#missing -= 1;
    return true;
  }

  /** Hands on the answers, when all are there. */
  finish(): void {
    this.#onSettled(this.#answers as NodeAnswer[]);
  }

  /** The event of its signal: nobody waits any more. */
  handleEvent(): void {
    this.#onGivenUp(this);
  }

  #placeOf(channel: Channel): number {
    if (this.channels.length <= FEW) return this.channels.indexOf(channel);
    this.#places ??= new Map(this.channels.map((each, at) => [each, at]));
    return this.#places.get(channel) ?? -1;
  }
}

/**
 * The calls that are under way, by number. Not a Map: where entries come and go, a Map makes itself a new table again
 * and again, and an old one that the collector has not found yet keeps all that was in it, and the next table, alive.
 */
export class CallTable {
  #buckets = emptyBuckets(64);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): PendingCall | undefined {
    let call = this.#buckets[id % this.#buckets.length];
    while (call !== undefined && call.id !== id) call = call.next;
    return call;
  }

  add(call: PendingCall): void {
    if (this.#size === this.#buckets.length) this.#grow();
    this.#put(call);
    this.#size += 1;
  }

  delete(call: PendingCall): void {
    const at = call.id % this.#buckets.length;
    let before = this.#buckets[at];
    if (before === call) {
      this.#buckets[at] = call.next;
    } else {
      while (before !== undefined && before.next !== call) before = before.next;
      if (before === undefined) return;
      before.next = call.next;
    }
    call.next = undefined;
    this.#size -= 1;
  }

  /** All of them, the oldest first; they may end meanwhile. */
  all(): PendingCall[] {
    const all: PendingCall[] = [];
    for (const first of this.#buckets) {
      for (let call = first; call !== undefined; call = call.next) all.push(call);
    }
    return all.toSorted((one, other) => one.id - other.id);
  }

  #put(call: PendingCall): void {
    const at = call.id % this.#buckets.length;
    call.next = this.#buckets[at];
    this.#buckets[at] = call;
  }

  #grow(): void {
    const all = this.all();
    this.#buckets = emptyBuckets(2 * this.#buckets.length);
    for (const call of all) this.#put(call);
  }
}

function emptyBuckets(count: number): (PendingCall | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}
