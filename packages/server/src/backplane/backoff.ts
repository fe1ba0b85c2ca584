/**
 * How long to wait before the next attempt: "full jitter", a random time up to a ceiling that doubles.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  #attempts = 0;

  constructor({ baseMs, maxMs }: { baseMs: number; maxMs: number }) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
  }

  /** Milliseconds to wait now. */
  next(): number {
    const ceiling = Math.min(this.#maxMs, this.#baseMs * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 30);
    return Math.random() * ceiling;
  }

  reset(): void {
    this.#attempts = 0;
  }
}
