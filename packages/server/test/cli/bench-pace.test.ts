import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { inParallel, pace } from "../../src/cli/bench/pace.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Calls that are answered when the test says so. `late` is how long after its time each began. */
function recorded(): {
  send: (number: number, dueAt: number) => Promise<void>;
  begun: { number: number; dueMs: number; late: number; answer: () => void }[];
} {
  const startedAt = performance.now();
  const begun: ReturnType<typeof recorded>["begun"] = [];
  const send = (number: number, dueAt: number): Promise<void> =>
    new Promise((resolve) => {
      const late = Math.round(performance.now() - dueAt);
      begun.push({ number, dueMs: Math.round(dueAt - startedAt), late, answer: resolve });
    });
  return { send, begun };
}

const signal = new AbortController().signal;

test("at a rate, calls are due by the clock, whatever becomes of those before", async () => {
  const { send, begun } = recorded();
  const paced = pace({ rate: 10, seconds: 1, inFlight: 20, signal, send });
  await vi.advanceTimersByTimeAsync(999);
  expect(begun.map(({ dueMs }) => dueMs)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  expect(begun.every(({ late }) => late <= 1)).toBe(true);
  await vi.advanceTimersByTimeAsync(5000);
  for (const { answer } of begun) answer();
  expect(await paced).toMatchObject({ sent: 10, unsent: 0 });
});

test("a call that had to wait for its turn is as late as it was, and what never had one is told", async () => {
  const { send, begun } = recorded();
  const paced = pace({ rate: 10, seconds: 1, inFlight: 1, signal, send });
  await vi.advanceTimersByTimeAsync(550);
  expect(begun).toHaveLength(1);
  begun[0]?.answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toHaveLength(2);
  expect(begun[1]).toMatchObject({ number: 1, dueMs: 100, late: 450 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(begun).toHaveLength(2);
  begun[1]?.answer();
  expect(await paced).toMatchObject({ sent: 2, unsent: 8 });
});

test("at max, the next call begins with an answer", async () => {
  const { send, begun } = recorded();
  const paced = pace({ rate: "max", seconds: 1, inFlight: 2, signal, send });
  expect(begun).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(500);
  expect(begun).toHaveLength(2);
  begun[1]?.answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(begun.map(({ dueMs }) => dueMs)).toEqual([0, 0, 500]);
  await vi.advanceTimersByTimeAsync(600);
  for (const { answer } of begun) answer();
  expect(await paced).toMatchObject({ sent: 3, unsent: 0, seconds: 1.1 });
});

test("where it is aborted nothing begins any more, and what runs is waited for", async () => {
  const { send, begun } = recorded();
  const abort = new AbortController();
  const paced = pace({ rate: 10, seconds: 60, inFlight: 9, signal: abort.signal, send });
  await vi.advanceTimersByTimeAsync(250);
  abort.abort();
  await vi.advanceTimersByTimeAsync(1000);
  expect(begun).toHaveLength(3);
  for (const { answer } of begun) answer();
  expect(await paced).toMatchObject({ sent: 3, unsent: 0 });
  expect(vi.getTimerCount()).toBe(0);
});

test("work in parallel ends with the first that fails, once those that run are done", async () => {
  const begun: number[] = [];
  const work = inParallel(
    10,
    3,
    () => false,
    (index) => {
      begun.push(index);
      return index === 1 ? Promise.reject(new Error("no")) : Promise.resolve();
    },
  );
  await expect(work).rejects.toThrow("no");
  expect(begun.length).toBeLessThan(6);
  await inParallel(
    10,
    3,
    () => begun.length > 20,
    async (index) => void begun.push(index),
  );
  expect(begun.slice(-10).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
