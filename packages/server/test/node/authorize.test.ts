import type { IncomingMessage } from "node:http";
import { expect, test, vi } from "vitest";
import type { Admission, Authorize } from "../../src/index.js";
import { judge } from "./judge.js";
import { clientFrame, opcodes, RawClient } from "./raw-client.js";
import { askUpgrade, Client, keepLog, metricOf, startNode } from "./running-node.js";

test("who is admitted has user, groups and data before the open frame goes out", async () => {
  const authorize: Authorize = () => ({
    admit: true,
    userId: "u",
    groups: ["a", "b", "a"],
    data: { role: "admin", room: "hall", list: [1, null, { x: true }] },
  });
  const node = await startNode({}, { authorize });
  const seen: unknown[] = [];
  node.on("open", (connection) => {
    seen.push([connection.userId, connection.groupIds, connection.data]);
    node.hub.broadcast({ message: "to all" });
    node.hub.sendToGroup({ groupId: "b", message: "to the group" });
    node.hub.sendToUser({ userId: "u", message: "to the user" });
  });
  const client = await Client.connect(node, { path: "/?room=7&color=red", openFrame: false });
  const frames = await client.take(4);
  const { _id: connectionId } = JSON.parse(String(frames[0])) as { _id: string };
  expect(frames).toEqual([`{"cmd":"open","_id":"${connectionId}"}`, "to all", "to the group", "to the user"]);
  const data = { role: "admin", room: "hall", color: "red", list: [1, null, { x: true }] };
  expect(seen).toEqual([["u", ["a", "b"], data]]);
  expect(node.hub.getConnectionData({ connectionId })).toEqual(data);
  expect(node.hub.listConnectionsOfUser({ userId: "u" })).toEqual([connectionId]);
});

test("authorize gets the request and the client's address, and may take its time", async () => {
  const asked: unknown[] = [];
  const authorize: Authorize = async (request, { remoteAddress, signal }) => {
    await new Promise((resolve) => setImmediate(resolve));
    asked.push([request.url, request.headers["x-session"], remoteAddress, signal.aborted]);
    return { admit: true };
  };
  const node = await startNode({}, { authorize });
  const client = await Client.connect(node, { path: "/chat?access_token=t", headers: { "x-session": "s" } });
  expect(asked).toEqual([["/chat?access_token=t", "s", "127.0.0.1", false]]);
  expect(node.hub.getConnectionData({ connectionId: client.id })).toEqual({});
});

test.each([
  [{ admit: false }, 403, "not allowed"],
  [{ admit: false, status: 401 }, 401, "not allowed"],
  [{ admit: false, status: 402, reason: "pay 用户 first" }, 402, "pay 用户 first"],
  [{ admit: false, status: 599, reason: "x".repeat(200) }, 599, "x".repeat(200)],
] satisfies [Admission, number, string][])(
  "%j refuses with its status and reason",
  async (answer, status, reason) => {
    const node = await startNode({ adminPort: 0 }, { authorize: () => answer });
    const opened = vi.fn<() => void>();
    node.on("open", opened);
    const reply = await askUpgrade(node);
    expect([reply.status, reply.text]).toEqual([status, `${reason}\n`]);
    expect(reply.headers).toMatchObject({
      connection: "close",
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(Buffer.byteLength(reason) + 1),
    });
    expect(opened).not.toHaveBeenCalled();
    expect(await metricOf(node, 'wsc_connections_refused_total{cause="authorize"}')).toBe(1);
  },
);

const thrown = new Error("the session store is down");
const wrongAnswers: [what: string, authorize: (request: IncomingMessage) => unknown][] = [
  [
    "throws",
    () => {
      throw thrown;
    },
  ],
  ["rejects", () => Promise.reject(thrown)],
  ["throws nothing at all", () => Promise.reject()],
  ["answers undefined", () => undefined],
  ["answers null", () => Promise.resolve(null)],
  ["answers true", () => true],
  ["answers false", () => false],
  ["answers text", () => "admit"],
  ["answers {}", () => ({})],
  ["admits with a word", () => ({ admit: "true" })],
  ["admits with 1", () => ({ admit: 1 })],
  ["admits an empty user id", () => ({ admit: true, userId: "" })],
  ["admits a number as user id", () => ({ admit: true, userId: 7 })],
  ["admits null as user id", () => ({ admit: true, userId: null })],
  ["admits half a surrogate pair as user id", () => ({ admit: true, userId: "\ud800" })],
  ["admits to groups that are no list", () => ({ admit: true, groups: "g" })],
  ["admits to a group without a name", () => ({ admit: true, groups: ["g", ""] })],
  ["admits to a group with half a surrogate pair", () => ({ admit: true, groups: ["\udc00"] })],
  ["admits with data that is no object", () => ({ admit: true, data: [1] })],
  ["admits with data that is no JSON", () => ({ admit: true, data: { at: new Date() } })],
  ["refuses with status 200", () => ({ admit: false, status: 200 })],
  ["refuses with status 101", () => ({ admit: false, status: 101 })],
  ["refuses with a status that is no number", () => ({ admit: false, status: "403" })],
  ["refuses with a reason that is no text", () => ({ admit: false, reason: 1 })],
];

