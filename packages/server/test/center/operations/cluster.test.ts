import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  opsConnections,
  opsEventLine,
  opsState,
  opsTrace,
  opsUsers,
  opsWatchLine,
} from "@websocket-center/protocol";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Center } from "../../../src/index.js";
import { connect, get, startCenter, startNode } from "../../services/cluster.js";
import { lineWhere, openLines } from "./reading.js";

vi.setConfig({ testTimeout: 60_000 });

async function startCluster() {
  const centers = [await startCenter(), await startCenter()] as const;
  const nodes = [await startNode(centers), await startNode(centers), await startNode(centers)] as const;
  return { centers, nodes };
}

async function stateOf(center: Center) {
  return opsState.parse(await get(center, "/ops/state"));
}

test("each of two centers knows the other and its URL, and sees at once when it is killed", async () => {
  const { centers, nodes } = await startCluster();
  const [here, there] = centers;
  const ids = nodes.map(({ id }) => id).toSorted();
  const live = await openLines(here, "/ops/live");
  await lineWhere(live, () => true);
  await vi.waitFor(
    async () => {
      const { centers: seen } = await stateOf(here);
      const other = seen.find(({ id }) => id === there.id);
      expect(other?.about?.url).toBe(`http://${there.addresses.http}`);
      expect(other?.linkedNodeIds.toSorted()).toEqual(ids);
      expect(seen).toHaveLength(2);
    },
    { timeout: 10_000 },
  );
  await there.stop();
  const line = await lineWhere(live, ({ state }) =>
    opsState.parse(state).centers.some(({ lostNodeIds }) => lostNodeIds.length === 3),
  );
  const [own, lost] = opsState.parse(line["state"]).centers;
  expect(own?.linkedNodeIds.toSorted()).toEqual(ids);
  expect(lost).toMatchObject({
    linkedNodeIds: [],
    about: { id: there.id, url: expect.stringContaining("http://") },
  });
});

test("connections and users of three nodes are paged through, and those of one user are asked for where it is", async () => {
  const { centers, nodes } = await startCluster();
  const clients: { id: string }[] = [];
  for (const node of nodes) {
    for (let count = 0; count < 4; count += 1) clients.push(await connect(node));
  }
  await centers[0].cluster.bindUser({ connectionId: clients[5]?.id ?? "", userId: "ann" });
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const query = cursor === undefined ? "" : `&cursor=${cursor}`;
    const page = opsConnections.parse(await get(centers[1], `/ops/connections?limit=5${query}`));
    found.push(...page.items.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(found).toEqual(clients.map(({ id }) => id).toSorted());
  const ofAnn = opsConnections.parse(await get(centers[1], "/ops/connections?userId=ann"));
  expect(ofAnn.items).toMatchObject([{ id: clients[5]?.id, userId: "ann", nodeId: nodes[1].id }]);
  const users = opsUsers.parse(await get(centers[1], "/ops/users"));
  expect(users.items).toEqual([{ userId: "ann", connections: 1, groups: 0, nodeId: nodes[1].id }]);
});

test("a call is followed from the center to the nodes, by the number that it had on their links", async () => {
  const { centers, nodes } = await startCluster();
  const client = await connect(nodes[2]);
  await centers[0].cluster.bindUser({ connectionId: client.id, userId: "ann" });
  const response = await fetch(
    `http://${centers[0].addresses.http}/?event=sendMessageToId&sendMessageToId[id]=ann&sendMessageToId[msg]=hi`,
  );
  await response.text();
  const callId = response.headers.get("wsc-call-id") ?? "";
  const trace = opsTrace.parse(await get(centers[0], `/ops/trace?callId=${callId}`));
  const [call] = trace.center.items;
  expect(call).toMatchObject({ command: "sendToUser", userId: "ann", linkedNodes: 3 });
  const answered = trace.nodes.flatMap(({ nodeId, items }) => items.map((item) => ({ ...item, nodeId })));
  expect(answered.filter(({ queued }) => queued === 1)).toMatchObject([
    { nodeId: nodes[2].id, what: "sendToUser", centerId: centers[0].id, call: call?.calls[0], matched: 1 },
  ]);
  // The other center took nothing, and nodes tell it all the same.
  const elsewhere = opsTrace.parse(await get(centers[1], "/ops/trace?userId=ann"));
  expect(elsewhere.center.items).toEqual([]);
  expect(elsewhere.nodes.flatMap(({ items }) => items).some(({ queued }) => queued === 1)).toBe(true);
});

test("what happens at nodes is seen as it happens, and frames of a user who comes later too", async () => {
  const { centers, nodes } = await startCluster();
  const events = await openLines(centers[0], "/ops/events?types=open,bind");
  const watch = await openLines(centers[0], "/ops/watch?userId=ann&seconds=30");
  await vi.waitFor(
    async () => {
      const client = await connect(nodes[1]);
      await centers[0].cluster.bindUser({ connectionId: client.id, userId: "ann" });
      await centers[0].cluster.sendToUser({ userId: "ann", message: "hello" });
    },
    { timeout: 10_000 },
  );
  const opened = opsEventLine.parse(await lineWhere(events, ({ kind }) => kind === "event"));
  expect(opened).toMatchObject({ source: "node", nodeId: nodes[1].id });
  const frame = opsWatchLine.parse(
    await lineWhere(watch, (line) => JSON.stringify(line).includes('"written"')),
  );
  expect(frame).toMatchObject({ kind: "frame", nodeId: nodes[1].id });
});

test("a token that may only send sees nothing, and a stream ends when its token counts no more", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "wsc-tokens-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "tokens.json");
  const sha256 = (token: string): string => createHash("sha256").update(token).digest("hex");
  const sender = { name: "sender", sha256: sha256("sending"), scopes: ["send"] };
  const reader = { name: "reader", sha256: sha256("reading"), scopes: ["read"] };
  writeFileSync(file, JSON.stringify([sender, reader]));
  const center = await startCenter({ tokensFile: file });
  expect((await openLines(center, "/ops/state", "sending")).status).toBe(403);
  expect((await openLines(center, "/ops/live", "sending")).status).toBe(403);
  const live = await openLines(center, "/ops/live", "reading");
  expect(await live.next()).toMatchObject({
    state: { access: { needsToken: true, name: "reader", scopes: ["read"] } },
  });
  writeFileSync(file, JSON.stringify([sender]));
  while ((await live.next()) !== undefined);
  expect((await openLines(center, "/ops/live", "reading")).status).toBe(401);
});
