import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Center, method, type Service, z } from "../../src/index.js";
import type { WebSocketNode } from "../../src/index.js";
import { get, startCenter, startNode, untilListed } from "./cluster.js";

const KiB = 1024;
/** Takes frames of up to 128 KiB. */
const small = { maxReplyBytes: 64 * KiB, maxBodyBytes: 64 * KiB };

const repeat: Service = {
  name: "repeat",
  methods: {
    text: method({
      params: z.object({ length: z.int() }),
      result: z.string(),
      handler: ({ length }) => "x".repeat(length),
    }),
  },
};

const linkedAt = (center: Center): string[] => center.nodes.map(({ id, linkedAt }) => `${id} ${linkedAt}`);

/** Whether all of them are linked by the very links that they had. */
async function unchanged(center: Center, nodes: readonly WebSocketNode[], links: string[]): Promise<void> {
  const counts = await Promise.all(nodes.map((node) => node.cluster.countConnections({})));
  for (const { failures, nodes: places } of counts) {
    expect(failures).toEqual([]);
    expect(places).toHaveLength(nodes.length);
  }
  expect(linkedAt(center)).toEqual(links);
}

async function open(node: WebSocketNode, query: string): Promise<string> {
  const socket = new WebSocket(`${node.publicUrl}/?${query}`);
  onTestFinished(() => socket.terminate());
  const [data] = (await once(socket, "message")) as [Buffer];
  return (JSON.parse(data.toString()) as { _id: string })._id;
}

test("what a client may nest in its handshake can be read through a center, and through another node", async () => {
  const center = await startCenter();
  const [node, other] = [await startNode([center]), await startNode([center])];
  const links = linkedAt(center);
  for (const levels of [1, 60, 64, 65, 5000]) {
    const connectionId = await open(node, `plain=1&a${"[b]".repeat(levels)}=deep&__proto__[x]=1`);
    const data = node.hub.getConnectionData({ connectionId });
    expect(data["plain"]).toBe("1");
    expect((await center.cluster.getConnectionData({ connectionId })).value).toEqual(data);
    expect((await other.cluster.getConnectionData({ connectionId })).value).toEqual(data);
    const answer = await get(center, `/?event=get_IdData&get_IdData[_id]=${connectionId}`);
    expect(answer["code"]).toBe(0);
  }
  await unchanged(center, [node, other], links);
});

test.each([
  ["a service with too long a name", { service: "s".repeat(1000), method: "m" }],
  ["a method with too long a name", { service: "repeat", method: "m".repeat(65) }],
  ["a node id that is none", { service: "repeat", method: "text", nodeId: "abc" }],
  ["a mode that is none", { service: "repeat", method: "text", mode: "some" as "one" }],
  ["a name that is no text", { service: 7 as unknown as string, method: "text" }],
  ["parameters that have no JSON text", { service: "repeat", method: "text", params: { a: 1n } }],
])("a node's own program that calls %s gets INVALID_PARAMS, and the link stays", async (_case, call) => {
  const center = await startCenter();
  const node = await startNode([center], [repeat]);
  const links = linkedAt(center);
  await expect(node.cluster.services.call(call)).rejects.toMatchObject({ code: "INVALID_PARAMS" });
  await unchanged(center, [node], links);
});

test.each([0, -1, NaN, Infinity, -Infinity, 2 ** 31, 1e300, "5" as unknown as number])(
  "a timeout of %s is refused everywhere, and nothing is run",
  async (timeoutMs) => {
    const center = await startCenter();
    const node = await startNode([center], [repeat]);
    await untilListed(center, "repeat", 1);
    const links = linkedAt(center);
    const call = { service: "repeat", method: "text", params: { length: 1 } };
    const refused = { code: "INVALID_PARAMS", message: expect.stringContaining("timeoutMs: expected") };
    for (const { cluster } of [center, node]) {
      await expect(cluster.broadcast({ message: "m" }, { timeoutMs })).rejects.toMatchObject(refused);
      await expect(cluster.services.call(call, { timeoutMs })).rejects.toMatchObject(refused);
    }
    await expect(center.services.call({ ...call, timeoutMs })).rejects.toMatchObject(refused);
    await unchanged(center, [node], links);
  },
);

