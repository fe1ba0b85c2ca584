import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { RuntimeVitals } from "@websocket-center/protocol";

const WINDOW_MS = 10_000;
const RESOLUTION_MS = 20;

/** How this process does: CPU, memory, and how late its event loop is. */
export class RuntimeWatch {
  readonly #delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #timer: NodeJS.Timeout | undefined;
  #loopDelayMs = 0;

  start(): void {
    this.#delays.enable();
    this.#timer = setInterval(() => {
      this.#loopDelayMs = this.#read();
      this.#delays.reset();
    }, WINDOW_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#delays.disable();
  }

  /** `loopDelayMs`: of the last ten seconds at least, twenty at most; how much later than it should a timer ran. */
  vitals(): RuntimeVitals {
    const { user, system } = process.cpuUsage();
    return {
      cpuMs: (user + system) / 1000,
      rssBytes: process.memoryUsage.rss(),
      loopDelayMs: Math.max(this.#loopDelayMs, this.#read()),
    };
  }

  #read(): number {
    if (this.#delays.count === 0) return 0;
    return Math.max(0, this.#delays.percentile(99) / 1e6 - RESOLUTION_MS);
  }
}
