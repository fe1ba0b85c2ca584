// The full garbage collections of this process, as Node.js tells of them.
import { constants, PerformanceObserver } from "node:perf_hooks";

/** @returns a function that tells of those since it was called last: how many, and how long the longest took, in ms. */
export function watchCollections() {
  let durations = [];
  const observer = new PerformanceObserver((list) => {
    for (const { detail, duration } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) durations.push(duration);
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => {
    const told = { count: durations.length, longestMs: Math.max(0, ...durations) };
    durations = [];
    return told;
  };
}
