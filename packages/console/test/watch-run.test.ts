import type { OpsWatchLine } from "@websocket-center/protocol";
import { afterEach, expect, test, vi } from "vitest";
import { WatchRun } from "../src/pages/watch/watch-run.js";
import { createCenterClient } from "./center-client.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("what was left out of a watch has no time, since its node names none", async () => {
  const event = { type: "queued", number: 1, at: 5, connectionId: "x", bytes: 2, bufferedBytes: 2 } as const;
  const lines: OpsWatchLine[] = [
    { kind: "frame", nodeId: "n", event },
    { kind: "skipped", nodeId: "n", counts: { queued: 3, written: 2 } },
    { kind: "end" },
  ];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  vi.stubGlobal("fetch", async () => new Response(text));
  const run = new WatchRun(createCenterClient(), { kind: "userId", id: "ada", seconds: 10 });
  await vi.waitFor(() => expect(run.get().state).toBe("ended"));
  expect(run.get().events).toMatchObject([
    { type: "skipped", at: undefined, detail: "3 queued, 2 written" },
    { type: "queued", at: 5 },
  ]);
});
