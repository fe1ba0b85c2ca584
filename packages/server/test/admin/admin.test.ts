import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { Center, WebSocketNode } from "../../src/index.js";
import { connect, get, post, startCenter, startNode } from "../services/cluster.js";

/** A client that is open, and the code that it will be closed with. */
async function openClient(node: WebSocketNode): Promise<{ closed: Promise<unknown> }> {
  const socket = new WebSocket(node.publicUrl);
  const closed = once(socket, "close").then(([code]: unknown[]) => code);
  await once(socket, "open");
  return { closed };
}

async function refusalOf(node: WebSocketNode): Promise<number> {
  const socket = new WebSocket(node.publicUrl);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
  socket.on("error", () => undefined);
  socket.terminate();
  return response.statusCode;
}

async function isDraining(center: Center, node: WebSocketNode): Promise<boolean | undefined> {
  const { nodes } = (await get(center, "/nodes")) as { nodes: { id: string; draining: boolean }[] };
  return nodes.find(({ id }) => id === node.id)?.draining;
}

test("a node that is drained closes its clients with 1012, refuses new ones, answers calls, and takes clients again", async () => {
  const centers = [await startCenter(), await startCenter()] as const;
  const node = await startNode(centers, [], { closeSpreadMs: 0, adminPort: 0 });
  const { closed } = await openClient(node);
  const drained = await post(centers[0], `/nodes/${node.id}/drain`, {});
  expect(drained).toMatchObject({ status: 200, json: { node: { id: node.id, draining: true } } });
  expect(await closed).toBe(1012);
  expect(await refusalOf(node)).toBe(503);
  await vi.waitFor(async () => expect(await isDraining(centers[1], node)).toBe(true));
  expect((await centers[1].cluster.countConnections({})).nodes).toEqual([
    { nodeId: node.id, ok: true, value: 0 },
  ]);
  const ready = await fetch(`http://${node.addresses.admin}/readyz`);
  expect({ status: ready.status, reasons: await ready.json() }).toEqual({
    status: 503,
    reasons: { ready: false, reasons: [expect.stringContaining("drained, as center")] },
  });

  const again = await post(centers[1], `/nodes/${node.id.slice(0, 6)}/undrain`, {});
  expect(again).toMatchObject({ status: 200, json: { node: { draining: false } } });
  const client = await connect(node);
  expect((await centers[0].cluster.broadcast({ message: "back" })).value).toBe(1);
  await client.settled();
  expect(client.messages).toEqual(["back"]);
});

test("a node that is stopping cannot be told to take clients again", async () => {
  const center = await startCenter();
  const node = await startNode([center]);
  await node.drain();
  const { status, json } = await post(center, `/nodes/${node.id}/undrain`, {});
  expect({ status, code: json["code"] }).toEqual({ status: 409, code: "NODE_DRAINING" });
  expect(await refusalOf(node)).toBe(503);
});

test("which node is meant must be clear", async () => {
  const center = await startCenter();
  await startNode([center]);
  const problem = async (id: string, body: object = {}): Promise<unknown> => {
    const { status, json } = await post(center, `/nodes/${id}/drain`, body);
    return { status, code: json["code"] };
  };
  expect(await problem("abc")).toEqual({ status: 400, code: "INVALID_PARAMS" });
  expect(await problem("xyzw")).toEqual({ status: 400, code: "INVALID_PARAMS" });
  expect(await problem("0".repeat(32))).toEqual({ status: 404, code: "UNKNOWN_NODE" });
  expect(await problem("0".repeat(32), { force: true })).toEqual({ status: 400, code: "INVALID_PARAMS" });
});

test("nodes are told at run time to register with another center, and to leave it", async () => {
  const [center, third] = [await startCenter(), await startCenter()];
  const nodes = [await startNode([center]), await startNode([center])];
  const port = third.addresses.link.split(":")[1];
  const told = await post(center, "/centers/register", { addresses: [port] });
  expect(told).toMatchObject({ status: 200, json: { otherCenters: [port] } });
  await vi.waitFor(() => expect(third.nodes).toHaveLength(2));
  const late = await startNode([center]);
  await vi.waitFor(() => expect(third.nodes.map(({ id }) => id)).toContain(late.id));
  await post(center, "/centers/remove", { addresses: [port] });
  await vi.waitFor(() => expect(third.nodes).toEqual([]));
  expect(center.nodes).toHaveLength(nodes.length + 1);

  for (const addresses of [[], ["no port"], [8010], "8010"]) {
    const { status, json } = await post(center, "/centers/register", { addresses });
    expect({ status, code: json["code"] }).toEqual({ status: 400, code: "INVALID_PARAMS" });
  }
});

test("GET /nodes tells of the center, and of the centers that each node is linked to", async () => {
  const centers = [await startCenter(), await startCenter()];
  const node = await startNode(centers);
  await vi.waitFor(async () => {
    const { centerId, center, nodes } = await get(centers[0]!, "/nodes");
    expect(centerId).toBe(centers[0]?.id);
    expect(center).toMatchObject({ id: centers[0]?.id, addresses: centers[0]?.addresses });
    expect(nodes).toMatchObject([{ id: node.id, state: "linked" }]);
    const [entry] = nodes as { centerIds: string[] }[];
    expect(entry?.centerIds.toSorted()).toEqual(centers.map(({ id }) => id).toSorted());
  });
});
