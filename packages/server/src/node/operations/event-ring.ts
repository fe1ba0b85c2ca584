/** An event as its ring gives it out. */
export type Numbered<T> = T & { number: number };

/** Some events were left out here: how many, by type. */
interface Gap {
  counts: Record<string, number>;
}

type Entry<T> = { event: Numbered<T> } | Gap;

export interface Since<T> {
  items: Numbered<T>[];
  next: number;
  dropped: Record<string, number>;
}

/**
 * The last events, for any number of readers, each of whom asks for what came since it asked last.
 *
 * Of one type no more are kept in a slice of time than a budget allows: a flood of one hides none of the others. What
 * was left out is counted.
 */
export class EventRing<T extends { type: string; at: number }> {
  readonly #capacity: number;
  readonly #budget: number;
  readonly #sliceMs: number;
  #entries: Entry<T>[] = [];
  /** The number of the first entry. */
  #first: number;
  #sliceEndsAt = 0;
  readonly #inSlice = new Map<string, number>();
  #gap: Gap | undefined;

  /**
   * @param options.first - the number of the first event.
   * @param options.budget - events of one type in `sliceMs`. Default: as many as the ring has room for.
   */
  constructor({
    capacity,
    first = 0,
    budget = capacity,
    sliceMs = 250,
  }: {
    capacity: number;
    first?: number;
    budget?: number;
    sliceMs?: number;
  }) {
    this.#capacity = capacity;
    this.#first = first;
    this.#budget = budget;
    this.#sliceMs = sliceMs;
  }

  /** The number of what comes next. */
  get next(): number {
    return this.#first + this.#entries.length;
  }

  push(event: T): void {
    if (event.at >= this.#sliceEndsAt) this.#beginSlice(event.at);
    const count = (this.#inSlice.get(event.type) ?? 0) + 1;
    this.#inSlice.set(event.type, count);
    if (count <= this.#budget) {
      this.#add({ event: { ...event, number: this.next } });
      return;
    }
    if (this.#gap === undefined) {
      this.#gap = { counts: {} };
      this.#add(this.#gap);
    }
    this.#gap.counts[event.type] = (this.#gap.counts[event.type] ?? 0) + 1;
  }

  since(after: number, limit: number): Since<T> {
    const dropped: Record<string, number> = {};
    if (after < this.#first) dropped["missed"] = this.#first - after;
    const from = Math.min(Math.max(after, this.#first), this.next);
    const items: Numbered<T>[] = [];
    let at = from - this.#first;
    for (; at < this.#entries.length && items.length < limit; at += 1) {
      const entry = this.#entries[at];
      if (entry === undefined) break;
      if ("event" in entry) items.push(entry.event);
      else
        for (const [type, count] of Object.entries(entry.counts))
          dropped[type] = (dropped[type] ?? 0) + count;
    }
    // What is counted from now on is told to nobody twice.
    this.#gap = undefined;
    return { items, next: this.#first + at, dropped };
  }

  #beginSlice(at: number): void {
    this.#sliceEndsAt = at + this.#sliceMs;
    this.#inSlice.clear();
    this.#gap = undefined;
  }

  #add(entry: Entry<T>): void {
    this.#entries.push(entry);
    if (this.#entries.length <= this.#capacity) return;
    // A quarter at once, so that the rest is moved seldom.
    const gone = Math.ceil(this.#capacity / 4);
    this.#entries = this.#entries.slice(gone);
    this.#first += gone;
  }
}
