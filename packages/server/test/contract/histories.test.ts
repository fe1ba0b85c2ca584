import fc from "fast-check";
import { test } from "vitest";
import { History } from "./history.js";
import { bound, calls, faults, opened, steps } from "./history-steps.js";
import type { Step } from "./history-steps.js";
import { useCluster } from "./use-cluster.js";

const cluster = useCluster();

/** To replay a failure: WSC_TEST_SEED and WSC_TEST_PATH as the failure printed them. */
async function check(
  histories: fc.Arbitrary<readonly Step[]>,
  numRuns: number,
  limitMs: number,
): Promise<void> {
  const { WSC_TEST_SEED: seed, WSC_TEST_PATH: path, WSC_TEST_RUNS: runs } = process.env;
  const replay = seed === undefined ? {} : { seed: Number(seed), ...(path === undefined ? {} : { path }) };
  const end = performance.now() + limitMs;
  await fc.assert(
    fc.asyncProperty(fc.boolean(), histories, async (settled, history) => {
      // Not `interruptAfterTimeLimit`, which would leave the last history running beside what comes next.
      if (performance.now() > end) {
        return;
      }
      const running = new History(cluster());
      try {
        for (const step of [...opened, ...(settled ? bound : []), ...history]) {
          await running.step(step);
        }
      } finally {
        await running.end();
      }
    }),
    { numRuns: Number(runs ?? numRuns), ...replay },
  );
}

test(
  "any history of calls, openings and closings gives what the contract says",
  { timeout: 90_000 },
  async () => {
    await check(steps([...calls]), 150, 30_000);
  },
);

test("so it does while centers freeze, go on and are killed", { timeout: 90_000 }, async () => {
  await check(steps([...calls, ...faults]), 20, 20_000);
});
