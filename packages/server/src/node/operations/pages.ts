import { setImmediate as nextTurn } from "node:timers/promises";

/** How long a listing may hold the event loop at a time. */
const SLICE_MS = 2;
/** The clock is looked at once for so many keys. */
const KEYS_PER_LOOK = 256;

export interface PageAsk {
  /** Exclusive. */
  after: string | undefined;
  limit: number;
  signal: AbortSignal;
  /** Default: the process's monotonic clock, in milliseconds. */
  now?: () => number;
}

/**
 * The first keys after `after`, in code-unit order, of those that `matches` takes.
 *
 * There is no sorted index, which every bind and join would have to keep up: all keys are looked at, a slice of time
 * after the other. What is there all the while is found; `keys` must live on while others come and go, as the iterators
 * of Map and Set do.
 */
export async function pageOf(
  keys: Iterable<string>,
  matches: (key: string) => boolean,
  { after, limit, signal, now = () => performance.now() }: PageAsk,
): Promise<{ keys: string[]; more: boolean }> {
  const smallest: string[] = [];
  let sliceEndsAt = now() + SLICE_MS;
  let looked = 0;
  for (const key of keys) {
    looked += 1;
    if (looked % KEYS_PER_LOOK === 0 && now() >= sliceEndsAt) {
      await nextTurn();
      signal.throwIfAborted();
      sliceEndsAt = now() + SLICE_MS;
    }
    if (after !== undefined && key <= after) continue;
    const last = smallest.at(-1);
    if (smallest.length > limit && last !== undefined && key >= last) continue;
    if (!matches(key)) continue;
    smallest.splice(placeOf(smallest, key), 0, key);
    // One more than was asked for tells that there are more.
    if (smallest.length > limit + 1) smallest.pop();
  }
  return { keys: smallest.slice(0, limit), more: smallest.length > limit };
}

/** Where `key` belongs in the sorted list. */
function placeOf(sorted: readonly string[], key: string): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] ?? "") < key) from = middle + 1;
    else to = middle;
  }
  return from;
}
