import type { OpsHistory, OpsPoint } from "@websocket-center/protocol";
import { pointOf, type Sample } from "./point.js";
import { Poll } from "./poll.js";

/** Between points that are kept, and how far they reach back. */
export const KEPT_MS = 5000;
const HISTORY_MS = 15 * 60_000;
const MAX_POINTS = HISTORY_MS / KEPT_MS;
/** Between samples while somebody looks. */
const LIVE_MS = 1000;
/** Timers are not exact: a sample that comes so little early is one to keep. */
const EARLY_MS = 100;

/** A new sample was taken. `isKept`: its point is one of the history. */
export interface Sampled {
  point: OpsPoint;
  isKept: boolean;
}

/**
 * Takes samples between `start()` and `close()`: every five seconds, each second while somebody looks. One that takes
 * long is never overtaken by the next.
 */
export class Sampler {
  readonly #take: () => Promise<Sample>;
  readonly #poll: Poll;
  readonly #lookers = new Set<(sampled: Sampled) => void>();
  readonly #points: OpsPoint[] = [];
  #latest: OpsPoint | undefined;
  #before: Sample | undefined;
  #keptBefore: Sample | undefined;
  /** By performance.now(). */
  #nextKeptAt = 0;
  #startedAt = 0;

  constructor(take: () => Promise<Sample>, onFault: (error: unknown) => void) {
    this.#take = take;
    this.#poll = new Poll(
      () => (this.#lookers.size > 0 ? LIVE_MS : Math.max(LIVE_MS, this.#nextKeptAt - this.#startedAt)),
      () => this.#sample(),
      onFault,
    );
  }

  get history(): OpsHistory {
    return { intervalMs: KEPT_MS, points: this.#points };
  }

  get latest(): OpsPoint | undefined {
    return this.#latest;
  }

  /** Tells of each sample until the function that it returns is called. */
  look(onSampled: (sampled: Sampled) => void): () => void {
    const looker = (sampled: Sampled): void => onSampled(sampled);
    this.#lookers.add(looker);
    if (this.#lookers.size === 1) this.#poll.reschedule();
    return () => this.#lookers.delete(looker);
  }

  start(): void {
    this.#nextKeptAt = performance.now();
    this.#poll.start();
  }

  close(): void {
    this.#poll.close();
  }

  async #sample(): Promise<void> {
    this.#startedAt = performance.now();
    const sample = await this.#take();
    if (this.#poll.isRunning) this.#onSample(sample);
  }

  #onSample(sample: Sample): void {
    const startedAt = this.#startedAt;
    const isKept = startedAt >= this.#nextKeptAt - EARLY_MS;
    const point = pointOf(sample, isKept ? this.#keptBefore : this.#before);
    this.#before = sample;
    this.#latest = point;
    if (isKept) {
      this.#keptBefore = sample;
      // A process that slept does not catch up.
      const slept = startedAt > this.#nextKeptAt + LIVE_MS;
      this.#nextKeptAt = (slept ? startedAt : this.#nextKeptAt) + KEPT_MS;
      this.#points.push(point);
      if (this.#points.length > MAX_POINTS) this.#points.shift();
    }
    for (const tell of this.#lookers) tell({ point, isKept });
  }
}
