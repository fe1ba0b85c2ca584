import { AggregatorRegistry, Counter, Gauge, type Registry } from "prom-client";
import type { MetricsSource } from "../http/ops-routes.js";
import type { MetricsSnapshot } from "./messages.js";

/** What it needs of a worker. */
export interface MeasuredWorker {
  readonly number: number;
  ask(about: "metrics"): Promise<MetricsSnapshot | undefined>;
}

/**
 * The metrics of a host: those of its workers and of itself added up, but for those of processes, which have a label
 * `worker`. What a worker that has ended had counted stays in the sums, so that no counter falls.
 */
export class HostMetrics<W extends MeasuredWorker> implements MetricsSource {
  readonly #own: Registry;
  readonly #workers: () => Iterable<W>;
  readonly #last = new Map<W, MetricsSnapshot>();
  readonly #endings: Counter;
  #ended: MetricsSnapshot = [];
  #keeping: Promise<void> = Promise.resolve();

  /** @param own - the registry of this process. */
  constructor(own: Registry, workers: () => Iterable<W>) {
    this.#own = own;
    this.#workers = workers;
    new Gauge({
      name: "wsc_workers",
      help: "Workers that serve.",
      registers: [own],
      collect() {
        this.set([...workers()].length);
      },
    });
    this.#endings = new Counter({
      name: "wsc_workers_ended_total",
      help: "Workers that ended although nobody stopped the host.",
      registers: [own],
    });
  }

  get contentType(): string {
    return this.#own.contentType;
  }

  async metrics(): Promise<string> {
    const workers = [...this.#workers()];
    const asked = workers.map(async (worker) => {
      const snapshot = await worker.ask("metrics");
      // Where it does not answer, what it said last counts; where it has ended meanwhile, it is counted below.
      if (snapshot !== undefined && [...this.#workers()].includes(worker)) this.#last.set(worker, snapshot);
    });
    const [own] = await Promise.all([this.#own.getMetricsAsJSON(), ...asked]);
    const snapshots = [...this.#last].map(([{ number }, snapshot]) => labelled(snapshot, String(number)));
    return AggregatorRegistry.aggregate([labelled(own, "host"), this.#ended, ...snapshots]).metrics();
  }

  /** Counts the end of a worker that nobody stopped. */
  countEnd(): void {
    this.#endings.inc();
  }

  /** Keeps what a worker that has ended had counted, as far as it was told. */
  keep(worker: W): void {
    this.#keeping = this.#keeping.then(async () => {
      const counted = this.#last
        .get(worker)
        ?.filter(({ name, type }) => !isOfProcess(name) && countedTypes.has(String(type)));
      if (counted === undefined) return;
      const ended = await AggregatorRegistry.aggregate([this.#ended, counted]).getMetricsAsJSON();
      // In one step: whoever asks meanwhile finds it in one of them.
      this.#ended = ended;
      this.#last.delete(worker);
    });
  }
}

/** The library's types call them an enum, which they are not. */
const countedTypes: ReadonlySet<string> = new Set(["counter", "histogram"]);

function isOfProcess(name: string): boolean {
  return /^(?:process|nodejs)_/.test(name);
}

function labelled(snapshot: MetricsSnapshot, worker: string): MetricsSnapshot {
  return snapshot.map((metric) => {
    if (!isOfProcess(metric.name)) return metric;
    const values = metric.values.map((value) => ({ ...value, labels: { ...value.labels, worker } }));
    return { ...metric, aggregator: "sum", values };
  });
}
