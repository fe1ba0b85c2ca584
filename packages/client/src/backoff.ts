/**
 * How long to wait before the next try: "full jitter", a random time up to a ceiling that doubles with each failure.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export interface BackoffOptions {
  /** The first ceiling. Default: 2,000. */
  baseMs?: number;
  /** The last ceiling. Default: 30,000. */
  maxMs?: number;
  /** The ceiling while the page is hidden or the network is away, where the usual one is lower. Default: 60,000. */
  hiddenMs?: number;
}

/**
 * @param failures - how many tries have failed in a row.
 * @param random - from 0 up to 1.
 */
export function backoffMs(
  { baseMs, maxMs, hiddenMs }: Required<BackoffOptions>,
  { failures, isHidden, random }: { failures: number; isHidden: boolean; random: number },
): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(failures, 30));
  return random * (isHidden ? Math.max(ceiling, hiddenMs) : ceiling);
}
