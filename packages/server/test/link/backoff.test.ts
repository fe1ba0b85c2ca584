import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { Backoff } from "../../src/backplane/backoff.js";

afterEach(() => {
  vi.restoreAllMocks();
});

test("the ceiling doubles with each attempt up to its limit, and begins anew after a reset", () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  const backoff = new Backoff({ baseMs: 100, maxMs: 5000 });
  const ceilings = Array.from({ length: 8 }, () => backoff.next());
  expect(ceilings).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
});

test("the wait is random from nothing up to the ceiling: who lost a center together comes back spread out", () => {
  const random = vi.spyOn(Math, "random");
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(200), (jitter, attempts) => {
      random.mockReturnValue(jitter);
      const backoff = new Backoff({ baseMs: 100, maxMs: 5000 });
      for (let attempt = 0; attempt < attempts; attempt += 1) backoff.next();
      expect(backoff.next()).toBeCloseTo(jitter * Math.min(5000, 100 * 2 ** attempts), 6);
    }),
  );
});
