const TOKEN_KEY = "wsc-token";

/** Which center is asked, which others there are, and the token: kept for this tab, until it is closed. */
export class Session {
  #token: string;
  /** Bases of HTTP APIs, each with a slash at its end; the one that is asked first. */
  #centers: string[];
  readonly #storage: Storage;
  readonly #listeners = new Set<() => void>();

  /** @param home - where this page came from: the base of that center's API. */
  constructor(home: string, storage: Storage) {
    this.#storage = storage;
    this.#token = storage.getItem(TOKEN_KEY) ?? "";
    this.#centers = [home];
  }

  get token(): string {
    return this.#token;
  }

  set token(token: string) {
    this.#token = token;
    if (token === "") this.#storage.removeItem(TOKEN_KEY);
    else this.#storage.setItem(TOKEN_KEY, token);
    this.#changed();
  }

  /** The base URL of the center that is asked. */
  get center(): string {
    const [first] = this.#centers;
    if (first === undefined) throw new Error("a session always has a center");
    return first;
  }

  get centers(): readonly string[] {
    return this.#centers;
  }

  /** Centers that were heard of. Those that are known stay, since the lost may come back. */
  learn(urls: Iterable<string>): void {
    const bases = [...urls].filter((url) => URL.canParse(url)).map(asBase);
    const added = bases.filter((base) => !this.#centers.includes(base));
    if (added.length === 0) return;
    this.#centers = [...this.#centers, ...new Set(added)];
    this.#changed();
  }

  /** From now on that center is asked first. */
  choose(base: string): void {
    if (this.center === base) return;
    this.#centers = [base, ...this.#centers.filter((other) => other !== base)];
    this.#changed();
  }

  /** That center did not answer: the next one is asked. */
  lost(base: string): void {
    if (this.center !== base || this.#centers.length === 1) return;
    this.#centers = [...this.#centers.slice(1), base];
    this.#changed();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function asBase(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}
