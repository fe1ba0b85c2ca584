import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chooseByLeastConnections,
  chooseByModulo,
  chooseByRendezvous,
  crc32,
  mix32,
  moduloIndex,
  type Place,
  scoreOf,
  seedOf,
} from "../src/steering.js";

interface Vectors {
  crc32: { text: string; value: number }[];
  mix32: { value: number; result: number }[];
  addresses: string[];
  seeds: number[];
  modulo: { id: string; index: number; closed?: string[]; address: string | null }[];
  rendezvous: { id: string; scores: number[]; address: string }[];
}
const file = new URL("../../../docs/steering-vectors.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vectors;
const placeOf = (address: string): Place => ({ address, seed: seedOf(address) });
const placesOf = (addresses: readonly string[]): Place[] => addresses.map(placeOf);

describe("the vectors that are documented", () => {
  const { addresses, seeds } = vectors;

  test.each(vectors.crc32)("CRC-32 of $text", ({ text, value }) => {
    expect(crc32(text)).toBe(value);
  });

  test.each(vectors.mix32)("mix32 of $value", ({ value, result }) => {
    expect(mix32(value)).toBe(result);
  });

  test("hold the values that others have published", () => {
    // The check value of CRC-32/ISO-HDLC, and MurmurHash3_x86_32 of nothing with the seeds 1 and 0xffffffff.
    expect(crc32("123456789")).toBe(0xcbf43926);
    expect([mix32(1), mix32(0xffffffff)]).toEqual([0x514e28b7, 0x81f16f39]);
  });

  test.each(vectors.modulo)("modulo of $id without $closed", ({ id, index, closed = [], address }) => {
    expect(moduloIndex(id, addresses.length)).toBe(index);
    const isOpen = (listed: string): boolean => !closed.includes(listed);
    expect(chooseByModulo(id, addresses, isOpen) ?? null).toBe(address);
  });

  test.each(vectors.rendezvous)("rendezvous of $id", ({ id, scores, address }) => {
    expect(addresses.map(seedOf)).toEqual(seeds);
    expect(seeds.map((seed) => scoreOf(seed, crc32(id)))).toEqual(scores);
    expect(chooseByRendezvous(id, placesOf(addresses))?.address).toBe(address);
  });
});

describe("properties", () => {
  const ids = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
  const addressLists = fc.uniqueArray(fc.webUrl(), { minLength: 1, maxLength: 12 });

  test("an integer of any size has the index that exact arithmetic gives", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: 1, max: 5000 }), (id, length) => {
        const exact = (id < 0n ? -id : id) % BigInt(length);
        expect(moduloIndex(id.toString(), length)).toBe(Number(exact));
      }),
    );
  });

  test("the order in which places are known changes nothing", () => {
    fc.assert(
      fc.property(ids, addressLists, (id, addresses) => {
        const there = chooseByRendezvous(id, placesOf(addresses));
        const back = chooseByRendezvous(id, placesOf(addresses).toReversed());
        expect(back?.address).toBe(there?.address);
      }),
    );
  });

  test("places of the same score are told apart by their addresses, not by their order", () => {
    const places = ["c", "a", "b"].map((address) => ({ address, seed: 1 }));
    expect(chooseByRendezvous("ada", places)?.address).toBe("a");
    expect(chooseByRendezvous("ada", places.toReversed())?.address).toBe("a");
  });

  test("a place that goes moves nobody else, in either strategy", () => {
    fc.assert(
      fc.property(ids, addressLists, fc.nat(), (id, addresses, pick) => {
        const gone = addresses[pick % addresses.length] ?? "";
        const rest = addresses.filter((address) => address !== gone);
        const before = chooseByRendezvous(id, placesOf(addresses))?.address;
        if (before !== gone) expect(chooseByRendezvous(id, placesOf(rest))?.address).toBe(before);
        const listed = chooseByModulo(id, addresses, () => true);
        if (listed === gone) return;
        expect(chooseByModulo(id, addresses, (address) => address !== gone)).toBe(listed);
      }),
    );
  });

  test("least connections takes one of the least loaded, within a twentieth", () => {
    const loads = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(ids, loads, (id, connections) => {
        const places = connections.map((load, at) => ({ ...placeOf(`ws://node-${at}`), load }));
        const chosen = chooseByLeastConnections(id, places, ({ load }) => load);
        expect(chosen?.load).toBeLessThanOrEqual(Math.min(...connections) * 1.05);
      }),
    );
  });

  test("nothing to choose from is nothing", () => {
    expect(chooseByRendezvous("ada", [])).toBeUndefined();
    expect(chooseByLeastConnections("ada", [], () => 0)).toBeUndefined();
    expect(chooseByModulo("ada", [], () => true)).toBeUndefined();
  });
});

