const MAX_TEXTS = 1000;

/** Keeps equal texts once: what many clients send alike, each of them in a string of its own. */
export class Interned {
  readonly #texts = new Map<string, string>();

  of(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}
