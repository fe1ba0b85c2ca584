import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createNode, createSilentLogger, type WebSocketNode } from "../../src/index.js";
import { judge } from "./judge.js";
import { clientFrame, opcodes, RawClient } from "./raw-client.js";
import { ask, askUpgrade, Client, metricOf, nextEvent, startNode } from "./running-node.js";

const atOnce = { closeSpreadMs: 0 };

test("drain closes every client with 1012, behind what was queued", async () => {
  const node = await startNode(atOnce);
  const clients = await Promise.all(Array.from({ length: 20 }, () => Client.connect(node)));
  const messages = ["a", "b".repeat(1024 * 1024), "c"];
  for (const message of messages) expect(node.hub.broadcast({ message })).toBe(20);
  await node.drain();
  for (const client of clients) {
    expect(await client.closed).toEqual({ code: 1012, reason: "service restart" });
    expect((await client.take(3)).map(({ length }) => length)).toEqual(messages.map(({ length }) => length));
    expect(client.untaken).toEqual([]);
  }
});

test("drain resolves once every close handler has been told", async () => {
  const node = await startNode(atOnce);
  await Promise.all(Array.from({ length: 5 }, () => Client.connect(node)));
  const codes: number[] = [];
  node.on("close", (_connection, code) => codes.push(code));
  await node.drain();
  expect(codes).toEqual([1012, 1012, 1012, 1012, 1012]);
  expect(node.hub.countConnections({})).toBe(0);
});

test("drain closes clients one after the other over closeSpreadMs, and goes on serving the others", async () => {
  const node = await startNode({ closeSpreadMs: 300 });
  const clients = await Promise.all(Array.from({ length: 10 }, () => Client.connect(node)));
  const drained = node.drain();
  await Promise.race(clients.map(({ closed }) => closed));
  const left = node.hub.broadcast({ message: "still here" });
  expect(left).toBe(node.hub.countConnections({}));
  await drained;
  const got = clients.filter(({ untaken }) => untaken.length === 1);
  expect(got).toHaveLength(left);
  for (const { closed } of clients) expect((await closed).code).toBe(1012);
});

test("a node that drains refuses new clients with 503, and is not ready", async () => {
  const node = await startNode({ ...atOnce, adminPort: 0 });
  await node.drain();
  const refused = await askUpgrade(node);
  expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "5"]);
  const ready = await ask(node.addresses.admin ?? "", "/readyz");
  expect([ready.status, JSON.parse(ready.text)]).toEqual([
    503,
    { ready: false, reasons: ["the node is draining"] },
  ]);
  expect((await ask(node.addresses.admin ?? "", "/livez")).status).toBe(200);
  expect(await metricOf(node, 'wsc_connections_refused_total{cause="draining"}')).toBe(1);
  expect((await ask(node.addresses.client, "/?event=getConnectionCount")).text).toContain(
    '"getConnectionCount":0',
  );
});

test("a client that is being judged when the drain begins is refused", async () => {
  const { authorize, asked } = judge();
  const node = await startNode(atOnce, { authorize });
  const reply = askUpgrade(node);
  const question = await asked();
  await node.drain();
  question.answer({ admit: true });
  expect((await reply).status).toBe(503);
});

test("a client that does not answer the close frame holds the drain up for no longer than it may", async () => {
  const node = await startNode(atOnce);
  const client = await RawClient.open(node);
  const ended = nextEvent(node, "close");
  await node.drain();
  expect((await ended)[1]).toBe(1012);
  await client.readToEnd();
});

test("whoever calls drain, once or again, is told of its end", async () => {
  const node = await startNode(atOnce);
  await Client.connect(node);
  await Promise.all([node.drain(), node.drain()]);
  await node.drain();
  expect(node.hub.countConnections({})).toBe(0);
});

test("stop during a drain ends both", async () => {
  const node = await startNode({ closeSpreadMs: 3_600_000 });
  const client = await Client.connect(node);
  const other = await Client.connect(node);
  const drained = node.drain();
  await node.stop();
  await drained;
  await Promise.all([client.closed, other.closed]);
});

test("stop without a drain closes every client with 1012, and tells close handlers of it before it resolves", async () => {
  const node = await startNode();
  const clients = await Promise.all(Array.from({ length: 10 }, () => Client.connect(node)));
  const codes: number[] = [];
  node.on("close", (_connection, code) => codes.push(code));
  node.hub.broadcast({ message: "last" });
  await node.stop();
  expect(codes).toEqual(Array.from({ length: 10 }, () => 1012));
  expect(node.hub.countConnections({})).toBe(0);
  for (const client of clients) {
    expect(await client.closed).toEqual({ code: 1012, reason: "service restart" });
    expect(client.untaken).toEqual(["last"]);
  }
});

