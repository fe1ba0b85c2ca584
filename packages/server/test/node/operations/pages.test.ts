import fc from "fast-check";
import { expect, test } from "vitest";
import { pageOf } from "../../../src/node/operations/pages.js";

const signal = new AbortController().signal;
const all = (): boolean => true;
const keyArb = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("a", "b", "c", "\u{1F600}") });

/** Pages until the end, and lets `between` change what is there. */
async function readAll(keys: Set<string>, limit: number, between: () => void = () => {}): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | undefined; ; after = found.at(-1)) {
    const page = await pageOf(keys.values(), all, { after, limit, signal });
    found.push(...page.keys);
    if (!page.more) return found;
    expect(page.keys).toHaveLength(limit);
    between();
  }
}

test("pages are all keys in code-unit order, each once, whatever the order in which they are held", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(keyArb), fc.integer({ min: 1, max: 5 }), async (keys, limit) => {
      // oxlint-disable-next-line require-array-sort-compare -- by code units is what is meant
      expect(await readAll(new Set(keys), limit)).toEqual(keys.toSorted());
    }),
  );
});

test("what is there from the first page to the last is met exactly once, though others come and go", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(keyArb, { minLength: 1 }),
      fc.array(fc.record({ key: keyArb, comes: fc.boolean() })),
      fc.integer({ min: 1, max: 4 }),
      async (stay, changes, limit) => {
        const keys = new Set(stay);
        const pending = changes.filter(({ key }) => !stay.includes(key));
        const found = await readAll(keys, limit, () => {
          const change = pending.shift();
          if (change?.comes === true) keys.add(change.key);
          else if (change !== undefined) keys.delete(change.key);
        });
        expect(found.filter((key) => stay.includes(key))).toEqual(stay.toSorted());
        expect(new Set(found).size).toBe(found.length);
      },
    ),
  );
});

test("a long listing gives way to others again and again, and ends when nobody waits for it any more", async () => {
  const keys = new Set(Array.from({ length: 10_000 }, (_, at) => `k${at}`));
  let clock = 0;
  // Each look at the clock finds that the slice is over.
  const now = (): number => (clock += 5);
  let turns = 0;
  const controller = new AbortController();
  const count = (): void => {
    turns += 1;
    if (turns === 5) controller.abort();
    else setImmediate(count);
  };
  setImmediate(count);
  const listing = pageOf(keys.values(), all, { after: undefined, limit: 10, signal: controller.signal, now });
  await expect(listing).rejects.toThrow();
  expect(turns).toBeGreaterThanOrEqual(5);
});

test("keys that do not match are passed over, and no more than was asked for comes", async () => {
  const keys = new Set(["b1", "a1", "a3", "b2", "a2"]);
  const isA = (key: string): boolean => key.startsWith("a");
  expect(await pageOf(keys.values(), isA, { after: "a1", limit: 1, signal })).toEqual({
    keys: ["a2"],
    more: true,
  });
  expect(await pageOf(keys.values(), isA, { after: "a1", limit: 2, signal })).toEqual({
    keys: ["a2", "a3"],
    more: false,
  });
});
