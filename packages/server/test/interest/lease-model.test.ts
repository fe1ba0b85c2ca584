import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { Settling } from "../../src/node/settling.js";
import { type Move, type Tampering, World } from "./world.js";

const runs = Number(process.env["WSC_TEST_RUNS"] ?? 3000);
const centers = 2;

const center = fc.nat(centers - 1);
const user = fc.nat(2);
/** Around everything that is counted in milliseconds, and in between. */
const ms = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(1, 5, 10, 50, 100, 250) },
  { weight: 3, arbitrary: fc.constantFrom(500, 700, 900, 960, 990, 999, 1000, 1001, 1009, 1010, 1011) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
);
const only = <T extends string>(...types: T[]) => fc.constantFrom(...types);

const usual: fc.WeightedArbitrary<Move>[] = [
  { weight: 12, arbitrary: fc.record({ type: only("pass"), ms }) },
  { weight: 24, arbitrary: fc.record({ type: only("deliverToNode", "deliverToCenter"), center }) },
  { weight: 10, arbitrary: fc.record({ type: only("beat"), center }) },
  { weight: 6, arbitrary: fc.record({ type: only("relink"), center }) },
  { weight: 2, arbitrary: fc.record({ type: only("endAtNode", "endAtCenter"), center }) },
  { weight: 1, arbitrary: fc.record({ type: only("restartCenter"), center }) },
  { weight: 10, arbitrary: fc.record({ type: only("timer", "later"), process: fc.nat(centers) }) },
  { weight: 8, arbitrary: fc.record({ type: only("bind", "admit"), user }) },
  { weight: 3, arbitrary: fc.record({ type: only("unbind"), user }) },
  { weight: 6, arbitrary: fc.record({ type: only("route") }) },
];
const overtaking: fc.WeightedArbitrary<Move> = {
  weight: 12,
  arbitrary: fc.record({ type: only("overtake"), center }),
};

/** Two clocks of machines may differ by less than a hundredth. */
const rate = fc.constantFrom(0.996, 1, 1.004);

interface History {
  moves: Move[];
  rates: number[];
  /** What else the node holds: more than one frame tells, or nothing. */
  others: number;
  /** Whether a call is routed after every move, or only where a move says so. */
  isAlwaysRouting: boolean;
}

const historyOf = (...moves: fc.WeightedArbitrary<Move>[]): fc.Arbitrary<History> =>
  fc.record({
    moves: fc.array(fc.oneof(...moves), { minLength: 60, maxLength: 200, size: "max" }),
    rates: fc.array(rate, { minLength: centers + 1, maxLength: centers + 1 }),
    others: fc.constantFrom(0, 13),
    isAlwaysRouting: fc.boolean(),
  });

/** @throws Error at the first call that misses a node. */
function live({ moves, rates, others, isAlwaysRouting }: History, tampering: Tampering = {}): World {
  const world = new World({ centers, rates, others, tampering });
  for (const each of warmUp) world.make(each);
  for (const each of moves) {
    world.make(each);
    if (isAlwaysRouting) world.route();
  }
  world.route();
  return world;
}

/** Both centers are linked, and know everything. */
const warmUp: Move[] = [0, 1].flatMap((at): Move[] => [
  { type: "relink", center: at },
  { type: "deliverToNode", center: at },
  ...[1, 2, 3].flatMap((): Move[] => [
    { type: "deliverToCenter", center: at },
    { type: "later", process: 0 },
    { type: "deliverToNode", center: at },
  ]),
  { type: "beat", center: at },
  { type: "deliverToNode", center: at },
  { type: "deliverToCenter", center: at },
]);

afterEach(() => {
  vi.restoreAllMocks();
});

test("a call that is routed after a bind was answered asks that node, whatever clocks, links and processes do", () => {
  const seen = { answers: 0, routed: 0, spared: 0 };
  fc.assert(
    fc.property(historyOf(...usual), (each) => {
      const world = live(each);
      for (const what of ["answers", "routed", "spared"] as const) seen[what] += world.seen[what];
    }),
    { numRuns: runs },
  );
  // Neither are binds never answered, nor nodes always asked.
  expect(seen.answers).toBeGreaterThan(runs);
  expect(seen.spared).toBeGreaterThan(seen.routed / 20);
});

test("and it does though pongs overtake what was told before: they promise what has to be known", () => {
  fc.assert(
    fc.property(historyOf(...usual, overtaking), (each) => {
      live(each);
    }),
    { numRuns: runs },
  );
});

/** Looks for a history that breaks the promise. */
function whatIsFound(tampering: Tampering, ...moves: fc.WeightedArbitrary<Move>[]): unknown {
  const details = fc.check(
    fc.property(historyOf(...usual, ...moves), (each) => {
      live(each, tampering);
    }),
    { numRuns: 20_000, endOnFailure: true },
  );
  return details.errorInstance;
}
const missed = new Error("a call missed the node that holds its user");

test.each<[string, Tampering]>([
  ["a lease from receiving a pong instead of sending its ping", { leaseFromReceiving: true }],
  ["a node that waits 900 ms", { settleMs: 900 }],
  ["a lease of 1,100 ms", { leaseMs: 1100 }],
  ["a node that waits as long as the lease, with clocks that differ", { settleMs: 1000 }],
  ["a snapshot that is taken for whole with its first frame", { wholeAtOnce: true }],
])("the exploration finds what is wrong with %s", (_rule, tampering) => {
  expect(whatIsFound(tampering)).toEqual(missed);
});

test("the exploration finds what is wrong with pongs that promise nothing, where they overtake", () => {
  expect(whatIsFound({ emptyPromises: true }, overtaking)).toEqual(missed);
});

test("the exploration finds what is wrong with a node that forgets links when they end", () => {
  vi.spyOn(Settling.prototype, "end").mockImplementation(function (this: Settling, witness) {
    this.onAck(witness, Infinity);
    witness.pingedAt = undefined;
  });
  expect(whatIsFound({})).toEqual(missed);
});
