import { HttpPort } from "./http-port.js";
import type { ResolvedOptions } from "./options.js";
import { BatchStream } from "./stream.js";

const FIRST_REST_MS = 100;
const MAX_REST_MS = 5000;

/** A center, as this back end finds it. After a failure it rests, and is asked `/readyz` before it is called again. */
export class Center {
  readonly port: HttpPort;
  /** Why it rests; undefined while it can be called. */
  whyDown: string | undefined;
  /** False once it is known that a stream does not get through to it. */
  servesBatch: boolean;
  readonly #mayCallOneByOne: boolean;
  readonly #onUp: () => void;
  #stream: BatchStream | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(url: URL, { token, pipelining }: ResolvedOptions, onUp: () => void) {
    this.port = new HttpPort(url, token);
    this.servesBatch = pipelining !== false;
    this.#mayCallOneByOne = pipelining !== true;
    this.#onUp = onUp;
  }

  get stream(): BatchStream {
    if (this.#stream?.takesMore === true) return this.#stream;
    this.#stream = new BatchStream(this.port, {
      onUnsupported: () => {
        this.servesBatch = !this.#mayCallOneByOne;
        return this.#mayCallOneByOne;
      },
      onLost: (why) => this.rest(why),
    });
    return this.#stream;
  }

  /** @param why - for people. */
  rest(why: string): void {
    if (this.whyDown !== undefined || this.#isClosed) return;
    this.whyDown = why;
    this.#stream?.retire();
    this.port.giveBack(`not called, since the center rests: ${why}`);
    this.#wait();
  }

  worked(): void {
    this.#failures = 0;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#stream?.retire();
    this.port.close();
  }

  #wait(): void {
    const ceiling = Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.#probe(), ceiling * (0.5 + Math.random() / 2));
    // Whoever waits for it has a deadline of its own.
    this.#timer.unref();
  }

  async #probe(): Promise<void> {
    const isReady = await this.port.isReady();
    if (this.#isClosed) return;
    if (!isReady) {
      this.#wait();
      return;
    }
    this.whyDown = undefined;
    this.#onUp();
  }
}

/** The centers of one cluster. Calls that follow one another go to the same one while it works. */
export class Centers {
  readonly #all: readonly Center[];
  readonly #waiting = new Set<() => void>();
  #at: number;

  constructor(options: ResolvedOptions) {
    const onUp = (): void => {
      for (const wake of this.#waiting) wake();
    };
    this.#all = options.centers.map((url) => new Center(url, options, onUp));
    // Many back ends spread over the centers.
    this.#at = Math.floor(Math.random() * this.#all.length);
  }

  /**
   * The center to call, once there is one that does not rest.
   * @param except - centers that refused the call.
   * @returns undefined where none came up in time, all refused, or the call was given up.
   */
  async next(
    except: ReadonlySet<Center>,
    { endsAt, signal }: { endsAt: number; signal?: AbortSignal | undefined },
  ): Promise<Center | undefined> {
    const isOver = (): boolean => signal?.aborted === true || performance.now() >= endsAt;
    while (!isOver() && except.size < this.#all.length) {
      for (const offset of this.#all.keys()) {
        const at = (this.#at + offset) % this.#all.length;
        const center = this.#all[at];
        if (center === undefined || center.whyDown !== undefined || except.has(center)) continue;
        this.#at = at;
        return center;
      }
      await this.#untilUp(endsAt, signal);
    }
    return undefined;
  }

  get whyNone(): string {
    return this.#all.map(({ port, whyDown }) => whyDown ?? `${port.url.origin} was not called`).join("; ");
  }

  close(): void {
    for (const center of this.#all) center.close();
  }

  #untilUp(endsAt: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, endsAt - performance.now()));
      signal?.addEventListener("abort", wake, { once: true });
      this.#waiting.add(wake);
    });
  }
}
