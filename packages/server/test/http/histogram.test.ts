import fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { PlainHistogram } from "../../src/histogram.js";

test("a histogram says of any values what that of the library says", async () => {
  const about = { name: "wsc_seconds", help: "how long" };
  const bounds = [0.001, 0.5, 1, 10];
  const values = fc.array(fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.constantFrom(...bounds)));
  await fc.assert(
    fc.asyncProperty(values, async (observed) => {
      const [own, library] = [new Registry(), new Registry()];
      const plain = new PlainHistogram(own, about.name, about.help, bounds);
      const full = new Histogram({ ...about, buckets: bounds, registers: [library] });
      for (const value of observed) {
        plain.observe(value);
        full.observe(value);
      }
      expect(await own.metrics()).toBe(await library.metrics());
      expect(await samplesOf(own)).toEqual(await samplesOf(library));
    }),
    { numRuns: 50 },
  );
});

/** As workers send them; exemplars are of another format than ours. */
async function samplesOf(registry: Registry): Promise<unknown> {
  return JSON.parse(
    JSON.stringify(await registry.getMetricsAsJSON(), (key, value: unknown) =>
      key === "exemplar" ? undefined : value,
    ),
  );
}
