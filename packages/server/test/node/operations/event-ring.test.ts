import { expect, test } from "vitest";
import { EventRing } from "../../../src/node/operations/event-ring.js";

const event = (type: string, at: number) => ({ type, at });

test("readers get each event once, in order, each at its own pace", () => {
  const ring = new EventRing<{ type: string; at: number }>({ capacity: 10 });
  for (const at of [1, 2, 3]) ring.push(event("open", at));
  const first = ring.since(0, 2);
  expect(first.items.map(({ at, number }) => [at, number])).toEqual([
    [1, 0],
    [2, 1],
  ]);
  ring.push(event("close", 4));
  expect(ring.since(first.next, 10).items.map(({ at }) => at)).toEqual([3, 4]);
  expect(ring.since(0, 10).items).toHaveLength(4);
  expect(ring.since(ring.next, 10)).toEqual({ items: [], next: 4, dropped: {} });
});

test("of one type no more than the budget is kept in a slice of time, and others are not hidden by it", () => {
  const ring = new EventRing<{ type: string; at: number }>({ capacity: 100, budget: 2, sliceMs: 250 });
  for (let at = 0; at < 10; at += 1) ring.push(event("send", at));
  ring.push(event("open", 10));
  const { items, dropped, next } = ring.since(0, 100);
  expect(items.map(({ type }) => type)).toEqual(["send", "send", "open"]);
  expect(dropped).toEqual({ send: 8 });
  ring.push(event("send", 300));
  expect(ring.since(next, 100)).toMatchObject({ items: [{ type: "send", at: 300 }], dropped: {} });
});

test("what is left out after it was told of is told the next time, and only once", () => {
  const ring = new EventRing<{ type: string; at: number }>({ capacity: 100, budget: 1 });
  ring.push(event("send", 1));
  ring.push(event("send", 2));
  const { next, dropped } = ring.since(0, 100);
  expect(dropped).toEqual({ send: 1 });
  ring.push(event("send", 3));
  expect(ring.since(next, 100)).toMatchObject({ items: [], dropped: { send: 1 } });
});

test("who comes too late is told how much it has missed", () => {
  const ring = new EventRing<{ type: string; at: number }>({ capacity: 8 });
  for (let at = 0; at < 20; at += 1) ring.push(event("open", at * 300));
  const { items, dropped, next } = ring.since(0, 100);
  expect(items.at(-1)?.at).toBe(19 * 300);
  expect(items.length).toBeLessThanOrEqual(8);
  expect(dropped["missed"]).toBe(20 - items.length);
  expect(next).toBe(20);
});
