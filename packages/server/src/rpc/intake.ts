import type { Channel } from "./channel.js";

/** How often one looks whether all that came during a silence has been read. */
const CATCH_UP_MS = 5;

/**
 * What peers ask for, in their order, held until the input that is there has been read: what is taken back by then is
 * not run at all. A process that was stopped finds old calls and their `cancel` frames together when it wakes.
 */
export class Intake {
  readonly #waiting = new Map<Channel, Map<number, () => void>>();
  readonly #onFault: (error: unknown) => void;
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Runs it in this turn of the event loop, after its input; later where the channel is catching up. */
  take(channel: Channel, id: number, run: () => void): void {
    const waiting = this.#waiting.get(channel) ?? new Map<number, () => void>();
    this.#waiting.set(channel, waiting.set(id, run));
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#runReady();
    });
  }

  cancel(channel: Channel, id: number): void {
    this.#waiting.get(channel)?.delete(id);
  }

  onLeft(channel: Channel): void {
    this.#waiting.delete(channel);
    if (this.#waiting.size === 0) clearTimeout(this.#timer);
  }

  #runReady(): void {
    clearTimeout(this.#timer);
    for (const [channel, waiting] of [...this.#waiting]) {
      if (!channel.lookWhetherCaughtUp()) continue;
      this.#waiting.delete(channel);
      for (const run of waiting.values()) this.#run(run);
    }
    if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.#runReady(), CATCH_UP_MS);
  }

  #run(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#onFault(error);
    }
  }
}
