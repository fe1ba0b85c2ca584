/** What runs right now, so that its end can be waited for. */
export class Running {
  readonly #ends = new Set<Promise<void>>();

  /** Something begins. @returns a function that tells its end. */
  begin(): () => void {
    let tell = (): void => {};
    const end = new Promise<void>((resolve) => {
      tell = resolve;
    });
    this.#ends.add(end);
    return () => {
      this.#ends.delete(end);
      tell();
    };
  }

  async during<T>(work: Promise<T>): Promise<T> {
    const end = this.begin();
    try {
      return await work;
    } finally {
      end();
    }
  }

  /** Resolves when all that runs now has ended, at the latest after `maxMs`. What begins meanwhile is not waited for. */
  async settled(maxMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, maxMs);
    });
    await Promise.race([Promise.all(this.#ends), late]);
    clearTimeout(timer);
  }
}
