import { once } from "node:events";
import { connect } from "node:net";
import { type NodeEvent, opsEventLine, opsWatchLine } from "@websocket-center/protocol";
import { expect, onTestFinished, test, vi } from "vitest";
import { parseAddress } from "../../../src/config/addresses.js";
import type { Center } from "../../../src/index.js";
import { get, startCenter } from "../../services/cluster.js";
import { lineWhere, openLines } from "./reading.js";
import { type Script, startScriptedNode } from "./scripted-node.js";

vi.setConfig({ testTimeout: 30_000 });

/** Tells of so many messages and one close each time that it is asked. */
function busy(messages: number): Script {
  let number = 0;
  const event = (type: NodeEvent["type"]): NodeEvent => ({ number: (number += 1), at: Date.now(), type });
  return {
    events: ({ after, limit }) => {
      if (after === undefined) return { items: [], next: number, dropped: {} };
      const told = [event("close"), ...Array.from({ length: messages }, () => event("message"))];
      const items = told.slice(0, limit);
      return {
        items,
        next: number,
        dropped: items.length < told.length ? { message: told.length - limit } : {},
      };
    },
  };
}

test("events of nodes and of the center come in one stream, and nodes are asked only while somebody reads", async () => {
  const center = await startCenter();
  const node = await startScriptedNode([center], busy(1));
  expect(node.asked["events"]).toBeUndefined();
  const events = await openLines(center, "/ops/events");
  const found = await lineWhere(events, ({ source }) => source === "node");
  expect(opsEventLine.parse(found)).toMatchObject({ nodeId: node.id, event: { type: "close" } });
  await get(center, "/?event=getConnectionCount");
  const call = await lineWhere(events, ({ source }) => source === "center");
  expect(opsEventLine.parse(call)).toMatchObject({ event: { type: "call", detail: "countConnections" } });
  await node.close();
  const left = await lineWhere(events, (line) => JSON.stringify(line).includes("node-left"));
  expect(opsEventLine.parse(left)).toMatchObject({ event: { nodeId: node.id } });

  events.leave();
  const again = await startScriptedNode([center], busy(1));
  const only = await openLines(center, "/ops/events?types=close");
  expect(await only.next()).toMatchObject({ event: { type: "close" } });
  expect(await only.next()).toMatchObject({ event: { type: "close" } });
  only.leave();
  // Seconds go by, which live lines count.
  const live = await openLines(center, "/ops/live");
  await lineWhere(live, () => true);
  await lineWhere(live, () => true);
  const before = again.asked["events"]?.length;
  for (let lines = 0; lines < 2; lines += 1) await live.next();
  expect(again.asked["events"]).toHaveLength(before ?? 0);
});

test("of too many events what is rare is shown, and how many of the others were left out", async () => {
  const center = await startCenter();
  await startScriptedNode([center], busy(350));
  await startScriptedNode([center], busy(350));
  const events = await openLines(center, "/ops/events");
  const turn: unknown[] = [];
  await lineWhere(events, (line) => {
    turn.push(line);
    return line["kind"] === "skipped" && line["nodeId"] === undefined;
  });
  const types = turn
    .map((line) => opsEventLine.parse(line))
    .map((line) => (line.kind === "event" ? line.event.type : "skipped"));
  expect(types.filter((type) => type === "close").length).toBeGreaterThanOrEqual(2);
  expect(types.filter((type) => type === "message").length).toBeLessThanOrEqual(100);
  expect(turn.at(-1)).toMatchObject({ counts: { message: expect.any(Number) } });
  const answer = await get(center, "/ops/events?types=close,rubbish");
  expect(answer["code"]).toBe("INVALID_PARAMS");
});

test("a reader that does not read costs a bound, and others get all", async () => {
  const center = await startCenter();
  const detail = "x".repeat(300);
  let number = 0;
  await startScriptedNode([center], {
    events: ({ after, limit }) => ({
      items:
        after === undefined
          ? []
          : Array.from({ length: limit }, () => ({
              number: (number += 1),
              at: Date.now(),
              type: "message" as const,
              detail,
            })),
      next: number,
      dropped: {},
    }),
  });
  const { host = "", port } = parseAddress(center.addresses.http);
  const lazy = connect({ host, port });
  onTestFinished(() => void lazy.destroy());
  await once(lazy, "connect");
  lazy.write("GET /ops/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  lazy.pause();
  const events = await openLines(center, "/ops/events");
  for (let lines = 0; lines < 300; lines += 1) expect(await events.next()).toBeDefined();
});

test("a watch shows frames of nodes that hold the user, and ends when its time is over", async () => {
  const center = await startCenter();
  let number = 0;
  const node = await startScriptedNode([center], {
    watch: ({ after }) => ({
      items:
        after === undefined
          ? []
          : [{ number: (number += 1), at: Date.now(), connectionId: "c", type: "written", bytes: 5 }],
      next: number,
      dropped: {},
    }),
  });
  const watch = await openLines(center, "/ops/watch?userId=ann&seconds=2");
  const line = opsWatchLine.parse(await watch.next());
  expect(line).toMatchObject({ kind: "frame", nodeId: node.id, event: { type: "written" } });
  await lineWhere(watch, ({ kind }) => kind === "end");
  expect(await watch.next()).toBeUndefined();
  const watchIds = new Set((node.asked["watch"] as { watchId: string }[]).map(({ watchId }) => watchId));
  expect(watchIds.size).toBe(1);
  for (const query of ["", "?userId=a&connectionId=b", "?userId=a&seconds=601"]) {
    expect((await get(center, `/ops/watch${query}`))["code"], query).toBe("INVALID_PARAMS");
  }
  expect((await get(center, "/ops/watch?connectionId=none"))["code"]).toBe("UNKNOWN_CONNECTION");
});

test("so many streams are open at once, and the next is told to come back", async () => {
  const center = await startCenter();
  const open = await Promise.all(Array.from({ length: 50 }, () => openLines(center, "/ops/live")));
  const refused = await openLines(center, "/ops/live");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("5");
  open[0]?.leave();
  await vi.waitFor(async () => expect((await openLines(center, "/ops/live")).status).toBe(200), {
    timeout: 10_000,
  });
});

async function answerOf(center: Center, path: string, token?: string): Promise<number> {
  const { status, leave } = await openLines(center, path, token);
  leave();
  return status;
}

test("every view needs a token that may read, where there are tokens; the console and its documents do not", async () => {
  const center = await startCenter({ token: ["secret"] });
  const views = ["state", "history", "live", "connections", "users", "groups", "events", "trace?callId=a"];
  for (const view of views) {
    expect(await answerOf(center, `/ops/${view}`), view).toBe(401);
    expect(await answerOf(center, `/ops/${view}`, "wrong"), view).toBe(401);
    expect(await answerOf(center, `/ops/${view}`, "secret"), view).toBe(200);
  }
  expect(await answerOf(center, "/openapi.json")).toBe(200);
  expect(await answerOf(center, "/ops/rubbish", "secret")).toBe(404);
});
