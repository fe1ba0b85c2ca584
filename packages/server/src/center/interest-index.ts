import type { InterestKind } from "@websocket-center/protocol";
import type { Clock } from "../rpc/clock.js";

/** One holder, as nearly every user has, costs no object. */
type Holders = number | number[];

/** A Map takes no more than 2^24 keys. */
const MAX_KEYS = 16_000_000;
/** How many keys are looked at in one turn of the event loop when holders are dropped. */
const SWEEP_KEYS = 2000;

const kinds: readonly InterestKind[] = ["user", "group"];

/**
 * Who holds which users and groups. A holder is a number that is never used again, so that dropping one takes effect
 * at once for those who know which numbers live, and what it left behind is swept out in small steps.
 */
export class InterestIndex {
  readonly #clock: Clock;
  readonly #maxKeys: number;
  readonly #holders: Record<InterestKind, Map<string, Holders>> = { user: new Map(), group: new Map() };
  /** Dropped since the sweep that runs has begun, or since the last one. */
  #dropped = new Set<number>();
  #isSweeping = false;
  #isClosed = false;

  constructor({ clock, maxKeys = MAX_KEYS }: { clock: Clock; maxKeys?: number | undefined }) {
    this.#clock = clock;
    this.#maxKeys = maxKeys;
  }

  /** Users and groups that somebody holds, those of dropped holders included until they are swept out. */
  get size(): number {
    return this.#holders.user.size + this.#holders.group.size;
  }

  /** How many of a kind, counted in the same way. */
  count(kind: InterestKind): number {
    return this.#holders[kind].size;
  }

  /** @returns false where the index is full: then this holder is not in it. */
  add(kind: InterestKind, id: string, holder: number): boolean {
    const index = this.#holders[kind];
    const holders = index.get(id);
    if (holders === undefined) {
      if (index.size >= this.#maxKeys) return false;
      index.set(id, holder);
    } else if (typeof holders === "number") {
      if (holders !== holder) index.set(id, [holders, holder]);
    } else if (!holders.includes(holder)) {
      holders.push(holder);
    }
    return true;
  }

  remove(kind: InterestKind, id: string, holder: number): void {
    const index = this.#holders[kind];
    const holders = index.get(id);
    if (holders === holder) index.delete(id);
    if (typeof holders !== "object") return;
    const at = holders.indexOf(holder);
    if (at === -1) return;
    const last = holders.pop();
    if (last !== undefined && at < holders.length) holders[at] = last;
    const [only, another] = holders;
    if (only !== undefined && another === undefined) index.set(id, only);
  }

  /** Those who hold it, dropped ones that are not swept out yet included. */
  holdersOf(kind: InterestKind, id: string): number | readonly number[] | undefined {
    return this.#holders[kind].get(id);
  }

  /** Takes out everything of that holder, in later turns of the event loop. */
  drop(holder: number): void {
    this.#dropped.add(holder);
    this.#sweepLater();
  }

  close(): void {
    this.#isClosed = true;
  }

  #sweepLater(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    const steps = this.#sweep(this.#dropped);
    this.#dropped = new Set();
    const step = (): void => {
      if (this.#isClosed) return;
      if (steps.next().done !== true) {
        this.#clock.later(step);
        return;
      }
      this.#isSweeping = false;
      if (this.#dropped.size > 0) this.#sweepLater();
    };
    this.#clock.later(step);
  }

  /** Pauses after each bounded piece of work. */
  *#sweep(dropped: ReadonlySet<number>): Generator<void> {
    let looked = 0;
    for (const kind of kinds) {
      for (const [id, holders] of this.#holders[kind]) {
        if (typeof holders === "number") {
          if (dropped.has(holders)) this.#holders[kind].delete(id);
        } else {
          for (const holder of holders.filter((each) => dropped.has(each))) this.remove(kind, id, holder);
        }
        looked += typeof holders === "number" ? 1 : 1 + holders.length;
        if (looked < SWEEP_KEYS) continue;
        looked = 0;
        yield;
      }
    }
  }
}