describe("1,000,000 ids on ten nodes", { timeout: 120_000 }, () => {
  const COUNT = 1_000_000;
  const addresses = Array.from({ length: 10 }, (_, at) => `wss://node-${at + 1}.example.com`);
  const places = placesOf(addresses);

  /** Ids as they are in practice: counted up, under a prefix, and as random as a UUID. */
  const kinds: [string, (at: number) => string][] = [
    ["numbers that count up", (at) => String(at)],
    ["user names that count up", (at) => `user-${at}@example.com`],
    [
      "UUIDs",
      (at) => {
        const part = (salt: number): string =>
          mix32(at * 4 + salt)
            .toString(16)
            .padStart(8, "0");
        return `${part(0)}-${part(1).slice(0, 4)}-4${part(1).slice(5)}-8${part(2).slice(5)}-${part(3)}${part(2).slice(0, 4)}`;
      },
    ],
  ];

  /** By how much the fullest and the emptiest differ from an even share. */
  function deviation(counts: ReadonlyMap<string, number>, shares: number): number {
    const share = COUNT / shares;
    return Math.max(...Array.from(counts.values(), (count) => Math.abs(count - share) / share));
  }

  test.each(kinds)("%s: rendezvous is even within 1 in 50, and moves only what it must", (_kind, idOf) => {
    const [left] = addresses;
    const remaining = places.filter(({ address }) => address !== left);
    const full = new Map<string, number>();
    const after = new Map<string, number>();
    let moved = 0;
    for (let at = 0; at < COUNT; at += 1) {
      const id = idOf(at);
      const before = chooseByRendezvous(id, places)?.address ?? "";
      const now = chooseByRendezvous(id, remaining)?.address ?? "";
      full.set(before, (full.get(before) ?? 0) + 1);
      after.set(now, (after.get(now) ?? 0) + 1);
      if (now === before) continue;
      moved += 1;
      if (before !== left) throw new Error(`${id} moved from ${before}, which stays`);
    }
    expect(full.size).toBe(10);
    expect(deviation(full, 10)).toBeLessThan(0.02);
    // Those of the node that left are spread over all others. Back again, it takes the same ones.
    expect(moved).toBe(full.get(left ?? ""));
    expect(after.size).toBe(9);
    expect(deviation(after, 9)).toBeLessThan(0.02);
  });

  test.each(kinds)(
    "%s: modulo is even within 1 in 50, and one neighbour takes all of a dead node",
    (_kind, idOf) => {
      const dead = addresses[3];
      const counts = new Map<string, number>();
      let toNext = 0;
      for (let at = 0; at < COUNT; at += 1) {
        const id = idOf(at);
        const before = chooseByModulo(id, addresses, () => true) ?? "";
        const now = chooseByModulo(id, addresses, (address) => address !== dead);
        counts.set(before, (counts.get(before) ?? 0) + 1);
        if (now === before) continue;
        if (before !== dead || now !== addresses[4]) throw new Error(`${id} moved from ${before} to ${now}`);
        toNext += 1;
      }
      expect(deviation(counts, 10)).toBeLessThan(0.02);
      expect(toNext).toBe(counts.get(dead ?? ""));
    },
  );
});

test("1,000 nodes are about evenly loaded too", () => {
  const places = Array.from({ length: 1000 }, (_, at) => placeOf(`ws://10.0.${at >> 8}.${at & 255}:8090`));
  const counts = new Map<string, number>();
  for (let at = 0; at < 100_000; at += 1) {
    const address = chooseByRendezvous(`user-${at}`, places)?.address ?? "";
    counts.set(address, (counts.get(address) ?? 0) + 1);
  }
  // 100 on the average. Chance alone would leave all within five standard deviations: 100 ± 50.
  expect(counts.size).toBe(1000);
  expect(Math.max(...counts.values())).toBeLessThan(150);
  expect(Math.min(...counts.values())).toBeGreaterThan(50);
  const chiSquared = Array.from(counts.values(), (count) => (count - 100) ** 2 / 100).reduce((a, b) => a + b);
  // 999 degrees of freedom: mean 999, standard deviation 44.7.
  expect(chiSquared).toBeGreaterThan(999 - 5 * 44.7);
  expect(chiSquared).toBeLessThan(999 + 5 * 44.7);
});
