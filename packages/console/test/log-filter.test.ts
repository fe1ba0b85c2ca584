import { expect, test } from "vitest";
import { filterLines, type LogLine } from "../src/pages/log/event-log.js";

const line = (number: number, type: string): LogLine => {
  return {
    number,
    at: number,
    type,
    nodeId: undefined,
    subjects: {},
    value: undefined,
    detail: "",
    search: type,
  };
};

test("whatever the log is filtered for, it says where something is missing", () => {
  const lines = [line(1, "open"), line(2, "skipped"), line(3, "close"), line(4, "gap")];
  const numbers = (filter: Parameters<typeof filterLines>[1]) =>
    filterLines(lines, filter).map(({ number }) => number);
  expect(numbers({ types: ["open"], nodeId: null, text: "" })).toEqual([1, 2, 4]);
  expect(numbers({ types: [], nodeId: "n", text: "" })).toEqual([2, 4]);
  expect(numbers({ types: [], nodeId: null, text: "clos" })).toEqual([2, 3, 4]);
});
