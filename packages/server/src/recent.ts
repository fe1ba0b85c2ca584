/** The last entries, a bounded number in bounded memory: the oldest make room. */
export class Recent<T extends { at: number }> {
  readonly #maxEntries: number;
  readonly #maxCost: number;
  readonly #costOf: (entry: T) => number;
  readonly #entries: (T | undefined)[] = [];
  /** What each costs, beside it: whoever makes room need not look at entries that have been out of sight for long. */
  readonly #costs: number[] = [];
  #first = 0;
  #size = 0;
  #cost = 0;
  #forgotten: T | undefined;

  /**
   * @param options.maxEntries - 0: nothing is kept.
   * @param options.maxCost - of all together, by `costOf`. One that costs more is kept alone.
   */
  constructor({
    maxEntries,
    maxCost,
    costOf,
  }: {
    maxEntries: number;
    maxCost: number;
    costOf: (entry: T) => number;
  }) {
    this.#maxEntries = maxEntries;
    this.#maxCost = maxCost;
    this.#costOf = costOf;
  }

  get isOn(): boolean {
    return this.#maxEntries > 0;
  }

  get oldest(): T | undefined {
    return this.#entries[this.#first];
  }

  /** When the youngest of those that made room was made; null where none has. */
  get forgottenAt(): number | null {
    return this.#forgotten?.at ?? null;
  }

  add(entry: T): void {
    if (!this.isOn) return;
    const cost = this.#costOf(entry);
    while (this.#size > 0 && (this.#size === this.#maxEntries || this.#cost + cost > this.#maxCost))
      this.#forget();
    const slot = (this.#first + this.#size) % this.#maxEntries;
    this.#entries[slot] = entry;
    this.#costs[slot] = cost;
    this.#size += 1;
    this.#cost += cost;
  }

  *newestFirst(): Generator<T, void> {
    for (let back = this.#size - 1; back >= 0; back -= 1) {
      const entry = this.#entries[(this.#first + back) % this.#maxEntries];
      if (entry !== undefined) yield entry;
    }
  }

  #forget(): void {
    this.#forgotten = this.oldest;
    this.#cost -= this.#costs[this.#first] ?? 0;
    this.#entries[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#maxEntries;
    this.#size -= 1;
  }
}