test.each(wrongAnswers)("an authorize that %s lets nobody in, with 500", async (_what, authorize) => {
  const { log, lines } = keepLog();
  const node = await startNode({ adminPort: 0 }, { log, authorize: authorize as Authorize });
  const opened = vi.fn<() => void>();
  node.on("open", opened);
  const reply = await askUpgrade(node);
  expect([reply.status, reply.text]).toEqual([500, "authorization failed\n"]);
  expect(opened).not.toHaveBeenCalled();
  expect(node.hub.countConnections({})).toBe(0);
  expect(await metricOf(node, 'wsc_connections_refused_total{cause="authorize-error"}')).toBe(1);
  expect(lines.find(({ stage }) => stage === "authorize")?.level).toBe("error");
});

test("an authorize that takes too long is answered with 504, and its signal is aborted", async () => {
  const aborted = vi.fn<(reason: unknown) => void>();
  const authorize: Authorize = (_request, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        aborted(signal.reason);
        reject(new Error("too late to count"));
      });
    });
  const node = await startNode({ handshakeTimeoutMs: 100, adminPort: 0 }, { authorize });
  const errors = vi.fn<() => void>();
  node.on("error", errors);
  const reply = await askUpgrade(node);
  expect([reply.status, reply.text]).toEqual([504, "authorization took too long\n"]);
  expect(aborted).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ name: "TimeoutError" }));
  expect(errors).not.toHaveBeenCalled();
  expect(await metricOf(node, 'wsc_connections_refused_total{cause="authorize-timeout"}')).toBe(1);
});

test("an admission that comes after the time is over lets nobody in", async () => {
  const { authorize, asked } = judge();
  const node = await startNode({ handshakeTimeoutMs: 100 }, { authorize });
  const opened = vi.fn<() => void>();
  node.on("open", opened);
  expect((await askUpgrade(node)).status).toBe(504);
  (await asked()).answer({ admit: true });
  await new Promise((resolve) => setImmediate(resolve));
  expect(opened).not.toHaveBeenCalled();
});

test.each([
  ["ends its socket", (client: RawClient) => client.socket.end()],
  ["destroys its socket", (client: RawClient) => client.socket.destroy()],
  ["resets its socket", (client: RawClient) => client.socket.resetAndDestroy()],
])("a client that %s while it is judged aborts the signal and frees its place", async (_how, leave) => {
  const { authorize, asked } = judge();
  const { log, lines } = keepLog();
  const node = await startNode({ maxConnections: 1 }, { authorize, log });
  const opened = vi.fn<() => void>();
  node.on("open", opened);

  const client = RawClient.ask(node);
  const first = await asked();
  expect((await askUpgrade(node)).status).toBe(503);
  const aborted = new Promise((resolve) => {
    first.signal.addEventListener("abort", resolve);
  });
  leave(client);
  await aborted;
  expect(first.signal.reason).toMatchObject({ code: "ABORTED" });
  first.answer({ admit: true });

  const next = Client.connect(node);
  (await asked()).answer({ admit: true });
  const { id } = await next;
  expect(node.hub.listConnections({})).toEqual([id]);
  expect(opened).toHaveBeenCalledTimes(1);
  // Who was turned away is told in the log; who went away by itself was not.
  expect(lines.filter(({ msg }) => msg.includes("refused")).map(({ status }) => status)).toEqual([503]);
});

test("messages that a client sends while it is judged wait, and come in order once it is in", async () => {
  const { authorize, asked } = judge();
  const node = await startNode({ openMessage: false }, { authorize });
  const heard: unknown[] = [];
  const all = new Promise<void>((resolve) => {
    node.on("message", (_connection, data) => {
      if (heard.push(data) === 3) resolve();
    });
  });
  const client = RawClient.ask(node);
  const question = await asked();
  for (const text of ["one", "two"]) client.write(clientFrame(opcodes.text, text));
  await new Promise((resolve) => client.socket.write("", resolve));
  question.answer({ admit: true });
  client.write(clientFrame(opcodes.text, "three"));
  await all;
  expect(heard).toEqual(["one", "two", "three"]);
});
