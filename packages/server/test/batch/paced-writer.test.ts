import { setImmediate as turn } from "node:timers/promises";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PacedWriter } from "../../src/http/paced-writer.js";

/** Somebody who takes in a write when told to. */
class Reader {
  readonly chunks: Buffer[] = [];
  readonly stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      this.chunks.push(chunk);
      this.#take = done;
    },
  });
  #take: (() => void) | undefined;

  get writes(): string[] {
    return this.chunks.map(String);
  }

  async take(): Promise<void> {
    const take = this.#take;
    this.#take = undefined;
    take?.();
    await turn();
  }
}

let stalls = 0;
let rooms = 0;
let reader: Reader;
let writer: PacedWriter;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  stalls = 0;
  rooms = 0;
  reader = new Reader();
  writer = new PacedWriter(reader.stream, {
    stallMs: 30_000,
    onRoom: () => {
      rooms += 1;
    },
    onStall: () => {
      stalls += 1;
    },
  });
});

afterEach(() => {
  writer.close();
  vi.useRealTimers();
});

test("what is pushed in one turn is one write, and what comes until it has left is the next", async () => {
  writer.push("a");
  writer.push("b");
  await turn();
  expect(reader.writes).toEqual(["ab"]);
  writer.push("c");
  await turn();
  writer.push("d");
  await turn();
  expect(reader.writes).toEqual(["ab"]);
  expect(writer.backlog).toBe(2);
  await reader.take();
  expect(reader.writes).toEqual(["ab", "cd"]);
  await reader.take();
  expect([rooms, writer.backlog]).toEqual([2, 0]);
});

test("a large text goes in parts, and comes whole", async () => {
  const text = "é😀x".repeat(100_000);
  writer.push(text);
  const isOut = new Promise<void>((resolve) => writer.whenEmpty(resolve));
  await turn();
  while (writer.backlog > 0) await reader.take();
  await reader.take();
  await isOut;
  expect(reader.chunks.length).toBeGreaterThan(2);
  expect(Buffer.concat(reader.chunks).toString("utf8")).toBe(text);
});

test("who takes nothing for 30 s is told of, who takes a part at a time is not", async () => {
  writer.push("x".repeat(1024 * 1024));
  await turn();
  for (let parts = 0; parts < 3; parts += 1) {
    await vi.advanceTimersByTimeAsync(29_000);
    await reader.take();
  }
  expect(stalls).toBe(0);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(stalls).toBe(1);
});
