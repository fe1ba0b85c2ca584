import type { Environment } from "./environment.js";

export interface HeartbeatOptions {
  /** How long nothing is sent after the node was heard. Default: 25,000. */
  intervalMs?: number;
  /** How long the node may say nothing after a ping. Default: 10,000. */
  timeoutMs?: number;
  /** The same where there is a reason to doubt: the network changed, the page came back. Default: 3,000. */
  probeTimeoutMs?: number;
}

/** A timer that comes this late was held back: the device slept, or the page was throttled. */
const LATE_MS = 1000;

/**
 * Pings, and judges silence. Anything that comes from the node is a sign of life.
 *
 * Who was asleep gives nobody up at once when it wakes: what came meanwhile was not read yet. It asks once more.
 */
export class Heartbeat {
  readonly #environment: Environment;
  readonly #options: Required<HeartbeatOptions>;
  readonly #ping: () => void;
  readonly #onSilent: () => void;
  #cancel: () => void;
  #isAsking = false;
  #wasLate = false;

  constructor(
    environment: Environment,
    options: Required<HeartbeatOptions>,
    events: { ping: () => void; silent: () => void },
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#ping = events.ping;
    this.#onSilent = events.silent;
    this.#cancel = environment.after(options.intervalMs, () => this.ask());
  }

  heard(): void {
    this.#wasLate = false;
    if (!this.#isAsking) return;
    this.#isAsking = false;
    this.#cancel();
    this.#cancel = this.#environment.after(this.#options.intervalMs, () => this.ask());
  }

  /** Pings now, unless an answer is waited for. */
  ask(): void {
    if (!this.#isAsking) this.#askWithin(this.#options.timeoutMs);
  }

  /** Pings now, with little patience. */
  probe(): void {
    this.#askWithin(Math.min(this.#options.timeoutMs, this.#options.probeTimeoutMs));
  }

  close(): void {
    this.#cancel();
  }

  #askWithin(timeoutMs: number): void {
    this.#cancel();
    this.#isAsking = true;
    const dueAt = this.#environment.now() + timeoutMs;
    this.#cancel = this.#environment.after(timeoutMs, () => {
      const isLate = this.#environment.now() - dueAt > LATE_MS;
      if (!isLate || this.#wasLate) {
        this.#onSilent();
        return;
      }
      this.#wasLate = true;
      this.#askWithin(timeoutMs);
    });
    this.#ping();
  }
}
