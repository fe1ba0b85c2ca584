import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Line, LineSplitter } from "../../src/http/line-splitter.js";

const MAX_BYTES = 40;

function linesOf(chunks: readonly Buffer[]): Line[] {
  const lines: Line[] = [];
  const splitter = new LineSplitter(MAX_BYTES, (line) => lines.push(line));
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

/** What is expected of each line, said otherwise than the splitter does. */
function expected(bytes: Buffer): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf("\n", start);
    const end = found === -1 ? bytes.length : found;
    const line = bytes.subarray(start, end);
    const text = line.toString("utf8");
    if (line.length > MAX_BYTES) lines.push({ problem: `the line is longer than ${MAX_BYTES} bytes` });
    else if (!Buffer.from(text).equals(line)) lines.push({ problem: "the line is not UTF-8" });
    else lines.push({ text, bytes: line.length });
    start = end + 1;
  }
  return lines;
}

const pieces = fc.oneof(
  fc.constantFrom("\n", "\r\n", "a", "é", "汉", "😀", "{}", "\ufeff").map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
  fc.nat(3 * MAX_BYTES).map((length) => Buffer.alloc(length, "x")),
);

test("lines are the same wherever the chunks of a body end, within a character too", () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), fc.array(fc.nat(), { maxLength: 20 }), (parts, cuts) => {
      const bytes = Buffer.concat(parts);
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
        (a, b) => a - b,
      );
      const chunks = places.slice(1).map((end, at) => bytes.subarray(places[at], end));
      expect(linesOf(chunks)).toEqual(expected(bytes));
      expect(linesOf(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(expected(bytes));
    }),
    { numRuns: 500 },
  );
});
