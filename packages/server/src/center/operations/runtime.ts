import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { RuntimeVitals } from "@websocket-center/protocol";

const RESOLUTION_MS = 10;
/** The delay is that of the last one to two of these. */
const WINDOW_MS = 5000;
const NS_PER_MS = 1e6;

/** How this process does. The event loop is watched between `start()` and `close()`. */
export class Runtime {
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #latestDelayMs = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#delay.enable();
    this.#timer = setInterval(() => {
      this.#latestDelayMs = this.#delayMs();
      this.#delay.reset();
    }, WINDOW_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  vitals(): RuntimeVitals {
    const { user, system } = process.cpuUsage();
    return {
      cpuMs: (user + system) / 1000,
      rssBytes: process.memoryUsage.rss(),
      loopDelayMs: Math.max(this.#latestDelayMs, this.#delayMs()),
    };
  }

  #delayMs(): number {
    const ms = this.#delay.percentile(99) / NS_PER_MS - RESOLUTION_MS;
    return Number.isFinite(ms) ? Math.max(0, Math.round(ms * 100) / 100) : 0;
  }
}