test("the longest timeout is as good as any", async () => {
  const center = await startCenter();
  const node = await startNode([center], [repeat]);
  await untilListed(center, "repeat", 1);
  const call = { service: "repeat", method: "text", params: { length: 3 } };
  for (const { cluster } of [center, node]) {
    const done = { nodeId: node.id, ok: true, value: "xxx" };
    expect(await cluster.services.call(call, { timeoutMs: 2 ** 31 - 1 })).toEqual([done]);
  }
});

test("a call that is too large for one node fails there alone, and was not sent to it", async () => {
  const center = await startCenter();
  const [node, narrow] = [await startNode([center]), await startNode([center], [], small)];
  const links = linkedAt(center);
  const { nodes } = await center.cluster.broadcast({ message: "x".repeat(200 * KiB) });
  expect(nodes).toEqual([
    { nodeId: node.id, ok: true, value: 0 },
    {
      nodeId: narrow.id,
      ok: false,
      code: "CALL_TOO_LARGE",
      message: expect.stringContaining(`over the ${128 * KiB} that node ${narrow.id} takes; it was not sent`),
    },
  ]);
  await unchanged(center, [node, narrow], links);
});

test("a request that is too large for one center goes through another, and fails where there is none", async () => {
  const narrow = await startCenter(small);
  const node = await startNode([narrow]);
  const links = linkedAt(narrow);
  const send = () => node.cluster.broadcast({ message: "x".repeat(200 * KiB) });
  await expect(send()).rejects.toMatchObject({ code: "CALL_TOO_LARGE" });
  await unchanged(narrow, [node], links);
  const center = await startCenter();
  node.register([center.addresses.link]);
  await vi.waitFor(() => expect(center.nodes).toHaveLength(1));
  expect((await send()).failures).toEqual([]);
  expect(linkedAt(narrow)).toEqual(links);
});

test("what all nodes answer together may be too large for the node that asked: it is told so", async () => {
  const center = await startCenter();
  const nodes = [await startNode([center], [repeat]), await startNode([center], [repeat])];
  const narrow = await startNode([center], [], small);
  await untilListed(center, "repeat", 2);
  const links = linkedAt(center);
  const call = { service: "repeat", method: "text", mode: "all" as const };
  const ask = (length: number) => narrow.cluster.services.call({ ...call, params: { length } });
  expect(await ask(10 * KiB)).toHaveLength(2);
  await expect(ask(100 * KiB)).rejects.toMatchObject({ code: "REPLY_TOO_LARGE" });
  await unchanged(center, [...nodes, narrow], links);
});

const described = (name: string, bytes: number): Service => ({
  ...repeat,
  name,
  metadata: { text: "x".repeat(bytes) },
});

test("services that no center could be told of are refused when they are registered", async () => {
  const center = await startCenter();
  const node = await startNode([center], [], small);
  const links = linkedAt(center);
  node.services.register(described("first", 60 * KiB));
  const refused = { code: "INVALID_PARAMS" };
  node.services.register(described("second", 60 * KiB));
  expect(() => node.services.register(described("third", 60 * KiB))).toThrow(
    expect.objectContaining({ ...refused, message: expect.stringContaining("over 131072") }),
  );
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  for (const metadata of [{ big: 1n }, circular, { text: "x".repeat(65 * KiB) }]) {
    expect(() => node.services.register({ ...repeat, metadata })).toThrow(expect.objectContaining(refused));
  }
  let deep = z.any() as z.ZodType;
  for (let level = 0; level < 60; level += 1) deep = z.array(deep);
  const methods = { deep: method({ params: deep, result: z.any(), handler: () => 1 }) };
  expect(() => node.services.register({ name: "deep", methods })).toThrow(expect.objectContaining(refused));
  await untilListed(center, "first", 1);
  await unchanged(center, [node], links);
});

test("a thousand services are the most", async () => {
  const center = await startCenter();
  const thousand = Array.from({ length: 1000 }, (_, at) => ({ name: `s${at}`, methods: {} }));
  const node = await startNode([center], thousand);
  const links = linkedAt(center);
  expect(() => node.services.register({ name: "one-more", methods: {} })).toThrow(/1000 services at most/);
  await untilListed(center, "s999", 1);
  await unchanged(center, [node], links);
});

test("a center that takes less than a node's services have is not told of them, and keeps the node", async () => {
  const center = await startCenter(small);
  const node = await startNode([center], [repeat]);
  await untilListed(center, "repeat", 1);
  const links = linkedAt(center);
  for (const name of ["a", "b", "c"]) node.services.register(described(name, 60 * KiB));
  await unchanged(center, [node], links);
});
