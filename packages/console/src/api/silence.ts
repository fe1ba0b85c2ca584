/** Aborts what one waits for when nothing is heard of it for so long. */
export class Silence {
  readonly #limitMs: number;
  #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Begins to wait, anew where it did before. */
  begin(): AbortSignal {
    this.#controller = new AbortController();
    this.heard();
    return this.#controller.signal;
  }

  heard(): void {
    this.end();
    this.#timer = setTimeout(() => this.#controller.abort(new Error("nothing came")), this.#limitMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
