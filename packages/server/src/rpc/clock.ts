/** The monotonic clock of a process, and what runs by it: what interest and leases reason about, tests turn it. */
export interface Clock {
  /** Milliseconds since some moment; it never goes back. */
  now(): number;
  /** @returns a function that calls it off. */
  after(ms: number, run: () => void): () => void;
  /** Runs it when what runs now has ended, before anything else comes in. */
  soon(run: () => void): void;
  /** Runs it in a later turn of the event loop, so that others get theirs. */
  later(run: () => void): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon: (run) => queueMicrotask(run),
  later: (run) => {
    setImmediate(run);
  },
};
