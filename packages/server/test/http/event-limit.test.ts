import { expect, test } from "vitest";
import { readClassicRequest } from "../../src/http/classic-request.js";
import { parseQuery } from "../../src/http/query.js";

const limits = { maxIdBytes: 512, maxMessageBytes: 1024 };

test("a request names a thousand events at most, since each stands in the answer once for each node", () => {
  const names = (count: number): string => Array.from({ length: count }, (_, at) => `e${at}`).join(",");
  expect(readClassicRequest(parseQuery(`event=${names(1000)}`), undefined, limits)).toMatchObject({
    ok: true,
  });
  expect(readClassicRequest(parseQuery(`event=${names(1001)}`), undefined, limits)).toEqual({
    ok: false,
    message: "event error",
  });
});