test("a client that neither reads nor answers does not keep a node from stopping", async () => {
  const node = await startNode();
  const client = await RawClient.open(node);
  for (let sent = 0; sent < 8; sent += 1) node.hub.broadcast({ message: "x".repeat(1024 * 1024) });
  await node.stop();
  await client.readToEnd();
});

test("stop ends handshakes and requests that are under way", async () => {
  const { authorize, asked } = judge();
  const node = await startNode({}, { authorize });
  const judged = RawClient.ask(node);
  const { signal } = await asked();
  const aborted = new Promise((resolve) => {
    signal.addEventListener("abort", resolve);
  });
  const half = RawClient.dial(node, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{");
  await node.stop();
  await Promise.all([aborted, judged.readToEnd(), half.readToEnd()]);
  await expect(ask(node.addresses.client, "/")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("stop may be called again, and before start", async () => {
  const node = await startNode();
  await Promise.all([node.stop(), node.stop()]);
  await node.stop();
  await createNode({ port: 0, centers: [] }, { log: createSilentLogger() }).stop();
});

test("another node can listen on the port as soon as the first has stopped", async () => {
  const first = await startNode();
  const port = Number(first.addresses.client.split(":").at(-1));
  const client = await Client.connect(first);
  await expect(startNode({ port })).rejects.toMatchObject({ code: "PORT_TAKEN" });
  await first.stop();
  const second = await startNode({ port });
  expect((await client.closed).code).toBe(1012);
  const again = await Client.connect(second);
  expect(second.hub.listConnections({})).toEqual([again.id]);
  expect(second.id).not.toBe(first.id);
});

test("a start that fails on its admin port leaves the client port free", async () => {
  const taken = await startNode({ adminPort: 0 });
  const adminPort = Number(taken.addresses.admin?.split(":").at(-1));
  const failing = createNode({ port: 0, centers: [], adminPort }, { log: createSilentLogger() });
  await expect(failing.start()).rejects.toMatchObject({ code: "PORT_TAKEN" });
  await expect(ask(failing.addresses.client, "/")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("messages of clients that are closing reach no handler", async () => {
  const node = await startNode({ ...atOnce, openMessage: false });
  const heard = vi.fn<() => void>();
  node.on("message", heard);
  const client = await RawClient.open(node);
  const drained = node.drain();
  expect((await client.frame()).opcode).toBe(opcodes.close);
  client.write(clientFrame(opcodes.text, "late"), clientFrame(opcodes.close, Buffer.from([0x03, 0xf4])));
  await drained;
  expect(heard).not.toHaveBeenCalled();
});

describe("undrain", () => {
  /** A node that closes its ten clients over a second of a clock that the test holds. */
  async function startPaced(): Promise<{ node: WebSocketNode; count: () => number }> {
    const node = await startNode({ closeSpreadMs: 1000, shutdownGraceMs: 10_000 });
    await Promise.all(Array.from({ length: 10 }, () => Client.connect(node)));
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    return { node, count: () => node.hub.countConnections({}) };
  }

  test("leaves alone the clients that were not closed yet, and ends the wait for the drain", async () => {
    const { node, count } = await startPaced();
    const drained = node.drain();
    vi.advanceTimersByTime(500);
    expect(count()).toBe(5);
    node.undrain();
    await drained;
    vi.advanceTimersByTime(10_000);
    expect(count()).toBe(5);
    await Client.connect(node);
    expect(count()).toBe(6);
  });

  test("makes the node ready, and a later drain closes who is there then", async () => {
    const node = await startNode({ ...atOnce, adminPort: 0 });
    await node.drain();
    node.undrain();
    const client = await Client.connect(node);
    const ready = async (): Promise<unknown> =>
      JSON.parse((await ask(node.addresses.admin ?? "", "/readyz")).text);
    expect(await ready()).toEqual({ ready: false, reasons: ["no center is linked"] });
    await node.drain();
    expect((await client.closed).code).toBe(1012);
    expect(await ready()).toEqual({ ready: false, reasons: ["the node is draining"] });
  });

  test("does nothing to a node that has stopped, or was not drained", async () => {
    const node = await startNode(atOnce);
    const client = await Client.connect(node);
    node.undrain();
    expect(client.socket.readyState).toBe(client.socket.OPEN);
    await node.stop();
    node.undrain();
    await expect(ask(node.addresses.client, "/")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("a second drain that ends no sooner does not put off the end of the first", async () => {
    const { node, count } = await startPaced();
    const first = node.drain();
    vi.advanceTimersByTime(900);
    const second = node.drain();
    expect(count()).toBe(1);
    vi.advanceTimersByTime(110);
    expect(count()).toBe(0);
    vi.useRealTimers();
    await Promise.all([first, second]);
  });
});
