import fc from "fast-check";
import { expect, test } from "vitest";
import { Recent } from "../../../src/recent.js";

interface Entry {
  at: number;
  text: string;
  list: number[] | undefined;
}

function createRecent(maxEntries: number, maxBytes = Infinity): Recent<Entry> {
  return new Recent<Entry>({
    maxEntries,
    maxBytes,
    pack: ({ text, list }) => [text, list],
    unpack: (at, [text, list]) => ({
      at,
      text: text as string,
      list: (list as number[] | null) ?? undefined,
    }),
  });
}

test("as many of the last entries are there as there is room for, each as it was", () => {
  const entry = fc.record({
    at: fc.nat(),
    // Now and then one that is larger than a block, and one that does not fit what is left of it.
    text: fc.oneof(
      { weight: 20, arbitrary: fc.string({ unit: "grapheme", maxLength: 300 }) },
      { weight: 1, arbitrary: fc.constantFrom(2000, 40_000, 70_000).map((length) => "é".repeat(length)) },
    ),
    list: fc.option(fc.array(fc.nat()), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(entry, { maxLength: 120 }), (most, entries) => {
      const recent = createRecent(most);
      for (const [at, added] of entries.entries()) {
        recent.add(added.at, added);
        const kept = entries.slice(Math.max(0, at + 1 - most), at + 1);
        expect(recent.oldestAt).toBe(kept[0]?.at);
        expect(recent.forgottenAt).toBe(at < most ? null : entries[at - most]?.at);
      }
      expect([...recent.newestFirst()]).toEqual(entries.slice(-most).toReversed());
    }),
  );
});

test("what all take together has a bound, and one entry may take more", () => {
  const recent = createRecent(1000, 10_000);
  const texts = (): number[] => Array.from(recent.newestFirst(), ({ text }) => text.length);
  for (let at = 0; at < 500; at += 1) recent.add(at, { at, text: "x".repeat(84), list: undefined });
  expect(texts().length).toBeGreaterThan(90);
  expect(texts().length).toBeLessThanOrEqual(100);
  recent.add(500, { at: 500, text: "x".repeat(100_000), list: undefined });
  expect(texts()).toEqual([100_000]);
  recent.add(501, { at: 501, text: "y", list: undefined });
  expect(texts()).toEqual([1]);
  expect(recent.forgottenAt).toBe(500);
});

test("with parts, all is there that has one of them, and nothing else where the whole part is in one place", () => {
  const recent = createRecent(5000);
  for (let at = 0; at < 5000; at += 1) recent.add(at, { at, text: `user-${at % 100}`, list: [at] });
  const found = Array.from(recent.newestFirst([["user-7"], ["user-42"]]), ({ text }) => text);
  expect(new Set(found)).toEqual(new Set(["user-7", "user-42"]));
  expect(found).toHaveLength(2 * 50);
  expect(Array.from(recent.newestFirst([["user-7", [107]]]), ({ at }) => at)).toEqual([107]);
  expect([...recent.newestFirst([["nobody"]])]).toEqual([]);
});

test("without room nothing is kept", () => {
  const recent = createRecent(0);
  recent.add(1, { at: 1, text: "x", list: undefined });
  expect([recent.isOn, recent.oldestAt, [...recent.newestFirst()]]).toEqual([false, null, []]);
});
