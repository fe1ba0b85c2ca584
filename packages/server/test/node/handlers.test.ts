import type { IncomingMessage } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import type { NodeEventName, WebSocketNode } from "../../src/index.js";
import { clientFrame, RawClient } from "./raw-client.js";
import { Client, keepLog, metricOf, nextEvent, startNode } from "./running-node.js";

/** Ways to fail, each of which must stay the handler's own business. */
const failures: [how: string, fail: (error: Error) => unknown][] = [
  [
    "throws",
    (failure) => {
      throw failure;
    },
  ],
  ["rejects", (failure) => Promise.reject(failure)],
];

/** Opens a connection, sends a message and closes again, while the handler of `event` fails. */
async function useConnection(node: WebSocketNode): Promise<void> {
  const ended = nextEvent(node, "close");
  const client = await Client.connect(node);
  client.socket.send("question");
  expect(await client.next()).toBe("answer to question");
  expect((await client.close(1000, "bye")).code).toBe(1000);
  await ended;
}

test.each(
  (["open", "message", "close"] as const).flatMap((event) => failures.map((way) => [event, ...way] as const)),
)("a handler of %s that %s harms nobody else, and is reported", async (event, _how, fail) => {
  const { log, lines } = keepLog();
  const node = await startNode({ adminPort: 0 }, { log });
  const failure = new Error("the application's fault");
  const errors: unknown[][] = [];
  node.on(event, () => fail(failure));
  node.on("error", (...args) => errors.push(args));
  const others = vi.fn<() => void>();
  node.on(event, others);
  node.on("message", (connection, data) => connection.send(`answer to ${String(data)}`));

  await useConnection(node);
  await useConnection(node);

  expect(others).toHaveBeenCalledTimes(2);
  await vi.waitUntil(() => errors.length === 2);
  expect(errors.map(([error]) => error)).toEqual([failure, failure]);
  expect(errors[0]?.[1]).toMatchObject({ remoteAddress: "127.0.0.1" });
  const told = lines.filter(({ msg }) => msg === `a handler of ${event} failed: ${failure.message}`);
  expect(told).toHaveLength(2);
  expect(told[0]).toMatchObject({ level: "error", event, err: { message: failure.message } });
  expect(await metricOf(node, `wsc_handler_errors_total{event="${event}"}`)).toBe(2);
});

test.each(failures)("an error handler that %s does not hear of itself", async (_how, fail) => {
  const { log, lines } = keepLog();
  const node = await startNode({}, { log });
  let heard = 0;
  node.on("error", () => {
    heard += 1;
    return fail(new Error("worse"));
  });
  const second = nextEvent(node, "error");
  node.on("message", (connection) => {
    connection.send("answer to question");
    throw new Error("first");
  });
  await useConnection(node);
  expect((await second)[0]).toMatchObject({ message: "first" });
  await vi.waitUntil(() => lines.some(({ msg }) => msg === "a handler of error failed: worse"));
  expect(heard).toBe(1);
});

test("what a failing handler throws may be anything", async () => {
  const { log, lines } = keepLog();
  const node = await startNode({}, { log });
  const values = [undefined, null, "text", 0, { odd: true }];
  for (const value of values) {
    node.on("message", () => {
      throw value;
    });
    node.on("message", () => Promise.reject(value));
  }
  const errors: unknown[] = [];
  node.on("error", (error) => errors.push(error));
  node.on("message", (connection) => connection.send("answer to question"));
  await useConnection(node);
  await vi.waitUntil(() => errors.length === 2 * values.length);
  for (const value of values) expect(errors.filter((error) => error === value)).toHaveLength(2);
  expect(lines.some(({ msg }) => msg.startsWith("a handler of message failed"))).toBe(true);
});

test("a client that breaks the protocol reaches the error handlers with its connection", async () => {
  const node = await startNode({ openMessage: false });
  const failed = nextEvent(node, "error");
  const opened = nextEvent(node, "open");
  const client = await RawClient.open(node);
  client.write(clientFrame(0x3, "reserved"));
  const [error, connection] = await failed;
  expect(error).toBeInstanceOf(Error);
  expect(connection).toBe((await opened)[0]);
  expect((await client.frame()).payload.readUInt16BE(0)).toBe(1002);
});

test("close handlers still find the user and the groups, while the hub lists nothing of them", async () => {
  const node = await startNode();
  const heard = new Promise<unknown>((resolve) => {
    node.on("close", (connection, code, reason) => {
      const { id, userId, groupIds, isOpen } = connection;
      resolve({
        connection: { id, userId, groupIds, isOpen },
        closed: { code, reason },
        hub: [
          node.hub.listConnections({}),
          node.hub.listUsers({}),
          node.hub.listBoundConnections({}),
          node.hub.listGroups({}),
          node.hub.isConnectionOnline({ connectionId: id }),
          node.hub.isUserOnline({ userId: "u" }),
          node.hub.sendToUser({ userId: "u", message: "x" }),
        ],
      });
    });
  });
  const client = await Client.connect(node, { path: "/?room=7" });
  node.hub.bindUser({ userId: "u", connectionId: client.id });
  node.hub.joinUserToGroups({ groupIds: ["a", "b"], userId: "u" });
  await client.close(4000, "done");
  expect(await heard).toEqual({
    connection: { id: client.id, userId: "u", groupIds: ["a", "b"], isOpen: false },
    closed: { code: 4000, reason: "done" },
    hub: [[], [], [], [], false, false, 0],
  });
});

