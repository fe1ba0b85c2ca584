import { type NodeTrace, opsTrace } from "@websocket-center/protocol";
import { expect, test, vi } from "vitest";
import { CallTraces } from "../../../src/center/operations/call-traces.js";
import { CenterEvents } from "../../../src/center/operations/center-events.js";
import type { Center } from "../../../src/index.js";
import { connect, get, post, startCenter, startNode } from "../../services/cluster.js";
import { startScriptedNode } from "./scripted-node.js";

vi.setConfig({ testTimeout: 30_000 });

async function traceOf(center: Center, query: string) {
  return opsTrace.parse(await get(center, `/ops/trace?${query}`));
}

/** Makes a request, and gives the id under which it can be looked up. */
async function callIdOf(center: Center, path: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`http://${center.addresses.http}${path}`, init);
  await response.text();
  return response.headers.get("wsc-call-id") ?? "";
}

test("a classic call is remembered with whom it went to and what each answered, and never with its message", async () => {
  const center = await startCenter();
  const [one, other] = [await startNode([center]), await startNode([center])];
  const { id } = await connect(one);
  const callId = await callIdOf(
    center,
    `/?event=sendMessageTo_Id&sendMessageTo_Id[_id]=${id}&sendMessageTo_Id[msg]=private-words`,
  );
  const { center: told } = await traceOf(center, `callId=${callId}`);
  expect(told).toMatchObject({
    since: null,
    items: [
      {
        callId,
        via: "classic",
        principal: "none",
        command: "sendToConnection",
        connectionId: id,
        linkedNodes: 2,
      },
    ],
  });
  expect(told.items[0]?.asked).toEqual([
    { nodeId: one.id, call: told.items[0]?.calls[0], ok: true, value: 1 },
  ]);
  const byConnection = await traceOf(center, `connectionId=${id}`);
  expect(byConnection.center.items).toEqual(told.items);
  expect(JSON.stringify(byConnection)).not.toContain("private-words");
  expect(JSON.stringify(told)).not.toContain(other.id);
});

test("batches, service calls, requests of nodes and calls of the center's own process are remembered too", async () => {
  const center = await startCenter();
  const node = await startNode([center]);
  const batch = `{"id":1,"command":"sendToUser","params":{"userId":"ann","message":"m"}}\n`;
  const callId = await callIdOf(center, "/batch", { method: "POST", body: batch });
  expect((await traceOf(center, `callId=${callId}`)).center.items).toMatchObject([
    { via: "batch", command: "sendToUser", userId: "ann" },
  ]);
  await post(center, "/services/websocket/sendToGroup", {
    params: { groupId: "g", message: "m" },
    mode: "all",
  });
  await node.cluster.sendToGroup({ groupId: "g", message: "m" });
  await center.cluster.sendToGroup({ groupId: "g", message: "m" });
  expect((await traceOf(center, "groupId=g")).center.items).toMatchObject([
    { via: "process", principal: "none", command: "sendToGroup" },
    { via: "node", principal: node.id, command: "sendToGroup" },
    { via: "service", principal: "none", command: "sendToGroup" },
  ]);
});

test("nodes are asked by the numbers that the call had on their links, or for the subject", async () => {
  const center = await startCenter();
  const remembered: NodeTrace = { at: 5, what: "broadcast", matched: 3, queued: 2 };
  const node = await startScriptedNode([center], { trace: () => ({ items: [remembered], since: null }) });
  const old = await startScriptedNode([center], "old");
  const callId = await callIdOf(center, "/?event=broadcast&broadcast[msg]=hi");
  const trace = await traceOf(center, `callId=${callId}`);
  expect(trace.nodes).toEqual([{ nodeId: node.id, since: null, items: [remembered] }]);
  expect(trace.failed).toMatchObject([{ nodeId: old.id, code: "UNKNOWN_SERVICE" }]);
  const numbers = trace.center.items[0]?.calls;
  expect(node.asked["trace"]).toEqual([{ calls: { centerId: center.id, numbers }, limit: 200 }]);
  await traceOf(center, "userId=ann&limit=7");
  expect(node.asked["trace"]?.[1]).toEqual({ userId: "ann", limit: 7 });
  for (const query of ["", "callId=a&userId=b", "callId[]=a"]) {
    expect((await get(center, `/ops/trace?${query}`))["code"], query).toBe("INVALID_PARAMS");
  }
});

test("only so many calls are remembered, and the answer says since when", () => {
  const traces = new CallTraces(3, new CenterEvents());
  const record = (callId: string): void => {
    traces.record({
      origin: { callId, via: "classic", principal: "none" },
      name: "sendToUser",
      params: { userId: "ann", message: "m" },
      startedAt: performance.now(),
      linkedNodes: 1,
      places: new Map(),
      calls: [1],
    });
  };
  for (const callId of ["a", "b", "c"]) record(callId);
  expect(traces.find("userId", "ann", 10).since).toBeNull();
  record("d");
  const { since, items } = traces.find("userId", "ann", 10);
  expect(items.map(({ callId }) => callId)).toEqual(["d", "c", "b"]);
  expect(since).toBe(items.at(-1)?.at);
  expect(traces.find("userId", "ann", 1).items).toHaveLength(1);
  expect(traces.count).toBe(4);
});
