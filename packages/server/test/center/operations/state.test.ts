import { opsHistory, opsLiveLine, opsState } from "@websocket-center/protocol";
import { expect, test, vi } from "vitest";
import { get, startCenter } from "../../services/cluster.js";
import { lineWhere, openLines } from "./reading.js";
import { startScriptedNode, vitalsOf } from "./scripted-node.js";

vi.setConfig({ testTimeout: 30_000 });

test("the state shows every node with what it tells of itself, and null for one of an older release", async () => {
  const center = await startCenter({ httpUrl: "https://one.example.com/wsc" });
  const told = await startScriptedNode([center], { vitals: () => vitalsOf(1000, 5) });
  const old = await startScriptedNode([center], "old");
  const live = await openLines(center, "/ops/live");
  await lineWhere(live, (line) => opsLiveLine.parse(line).state.nodes.some(({ vitals }) => vitals !== null));
  const state = opsState.parse(await get(center, "/ops/state"));
  expect(state.centerId).toBe(center.id);
  expect(state.access).toEqual({ needsToken: false, name: "none", scopes: ["read", "send", "manage"] });
  expect(state.nodes.find(({ id }) => id === told.id)?.vitals).toEqual(vitalsOf(1000, 5));
  expect(state.nodes.find(({ id }) => id === old.id)?.vitals).toBeNull();
  // What centers tell of themselves, so that nodes can pass it on.
  expect(told.asked["vitals"]?.[0]).toEqual({
    center: {
      id: center.id,
      version: state.version,
      startedAt: state.startedAt,
      url: "https://one.example.com/wsc",
    },
  });
  expect(state.centers).toEqual([
    {
      id: center.id,
      about: expect.objectContaining({ url: "https://one.example.com/wsc" }),
      addresses: [center.addresses.link],
      linkedNodeIds: expect.arrayContaining([told.id, old.id]),
      lostNodeIds: [],
    },
  ]);
});

test("a node of an older release is asked once, and not each second", async () => {
  const center = await startCenter();
  const old = await startScriptedNode([center], "old");
  const live = await openLines(center, "/ops/live");
  for (let lines = 0; lines < 4; lines += 1) await live.next();
  expect(old.asked["vitals"]).toHaveLength(1);
});

test("other centers are known by what nodes say: linked, lost, and how a browser reaches them", async () => {
  const [center, other] = [await startCenter(), await startCenter()];
  const about = { id: other.id, version: "1.2.3", startedAt: 5, url: "http://other.example.com" };
  const address = other.addresses.link;
  const own = { address: center.addresses.link, linked: true, centerId: center.id };
  const linked = await startScriptedNode([center, other], {
    vitals: () => vitalsOf(1, 1, [own, { address, linked: true, centerId: other.id, about }]),
  });
  const lost = await startScriptedNode([center], {
    vitals: () => vitalsOf(1, 1, [own, { address, linked: false }, { address: "10.0.0.9:1", linked: false }]),
  });
  await vi.waitFor(
    async () => {
      const { centers } = opsState.parse(await get(center, "/ops/state"));
      expect(centers).toEqual([
        expect.objectContaining({
          id: center.id,
          linkedNodeIds: expect.arrayContaining([linked.id, lost.id]),
        }),
        { id: other.id, about, addresses: [address], linkedNodeIds: [linked.id], lostNodeIds: [lost.id] },
        { addresses: ["10.0.0.9:1"], linkedNodeIds: [], lostNodeIds: [lost.id] },
      ]);
    },
    { timeout: 10_000 },
  );
});

test("live lines come with rates made of differences, and end when the reader leaves or the center stops", async () => {
  const center = await startCenter();
  let at = 1000;
  await startScriptedNode([center], {
    vitals: () => {
      at += 1000;
      return vitalsOf(at, at);
    },
  });
  const live = await openLines(center, "/ops/live");
  const line = await lineWhere(live, (found) => opsLiveLine.parse(found).point.messagesIn !== null);
  // A thousand a second of the node's own time, whatever the clock here says.
  expect(line["point"]).toMatchObject({
    messagesIn: 1000,
    messagesOut: 2000,
    bytesOut: 20_000,
    connections: 3,
    waitingBytes: 10,
  });
  const history = opsHistory.parse(await get(center, "/ops/history"));
  expect(history.intervalMs).toBe(5000);
  expect(history.points.length).toBeGreaterThan(0);
  const stopped = center.drain();
  for (;;) if ((await live.next()) === undefined) break;
  await stopped;
});

test("calls are counted, and how long they took", async () => {
  const center = await startCenter();
  await startScriptedNode([center], { vitals: () => vitalsOf(1, 1) });
  const live = await openLines(center, "/ops/live");
  await live.next();
  for (let call = 0; call < 20; call += 1) await get(center, "/?event=getConnectionCount");
  const line = await lineWhere(live, ({ point }) => Number((point as { calls: number | null }).calls) > 0);
  const { callP50Ms, callP99Ms } = opsLiveLine.parse(line).point;
  expect(callP50Ms).toBeGreaterThan(0);
  expect(callP99Ms).toBeGreaterThanOrEqual(callP50Ms ?? Infinity);
});
