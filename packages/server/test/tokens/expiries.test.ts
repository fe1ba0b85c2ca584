import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Expiries } from "../../src/node/tokens/expiries.js";

const start = Date.parse("2030-01-01T00:00:00Z");
const ended: number[] = [];
let expiries: Expiries<number>;

/** Time, and what is done at its end. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  vi.useFakeTimers({ now: start, toFake: ["setInterval", "clearInterval", "Date"] });
  ended.length = 0;
  expiries = new Expiries((item) => ended.push(item));
  expiries.start();
});
afterEach(() => {
  expiries.close();
  vi.useRealTimers();
});

test("each ends within two seconds after its time, and not before", async () => {
  for (let item = 1; item <= 50; item += 1) expiries.set(item, start + item * 100);
  for (let tenths = 1; tenths <= 70; tenths += 1) {
    await pass(100);
    const tooEarly = ended.filter((item) => item > tenths);
    const tooLate = Array.from({ length: 50 }, (_unused, index) => index + 1).filter(
      (item) => item <= tenths - 20 && !ended.includes(item),
    );
    expect({ tenths, tooEarly, tooLate }).toEqual({ tenths, tooEarly: [], tooLate: [] });
  }
  expect(ended).toHaveLength(50);
  expect(expiries.size).toBe(0);
});

test("what is set again ends at the new time alone, and what is deleted not at all", async () => {
  expiries.set(1, start + 2000);
  expiries.set(2, start + 2000);
  expiries.set(3, start + 9000);
  expiries.set(1, start + 5000);
  expiries.set(3, start + 1000);
  expiries.delete(2);
  await pass(4000);
  expect(ended).toEqual([3]);
  await pass(2000);
  expect(ended).toEqual([3, 1]);
  await pass(60_000);
  expect(ended).toEqual([3, 1]);
});

test("years away is as good as soon, and what is past ends at the next tick", async () => {
  const year = 365 * 86_400_000;
  expiries.set(1, start + 2 * year);
  expiries.set(2, 8.64e15);
  expiries.set(3, start - year);
  await pass(1000);
  expect(ended).toEqual([3]);
  vi.setSystemTime(start + 2 * year + 1000);
  await pass(1000);
  expect(ended).toEqual([3, 1]);
  expect(expiries.size).toBe(1);
});

test("100,000 have one timer, and end in their order of seconds", async () => {
  const count = 100_000;
  for (let item = 0; item < count; item += 1) expiries.set(item, start + (count - item));
  expect(vi.getTimerCount()).toBe(1);
  await pass(50_000);
  expect(ended.length).toBeGreaterThan(count / 2 - 2000);
  expect(ended.length).toBeLessThanOrEqual(count / 2);
  await pass(60_000);
  expect(new Set(ended).size).toBe(count);
  expect(ended).toHaveLength(count);
});

test("one that takes others along while it ends disturbs nobody, and after close nothing ends", async () => {
  const other = new Expiries<number>((item) => {
    ended.push(item);
    other.delete(item + 1);
  });
  other.start();
  for (let item = 0; item < 10; item += 1) other.set(item, start + 1000 * (1 + (item % 2)));
  await pass(5000);
  expect(ended.filter((item) => item % 2 === 0)).toHaveLength(5);
  other.set(100, start + 6000);
  other.close();
  await pass(60_000);
  expect(ended).not.toContain(100);
});
