import { createHistogram } from "node:perf_hooks";

/** Milliseconds. */
export interface Percentiles {
  count: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

const MICROSECONDS = 1000;

/** Latencies in a room that does not grow, exact to three digits. */
export class Latencies {
  readonly #histogram = createHistogram({ figures: 3 });

  add(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * MICROSECONDS)));
  }

  /** Undefined where there was nothing to measure. */
  percentiles(): Percentiles | undefined {
    const { count, max } = this.#histogram;
    if (count === 0) return undefined;
    const at = (percent: number): number => this.#histogram.percentile(percent) / MICROSECONDS;
    return { count, p50: at(50), p99: at(99), p999: at(99.9), max: max / MICROSECONDS };
  }
}