test("a client that vanishes without a close frame is told as 1006", async () => {
  const node = await startNode();
  const ended = nextEvent(node, "close");
  const client = await Client.connect(node);
  client.socket.terminate();
  expect((await ended)[1]).toBe(1006);
  expect(node.hub.countConnections({})).toBe(0);
});

test("a client that resets its connection is told as 1006, and is no error of the node", async () => {
  const { log, lines } = keepLog();
  const node = await startNode({}, { log });
  const ended = nextEvent(node, "close");
  const client = await RawClient.open(node);
  client.socket.resetAndDestroy();
  expect((await ended)[1]).toBe(1006);
  expect(lines.map(({ level }) => level)).not.toContain("error");
  expect(lines.map(({ level }) => level)).not.toContain("warn");
});

test("each event is told once, to each handler, until it is taken away", async () => {
  const node = await startNode();
  const heard: string[] = [];
  const offs = (["open", "message", "close"] as NodeEventName[]).map((event) =>
    node.on(event, () => heard.push(event)),
  );
  node.on("message", (connection, data) => connection.send(`answer to ${String(data)}`));
  await useConnection(node);
  expect(heard).toEqual(["open", "message", "close"]);
  for (const off of offs) off();
  await useConnection(node);
  expect(heard).toHaveLength(3);
});

test("a message handler gets a string from a text frame and bytes from a binary one", async () => {
  const node = await startNode();
  const heard: unknown[] = [];
  node.on("message", (connection, data, isBinary) => {
    heard.push([connection.id, data, isBinary]);
    connection.send("heard");
  });
  const client = await Client.connect(node);
  client.socket.send("用户");
  client.socket.send(Buffer.from([0, 255]));
  client.socket.send("");
  await client.take(3);
  expect(heard).toEqual([
    [client.id, "用户", false],
    [client.id, Buffer.from([0, 255]), true],
    [client.id, "", false],
  ]);
});

test("the open handler gets the request of the handshake", async () => {
  const node = await startNode();
  const opened = nextEvent(node, "open");
  await Client.connect(node, { path: "/chat/1?x=1", headers: { cookie: "session=1" } });
  const [connection, request] = await opened;
  expect([request.url, request.headers.cookie]).toEqual(["/chat/1?x=1", "session=1"]);
  expect([connection.data, connection.remoteAddress]).toEqual([{ x: "1" }, "127.0.0.1"]);
});

test.each([
  ["ping", false],
  ["ping", true],
])(
  "the message %j is answered with a pong, also as binary (%j), and no handler hears it",
  async (text, binary) => {
    const node = await startNode();
    const heard = vi.fn<() => void>();
    node.on("message", heard);
    const client = await Client.connect(node);
    client.socket.send(Buffer.from(text), { binary });
    expect(await client.next()).toBe(`{"cmd":"pong","_id":"${client.id}"}`);
    expect(heard).not.toHaveBeenCalled();
  },
);

test("with pingMessage off, a ping is a message like others", async () => {
  const node = await startNode({ pingMessage: false });
  node.on("message", (connection, data, isBinary) => connection.send(`${String(data)} ${isBinary}`));
  const client = await Client.connect(node);
  client.socket.send("ping");
  client.socket.send(Buffer.from("ping"));
  expect(await client.take(2)).toEqual(["ping false", "ping true"]);
});

test("with openMessage off, the first frame is the first message", async () => {
  const node = await startNode({ openMessage: false });
  node.on("open", (connection) => connection.send(connection.id));
  const client = await Client.connect(node, { openFrame: false });
  expect(await client.next()).toMatch(/^[0-9a-f]{32}$/);
});

test("the open frame comes before whatever open handlers send", async () => {
  const node = await startNode();
  node.on("open", (connection) => {
    connection.send("direct");
    node.hub.broadcast({ message: "to all" });
  });
  const client = await Client.connect(node, { openFrame: false });
  expect(await client.take(3)).toEqual([expect.stringContaining('"cmd":"open"'), "direct", "to all"]);
});

test.each([
  "access_token=s3cret&a=1",
  "a=1&access_token=s3cret",
  "%61ccess%5Ftoken=s3cret&a=1",
  "access_token[]=s3cret&a=1",
  "access_token%5Bx%5D=s3cret&a=1",
  "access_token[x][y]=s3cret&access_token=s3cret&a=1",
])("a connection's data never holds the token of %s", async (query) => {
  const node = await startNode();
  const client = await Client.connect(node, { path: `/?${query}` });
  expect(node.hub.getConnectionData({ connectionId: client.id })).toEqual({ a: "1" });
});

test("the request of the handshake is not held once the open handlers have had it", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const node = await startNode({}, { authorize: () => Promise.resolve({ admit: true }) });
  const requests: WeakRef<IncomingMessage>[] = [];
  node.on("open", (_connection, request) => requests.push(new WeakRef(request)));
  const clients = [await Client.connect(node), await Client.connect(node, { path: "/?access_token=s3cret" })];
  await vi.waitUntil(
    () => {
      collect();
      return requests.every((request) => request.deref() === undefined);
    },
    { timeout: 10_000 },
  );
  expect(requests).toHaveLength(2);
  expect(clients.every(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
});
