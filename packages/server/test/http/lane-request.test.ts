import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { LaneReader } from "../../src/http/lane-request.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test("idle connections hold no large heads", () => {
  const readers = Array.from(
    { length: 500 },
    () => new LaneReader({ maxHeadBytes: 65_536, maxBodyBytes: 0 }),
  );
  const before = heapUsed();
  for (const [at, reader] of readers.entries()) {
    const url = `/?event=${"x".repeat(60_000)}`;
    const read = reader.read(Buffer.from(`GET ${url} HTTP/1.1\r\nHost: host-${at}\r\n\r\n`));
    expect(read?.url.length).toBe(url.length);
  }
  expect((heapUsed() - before) / readers.length).toBeLessThan(10_000);
  expect(readers).toHaveLength(500);
});
