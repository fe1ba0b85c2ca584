const TICK_MS = 1000;

/**
 * When things end, by the wall clock, with one timer for all of them: within two seconds after their time.
 *
 * A tick looks at each second in which something ends, once, and not at what ends then.
 */
export class Expiries<T> {
  readonly #bySecond = new Map<number, Set<T>>();
  readonly #secondOf = new Map<T, number>();
  readonly #onExpired: (item: T) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onExpired: (item: T) => void) {
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#secondOf.size;
  }

  start(): void {
    // After the I/O of this turn of the event loop: what came in time has been read.
    this.#timer ??= setInterval(() => setImmediate(this.#tick), TICK_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The item ends at that Unix time in milliseconds, whatever was said of it before. */
  set(item: T, expiresAt: number): void {
    this.delete(item);
    const second = Math.ceil(expiresAt / 1000);
    this.#secondOf.set(item, second);
    const items = this.#bySecond.get(second);
    if (items === undefined) this.#bySecond.set(second, new Set([item]));
    else items.add(item);
  }

  delete(item: T): void {
    const second = this.#secondOf.get(item);
    if (second === undefined) return;
    this.#secondOf.delete(item);
    const items = this.#bySecond.get(second);
    items?.delete(item);
    if (items?.size === 0) this.#bySecond.delete(second);
  }

  readonly #tick = (): void => {
    const now = Date.now() / 1000;
    for (const [second, items] of this.#bySecond) {
      if (second > now) continue;
      this.#bySecond.delete(second);
      for (const item of items) this.#secondOf.delete(item);
      for (const item of items) this.#onExpired(item);
    }
  };
}
