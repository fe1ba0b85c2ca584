/** Runs something again and again between `start()` and `close()`, never twice at once. */
export class Poll {
  readonly #everyMs: () => number;
  readonly #run: () => Promise<void>;
  readonly #onFault: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #isRunning = false;
  #isTurning = false;

  /**
   * @param everyMs - asked after each turn: from the beginning of that to the next, which waits for its end.
   * @param run - what a turn is.
   */
  constructor(everyMs: () => number, run: () => Promise<void>, onFault: (error: unknown) => void) {
    this.#everyMs = everyMs;
    this.#run = run;
    this.#onFault = onFault;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** The first turn is at once. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    if (!this.#isTurning) this.#nextIn(0);
  }

  /** Asks anew when the next turn is. */
  reschedule(): void {
    if (this.#isRunning && !this.#isTurning)
      this.#nextIn(this.#startedAt + this.#everyMs() - performance.now());
  }

  close(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  #nextIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#turn(), Math.max(0, ms));
  }

  async #turn(): Promise<void> {
    this.#startedAt = performance.now();
    this.#isTurning = true;
    try {
      await this.#run();
    } catch (error) {
      this.#onFault(error);
    }
    this.#isTurning = false;
    this.reschedule();
  }
}
