import { expect, test, vi } from "vitest";
import { ask, Client, metricOf, startCenter, startNode } from "./running-node.js";

test("nodes in one process share neither connections nor users, groups, ids and metrics", async () => {
  const nodes = [await startNode({ adminPort: 0 }), await startNode({ adminPort: 0 })] as const;
  const clients = [await Client.connect(nodes[0]), await Client.connect(nodes[1])] as const;
  await Client.connect(nodes[1]);
  for (const [index, node] of nodes.entries()) {
    const connectionId = clients[index]!.id;
    expect(connectionId.slice(0, 12)).toBe(node.id.slice(0, 12));
    expect(node.hub.bindUser({ userId: "u", connectionId })).toBe("done");
    expect(node.hub.joinUserToGroups({ userId: "u", groupIds: ["g"] })).toBe("done");
  }
  expect(nodes[0].id).not.toBe(nodes[1].id);
  expect(nodes.map((node) => node.hub.countConnections({}))).toEqual([1, 2]);
  expect(nodes[0].hub.isConnectionOnline({ connectionId: clients[1].id })).toBe(false);
  for (const node of nodes) {
    expect(node.hub.countConnectionsInGroup({ groupId: "g" })).toBe(1);
    expect(node.hub.sendToGroup({ groupId: "g", message: node.id })).toBe(1);
  }
  expect(await clients[0].next()).toBe(nodes[0].id);
  expect(await clients[1].next()).toBe(nodes[1].id);
  expect(await metricOf(nodes[0], "wsc_connections")).toBe(1);
  expect(await metricOf(nodes[1], "wsc_connections")).toBe(2);
  expect(await metricOf(nodes[0], "wsc_connections_opened_total")).toBe(1);
  expect(await metricOf(nodes[1], "wsc_connections_opened_total")).toBe(2);

  await nodes[0].stop();
  expect(nodes[1].hub.countConnections({})).toBe(2);
  nodes[1].hub.broadcast({ message: "still here" });
  expect(await clients[1].next()).toBe("still here");
  expect(await metricOf(nodes[1], "wsc_connections")).toBe(2);
});

test("centers in one process share neither nodes nor metrics", async () => {
  const centers = [await startCenter(), await startCenter()] as const;
  const node = await startNode({ centers: [centers[0].addresses.link] });
  await vi.waitUntil(() => centers[0].nodes.length === 1, { timeout: 10_000 });
  expect(centers.map(({ nodes }) => nodes.map(({ id }) => id))).toEqual([[node.id], []]);
  const linked = await Promise.all(
    centers.map(async ({ addresses }) => {
      const { text } = await ask(addresses.http, "/metrics");
      return text.split("\n").find((line) => line.startsWith("wsc_nodes "));
    }),
  );
  expect(linked).toEqual(["wsc_nodes 1", "wsc_nodes 0"]);

  await centers[1].stop();
  expect((await ask(centers[0].addresses.http, "/?event=getConnectionCount")).text).toContain(
    `{"${node.id}":0}`,
  );
});

test("a center and a node of one process speak to each other over their link alone", async () => {
  const center = await startCenter();
  const nodes = await Promise.all(
    Array.from({ length: 3 }, () => startNode({ centers: [center.addresses.link] })),
  );
  await vi.waitUntil(() => center.nodes.length === 3, { timeout: 10_000 });
  const clients = await Promise.all(nodes.map((node) => Client.connect(node)));
  const { text } = await ask(center.addresses.http, "/?event=broadcast&broadcast[msg]=all");
  expect(JSON.parse(text)).toMatchObject({
    data: { broadcast: Object.fromEntries(nodes.map(({ id }) => [id, 1])) },
  });
  for (const client of clients) expect(await client.next()).toBe("all");
});
