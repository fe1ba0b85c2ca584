import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { createHello, helloOf, proofOf, RawCenter, type RawPeer } from "../link/raw-peer.js";
import { ask, startNode } from "../node/running-node.js";
import type { NodeParts, WebSocketNode } from "../../src/index.js";

/** A node that is linked to a center which is played by hand, and has just answered a ping of it. */
async function linkedNode(
  parts: NodeParts = {},
): Promise<{ node: WebSocketNode; center: RawPeer; told: () => Promise<unknown[]> }> {
  const raw = await RawCenter.open();
  onTestFinished(() => raw.close());
  const node = await startNode({ centers: [`127.0.0.1:${raw.port}`] }, parts);
  const center = await raw.peers.next();
  const hello = helloOf(await center.frames.next());
  const own = createHello("center");
  center.send(["hello", { ...own, proof: proofOf("", "center", hello, own) }]);
  expect((await center.frames.next())[0]).toBe("auth");
  center.send(["welcome"], ["ping", 1]);
  expect(await center.frames.next()).toEqual(["interest", 1, { whole: true }]);
  expect(await center.frames.next()).toEqual(["pong", 1, expect.anything(), 1]);
  return { node, center, told: () => center.frames.next() };
}

test("a bind or join at the node's own port is answered once the center has acknowledged it", async () => {
  const { node, center, told } = await linkedNode();
  const client = new WebSocket(`ws://${node.addresses.client}/`);
  const [open] = (await once(client, "message")) as [Buffer];
  const { _id: id } = JSON.parse(open.toString()) as { _id: string };
  const order: string[] = [];
  const run = async (query: string): Promise<unknown> => {
    const { text } = await ask(node.addresses.client, `/?event=${query}`);
    order.push(query.slice(0, query.indexOf("&")));
    return (JSON.parse(text) as { data: unknown }).data;
  };
  const bound = run(
    `bindId,joinGroupById&bindId[id]=u&bindId[_id]=${id}&joinGroupById[id]=u&joinGroupById[groupId]=g`,
  );
  expect(await told()).toEqual(["interest", 2, { users: ["u"], groups: ["g"] }]);
  // It has taken effect, and nothing else waits for it.
  expect(await run("isOnlineId&isOnlineId[id]=u")).toEqual({ isOnlineId: true });
  expect(await run("unBindId&unBindId[id]=nobody")).toEqual({ unBindId: 1 });
  center.send(["ack", 2]);
  expect(await bound).toEqual({ bindId: 0, joinGroupById: 0 });
  expect(order).toEqual(["isOnlineId", "unBindId", "bindId,joinGroupById"]);
  client.terminate();
  expect(await told()).toEqual(["interest", 3, { goneUsers: ["u"], goneGroups: ["g"] }]);
});

test("a bind that came over a link is answered behind the acknowledgement, others before", async () => {
  const { node, center, told } = await linkedNode();
  const client = new WebSocket(`ws://${node.addresses.client}/`);
  const [open] = (await once(client, "message")) as [Buffer];
  const { _id: connectionId } = JSON.parse(open.toString()) as { _id: string };
  center.send(
    ["call", 1, "websocket", 5000, [["bindUser", { userId: "u", connectionId }]]],
    ["call", 2, "websocket", 5000, [["isUserOnline", { userId: "u" }]]],
    ["call", 3, "websocket", 5000, [["bindUser", { userId: "v", connectionId }]]],
  );
  const first = [await told(), await told()];
  expect(first).toContainEqual(["interest", 2, { users: ["u"] }]);
  expect(first).toContainEqual(["reply", 2, [[true, true]]]);
  center.send(["ping", 2]);
  expect(await told()).toEqual(["pong", 2, expect.anything(), 2]);
  center.send(["ack", 2]);
  expect([await told(), await told()]).toEqual([
    ["reply", 1, [[true, "done"]]],
    ["reply", 3, [[true, "unchanged"]]],
  ]);
  client.terminate();
});

test("hub.settled waits for the center, and for nobody where nothing is to be told", async () => {
  const { node, center, told } = await linkedNode();
  await node.hub.settled();
  node.on("open", (connection) => {
    node.hub.bindUser({ userId: "u", connectionId: connection.id });
  });
  const client = new WebSocket(`ws://${node.addresses.client}/`);
  expect(await told()).toEqual(["interest", 2, { users: ["u"] }]);
  let isSettled = false;
  const settled = node.hub.settled().then(() => (isSettled = true));
  await new Promise(setImmediate);
  expect(isSettled).toBe(false);
  center.send(["ack", 2]);
  await settled;
  client.terminate();
});

test("a client hears that it is open once centers know of the user and groups that authorize gave it", async () => {
  const { node, center, told } = await linkedNode({
    authorize: () => ({ admit: true, userId: "u", groups: ["g", "h"] }),
  });
  const order: string[] = [];
  node.on("open", () => order.push("open"));
  const client = new WebSocket(`ws://${node.addresses.client}/`);
  const opened = once(client, "message").then(() => order.push("heard"));
  expect(await told()).toEqual(["interest", 2, { users: ["u"], groups: ["g", "h"] }]);
  // Nothing can be sent to it before it has heard that it is open.
  center.send(["call", 1, "websocket", 5000, [["sendToUser", { userId: "u", message: "early" }]]]);
  expect(await told()).toEqual(["reply", 1, [[true, 0]]]);
  expect(order).toEqual([]);
  center.send(["ack", 2]);
  await opened;
  expect(order).toEqual(["open", "heard"]);
  center.send(["call", 2, "websocket", 5000, [["sendToUser", { userId: "u", message: "hello" }]]]);
  const [hello] = (await once(client, "message")) as [Buffer];
  expect(hello.toString()).toBe("hello");
  expect(await told()).toEqual(["reply", 2, [[true, 1]]]);
  client.terminate();
  expect(await told()).toEqual(["interest", 3, { goneUsers: ["u"], goneGroups: ["g", "h"] }]);
});

test("what was told of a client that has gone meanwhile is taken back", async () => {
  const { node, center, told } = await linkedNode({ authorize: () => ({ admit: true, userId: "u" }) });
  const client = new WebSocket(`ws://${node.addresses.client}/`);
  client.on("error", () => {});
  expect(await told()).toEqual(["interest", 2, { users: ["u"] }]);
  client.terminate();
  center.send(["ack", 2]);
  expect(await told()).toEqual(["interest", 3, { goneUsers: ["u"] }]);
  expect(node.hub.countUsers({})).toBe(0);
});

test("a node that stops lets nobody wait", async () => {
  const { node, told } = await linkedNode();
  node.on("open", (connection) => {
    node.hub.bindUser({ userId: "u", connectionId: connection.id });
  });
  const client = new WebSocket(`ws://${node.addresses.client}/`);
  await told();
  const settled = node.hub.settled();
  await node.stop();
  await settled;
  client.terminate();
});

test("a center that a node asks to send knows what the node's own hub has come to hold", async () => {
  const { node, told } = await linkedNode();
  node.on("open", ({ id: connectionId }) => {
    node.hub.bindUser({ userId: "u", connectionId });
    node.cluster.sendToUser({ userId: "u", message: "x" }).catch(() => undefined);
  });
  const client = new WebSocket(`ws://${node.addresses.client}/`);
  expect(await told()).toEqual(["interest", 2, { users: ["u"] }]);
  expect((await told())[0]).toBe("request");
  client.terminate();
});
