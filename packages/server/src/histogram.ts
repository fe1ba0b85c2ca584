import type { Metric, Registry } from "prom-client";

/**
 * A histogram without labels, as Prometheus reads it. That of `prom-client` makes several objects and a key for each
 * value, which on the way of every call costs more than all other counting together.
 */
export class PlainHistogram {
  readonly #counts: Float64Array;
  readonly #bounds: readonly number[];
  #sum = 0;

  /** @param bounds - the greatest value of each bucket, ascending; above the last there is one more. */
  constructor(registry: Registry, name: string, help: string, bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
    const metric = {
      name,
      get: () =>
        Promise.resolve({ name, help, type: "histogram", aggregator: "sum", values: this.#values(name) }),
      reset: () => this.#reset(),
    };
    // The types know the library's own classes only; all that a registry asks of a metric is here.
    registry.registerMetric(metric as unknown as Metric);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  /** Each bucket counts those below it too. */
  #values(name: string): { metricName: string; labels: Record<string, string | number>; value: number }[] {
    let count = 0;
    const buckets = Array.from(this.#counts, (here, at) => {
      count += here;
      return { metricName: `${name}_bucket`, labels: { le: this.#bounds[at] ?? "+Inf" }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: {}, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, value: count },
    ];
  }

  #reset(): void {
    this.#counts.fill(0);
    this.#sum = 0;
  }
}
