import { expect, test } from "vitest";
import { method, z } from "websocket-center";
import { CenterError, createBackend } from "../../server/index.js";
import { connectClient, startBackend, startCenter, startNode } from "./cluster.js";

const modes = [{ pipelining: "auto" }, { pipelining: false }] as const;

test.each(modes)("commands reach the cluster, and answer as node.cluster does: %j", async (mode) => {
  const { center, url } = await startCenter();
  const nodes = [await startNode([center.addresses.link]), await startNode([center.addresses.link])] as const;
  const clients = [await connectClient(nodes[0]), await connectClient(nodes[1])] as const;
  const backend = startBackend({ centers: [url], ...mode });
  for (const { id } of clients) {
    expect((await backend.bindUser({ userId: "ada", connectionId: id })).value).toBe("done");
  }
  const sent = await backend.sendToUser({ userId: "ada", message: "hello, 世界" });
  expect(sent.value).toBe(2);
  expect(sent.failures).toEqual([]);
  expect(sent.nodes.toSorted(byNode)).toEqual(
    nodes.map(({ id }) => ({ nodeId: id, ok: true, value: 1 })).toSorted(byNode),
  );
  for (const client of clients) {
    await client.settled();
    expect(client.messages).toEqual(["hello, 世界"]);
  }
  expect((await backend.listUsers({})).value).toEqual(["ada"]);
  expect((await backend.getConnectionData({ connectionId: "nobody" })).value).toEqual({});
});

test.each(modes)("a batch takes effect in its order, and one that fails stops no other: %j", async (mode) => {
  const { center, url } = await startCenter();
  const node = await startNode([center.addresses.link]);
  const client = await connectClient(node);
  const backend = startBackend({ centers: [url], ...mode });
  const messages = Array.from({ length: 50 }, (_, number) => String(number));
  const [bound, wrong, ...sent] = await backend.batch([
    { command: "bindUser", params: { userId: "ada", connectionId: client.id } },
    { command: "sendToUser", params: { userId: "", message: "to nobody" } },
    ...messages.map((message) => ({ command: "sendToUser" as const, params: { userId: "ada", message } })),
  ]);
  expect(bound).toMatchObject({ ok: true, value: "done" });
  expect(wrong).toMatchObject({
    ok: false,
    error: { code: "INVALID_PARAMS", retryable: false, status: 400 },
  });
  expect(sent.map((result) => result.ok && result.value)).toEqual(messages.map(() => 1));
  await client.settled();
  expect(client.messages).toEqual(messages);
});

test("services are listed and called, users are sent to a node, nodes are told", async () => {
  const { center, url } = await startCenter();
  const node = await startNode([center.addresses.link]);
  node.services.register({
    name: "sums",
    metadata: { env: "prod" },
    methods: {
      add: method({
        params: z.object({ a: z.number(), b: z.number() }),
        result: z.number(),
        handler: ({ a, b }) => a + b,
      }),
      fail: method({
        params: z.object({}),
        result: z.number(),
        handler: () => {
          throw new Error("no");
        },
      }),
    },
  });
  const backend = startBackend({ centers: [`${url}/`] });
  await expect
    .poll(() => backend.services.list({ name: "sums", metadata: { env: "prod" } }))
    .toEqual([{ name: "sums", nodeId: node.id, metadata: { env: "prod" }, methods: ["add", "fail"] }]);
  expect(await backend.services.list({ name: "sums", metadata: { env: "test" } })).toEqual([]);
  const call = { service: "sums", method: "add", params: { a: 1, b: 2 } };
  expect(await backend.services.call(call)).toEqual([{ nodeId: node.id, ok: true, value: 3 }]);
  expect(await backend.services.call({ ...call, method: "fail", params: {}, mode: "all" })).toMatchObject([
    { nodeId: node.id, ok: false, code: "METHOD_FAILED" },
  ]);
  await expect(backend.services.call({ ...call, service: "none" })).rejects.toMatchObject({
    code: "UNKNOWN_SERVICE",
  });
  expect(await backend.assign("ada")).toEqual({ url: node.publicUrl, nodeId: node.id });
  expect(await backend.nodes()).toMatchObject([{ id: node.id, publicUrl: node.publicUrl, draining: false }]);
});

test.each(modes)("a token is asked for, and a wrong one is refused at once: %j", async (mode) => {
  const { center, url } = await startCenter({ token: ["the-token-of-this-test"] });
  await startNode([center.addresses.link]);
  let token = "another-token";
  const backend = startBackend({ centers: [url], token: () => Promise.resolve(token), ...mode });
  await expect(backend.countConnections({})).rejects.toMatchObject({ code: "TOKEN_REQUIRED", status: 401 });
  token = "the-token-of-this-test";
  expect((await backend.countConnections({})).value).toBe(0);
  const failing = startBackend({
    centers: [url],
    token: () => Promise.reject(new Error("no vault")),
    ...mode,
  });
  await expect(failing.countConnections({})).rejects.toMatchObject({
    code: "TOKEN_FAILED",
    cause: { message: "no vault" },
  });
});

test.each(modes)("a node that has left is not asked, and the others answer: %j", async (mode) => {
  const { center, url } = await startCenter();
  const awake = await startNode([center.addresses.link]);
  const left = await startNode([center.addresses.link]);
  const backend = startBackend({ centers: [url], ...mode });
  await left.stop();
  await expect.poll(() => center.nodes.length).toBe(1);
  const { value, nodes } = await backend.countConnections({});
  expect(value).toBe(0);
  expect(nodes.map(({ nodeId }) => nodeId)).toEqual([awake.id]);
});

test.each(modes)("what is no call is refused, and disturbs no other: %j", async (mode) => {
  const { center, url } = await startCenter();
  await startNode([center.addresses.link]);
  const backend = startBackend({ centers: [url], maxInFlight: 2, ...mode });
  await expect(backend.countUsers({}, { timeoutMs: 0 })).rejects.toMatchObject({ code: "INVALID_PARAMS" });
  const calls = [backend.countUsers({}), backend.countUsers({}), backend.countUsers({})];
  const [first, second, third] = await Promise.allSettled(calls);
  expect([first?.status, second?.status]).toEqual(["fulfilled", "fulfilled"]);
  expect(third).toMatchObject({ reason: { code: "QUEUE_FULL", retryable: true } });
  await expect(backend.countUsers({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "ABORTED",
  });
  await backend.close();
  await expect(backend.countUsers({})).rejects.toMatchObject({ code: "CLOSED" });
});

test("close waits for what is under way", async () => {
  const { center, url } = await startCenter();
  await startNode([center.addresses.link]);
  const backend = startBackend({ centers: [url] });
  const call = backend.countConnections({});
  await backend.close();
  expect((await call).value).toBe(0);
});

test.each([
  [{ centers: [] }, "centers: expected the addresses"],
  [{ centers: ["127.0.0.1:8011"] }, "centers: expected http(s)://host:port"],
  [{ centers: ["http://user:secret@127.0.0.1"] }, "the token is an option"],
  [{ centers: ["http://127.0.0.1:8011"], timeoutMs: 0 }, "timeoutMs: expected 1 to 60000, got 0"],
  [{ centers: ["http://127.0.0.1:8011"], maxInFlight: 0.5 }, "maxInFlight: expected a whole number"],
])("bad options are told: %j", (options, message) => {
  expect(() => createBackend(options)).toThrow(CenterError);
  expect(() => createBackend(options)).toThrow(message);
});

const byNode = (a: { nodeId: string }, b: { nodeId: string }): number => (a.nodeId < b.nodeId ? -1 : 1);
