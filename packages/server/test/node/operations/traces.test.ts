import { expect, test } from "vitest";
import { Traces } from "../../../src/node/operations/traces.js";

const nobody = (): string[] => [];

test("the oldest entries make room, and it is told how far memory reaches", () => {
  const traces = new Traces(100);
  for (let at = 0; at < 1000; at += 1) traces.add({ at, what: "sendToUser", userId: "ada" });
  const { items, since } = traces.find({ userId: "ada", limit: 1000 }, nobody);
  expect(items).toHaveLength(100);
  expect([items[0]?.at, items.at(-1)?.at, since]).toEqual([999, 900, 899]);
});

test("long ids cost room too", () => {
  const traces = new Traces(100);
  for (let at = 0; at < 50; at += 1)
    traces.add({ at, what: "sendToUser", userId: `${at}`.padEnd(10_000, "x") });
  traces.add({ at: 50, what: "sendToUser", userId: "ada" });
  const kept = Array.from({ length: 50 }, (_, at) => `${at}`.padEnd(10_000, "x")).filter(
    (userId) => traces.find({ userId, limit: 10 }, nobody).items.length > 0,
  );
  expect(kept).toHaveLength(1);
  expect(traces.find({ userId: "ada", limit: 10 }, nobody).items).toHaveLength(1);
});

test("of a user everything is found that was for one of its connections, open or gone", () => {
  const traces = new Traces(100);
  traces.add({ at: 1, what: "open", connectionId: "gone", userId: "ada" });
  traces.add({ at: 2, what: "sendToConnection", connectionId: "gone", matched: 1, queued: 1 });
  traces.add({ at: 3, what: "sendToConnection", connectionId: "here" });
  traces.add({ at: 4, what: "sendToUser", userId: "bob" });
  traces.add({ at: 5, what: "sendToConnection", connectionId: "another" });
  const { items } = traces.find({ userId: "ada", limit: 10 }, () => ["here"]);
  expect(items.map(({ at }) => at)).toEqual([3, 2, 1]);
});

test("calls are found by their center and number, groups by their id", () => {
  const traces = new Traces(100);
  const [one, other] = ["a".repeat(32), "b".repeat(32)];
  traces.add({ at: 1, what: "sendToGroup", groupId: "g", centerId: one, call: 7 });
  traces.add({ at: 2, what: "sendToGroup", groupId: "g", centerId: other, call: 7 });
  const calls = { centerId: one, numbers: [7, 8] };
  expect(traces.find({ calls, limit: 10 }, nobody).items.map(({ at }) => at)).toEqual([1]);
  expect(traces.find({ groupId: "g", limit: 1 }, nobody).items.map(({ at }) => at)).toEqual([2]);
});

test("with no room nothing is remembered", () => {
  const traces = new Traces(0);
  traces.add({ at: 1, what: "open", connectionId: "x" });
  expect([traces.isOn, traces.find({ connectionId: "x", limit: 10 }, nobody).items]).toEqual([false, []]);
});
