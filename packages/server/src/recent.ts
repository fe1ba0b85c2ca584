/** The last entries, a bounded number in bounded memory: the oldest make room. */
export class Recent<T extends { at: number }> {
  readonly #maxEntries: number;
  readonly #maxCost: number;
  readonly #costOf: (entry: T) => number;
  readonly #entries: (T | undefined)[] = [];
  #first = 0;
  #size = 0;
  #cost = 0;
  #forgottenAt: number | null = null;

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
    return this.#forgottenAt;
  }

  add(entry: T): void {
    if (!this.isOn) return;
    const cost = this.#costOf(entry);
    while (this.#size > 0 && (this.#size === this.#maxEntries || this.#cost + cost > this.#maxCost))
      this.#forget();
    this.#entries[(this.#first + this.#size) % this.#maxEntries] = entry;
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
    const { oldest } = this;
    this.#entries[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#maxEntries;
    this.#size -= 1;
    if (oldest === undefined) return;
    this.#cost -= this.#costOf(oldest);
    this.#forgottenAt = oldest.at;
  }
}
