import { afterEach, beforeEach, expect, test } from "vitest";
import { RouterCluster } from "./router-cluster.js";

let cluster: RouterCluster;

beforeEach(() => {
  cluster = new RouterCluster(3);
});

afterEach(() => cluster.close());

/** How many calls each node got, and how many replies the center got of it. */
const costs = (): { calls: number[]; replies: number[] } => ({
  calls: cluster.nodes.map(({ frames }) => frames.filter(([type]) => type === "call").length),
  replies: cluster.nodes.map(
    ({ id }) => cluster.center.frames.filter(({ from, frame }) => from === id && frame[0] === "reply").length,
  ),
});

test("a call on a connection is one frame to its node and one back", async () => {
  const { id } = cluster.connect(1);
  await cluster.run({ name: "sendToConnection", params: { connectionId: id, message: "x" } });
  expect(costs()).toEqual({ calls: [0, 1, 0], replies: [0, 1, 0] });
});

test("a broadcast is one frame to each node and one back, however many connections there are", async () => {
  for (let at = 0; at < 30; at += 1) cluster.connect(at % 3);
  await cluster.run({ name: "broadcast", params: { message: "x" } });
  expect(costs()).toEqual({ calls: [1, 1, 1], replies: [1, 1, 1] });
});

test("a batch is one frame to each node and one back, however many commands it has", async () => {
  const { id } = cluster.connect(0);
  await cluster.execute([
    { name: "bindUser", params: { userId: "user", connectionId: id } },
    { name: "joinConnectionToGroup", params: { groupId: "group", connectionId: id } },
    { name: "sendToGroup", params: { groupId: "group", message: "x" } },
    { name: "broadcast", params: { message: "x" } },
  ]);
  const { calls, replies } = costs();
  expect(Math.max(...calls)).toBe(1);
  expect(replies).toEqual(calls);
});
