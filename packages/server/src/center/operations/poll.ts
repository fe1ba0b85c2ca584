/** Runs something again and again between `start()` and `close()`, never twice at once. */
export class Poll {
  readonly #everyMs: number;
  readonly #run: () => Promise<void>;
  readonly #onFault: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #isTurning = false;

  /** @param run - begun this often, or when it has ended. */
  constructor(everyMs: number, run: () => Promise<void>, onFault: (error: unknown) => void) {
    this.#everyMs = everyMs;
    this.#run = run;
    this.#onFault = onFault;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    if (!this.#isTurning) this.#next(0);
  }

  close(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  #next(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#turn(), inMs);
  }

  async #turn(): Promise<void> {
    const startedAt = performance.now();
    this.#isTurning = true;
    try {
      await this.#run();
    } catch (error) {
      this.#onFault(error);
    }
    this.#isTurning = false;
    if (this.#isRunning) this.#next(Math.max(0, startedAt + this.#everyMs - performance.now()));
  }
}
