import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { CallTraces } from "../../../src/center/operations/call-traces.js";
import { CenterEvents } from "../../../src/center/operations/center-events.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

test("an id that was cut out of a long URL does not keep the URL, and the message in it, in memory", () => {
  const traces = new CallTraces(1000, new CenterEvents());
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < 1000; at += 1) {
    const url = Buffer.from(`/?id=${String(at).padStart(20, "0")}&msg=${"x".repeat(64 * 1024)}`).toString(
      "latin1",
    );
    traces.record({
      origin: { callId: "c", via: "classic", principal: "none" },
      name: "sendToUser",
      params: { userId: url.slice(5, 25), message: "x" },
      startedAt: performance.now(),
      linkedNodes: 1,
      places: new Map(),
      calls: [],
    });
  }
  collect();
  // 64 MB of URLs, of which only ids are left.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 1024 * 1024);
});
