/** The bounds of the buckets grow by a tenth, from 0.05 ms to over a minute: so exact is a quantile. */
const FIRST_MS = 0.05;
const GROWTH = 1.1;
const BUCKETS = 148;
const perBucket = 1 / Math.log(GROWTH);

/** How long calls took, since the process began. Windows are differences of two `snapshot`s. */
export class Latency {
  readonly #counts = new Float64Array(BUCKETS);

  observe(ms: number): void {
    const at = Math.ceil(Math.log(ms / FIRST_MS) * perBucket);
    const bucket = at > 0 ? Math.min(at, BUCKETS - 1) : 0;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  snapshot(): Float64Array {
    return this.#counts.slice();
  }
}

/** The time within which that part (0 to 1) of the calls between two snapshots ended; null where there were none. */
export function quantileMs(part: number, before: Float64Array, after: Float64Array): number | null {
  let all = 0;
  for (const [at, count] of after.entries()) all += count - (before[at] ?? 0);
  if (all === 0) return null;
  let seen = 0;
  for (const [at, count] of after.entries()) {
    seen += count - (before[at] ?? 0);
    if (seen >= part * all) return Math.round(FIRST_MS * GROWTH ** at * 1000) / 1000;
  }
  return null;
}
