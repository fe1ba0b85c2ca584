import { randomBytes } from "node:crypto";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Connection, WebSocketNode } from "../../src/index.js";
import { clientFrame, opcodes, RawClient } from "./raw-client.js";
import { Client, keepLog, metricOf, nextEvent, startNode } from "./running-node.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const maxBufferedBytes = 256 * KiB;
/** More than the kernel's buffers and the node's take together. */
const ENOUGH = 2000;

/** Broadcasts until the node has given up a connection, at the pace of `reader`, which gets every message. */
async function broadcastUntilOneIsGivenUp(
  node: WebSocketNode,
  reader: Client,
  afterEach: () => void = () => undefined,
): Promise<number> {
  const before = node.hub.countConnections({});
  const filling = randomBytes(32 * KiB).toString("base64");
  for (let sent = 0; sent < ENOUGH; sent += 1) {
    const message = `${sent} ${filling}`;
    const queued = node.hub.broadcast({ message });
    afterEach();
    expect(await reader.next()).toBe(message);
    if (node.hub.countConnections({}) < before) {
      expect(queued).toBe(before - 1);
      return sent;
    }
  }
  throw new Error("nobody was given up");
}

async function connectionOf(node: WebSocketNode, connect: () => Promise<unknown>): Promise<Connection> {
  const opened = nextEvent(node, "open");
  await connect();
  const [connection] = await opened;
  return connection;
}

test("a client that never reads is closed with 4002, and the others get everything", async () => {
  const { log, lines } = keepLog();
  const node = await startNode({ maxBufferedBytes, adminPort: 0 }, { log });
  const slow = await connectionOf(node, () => RawClient.open(node));
  const reader = await Client.connect(node);
  const ended = nextEvent(node, "close");
  let mostBuffered = 0;
  const frameBytes = 44 * KiB;
  await broadcastUntilOneIsGivenUp(node, reader, () => {
    mostBuffered = Math.max(mostBuffered, slow.bufferedBytes);
  });

  expect(mostBuffered).toBeLessThanOrEqual(4 * maxBufferedBytes + frameBytes);
  expect(slow.send("late")).toBe(false);
  expect((await ended).slice(1)).toEqual([4002, "slow consumer"]);
  expect(await metricOf(node, "wsc_slow_consumers_total")).toBe(1);
  expect(await metricOf(node, 'wsc_connections_closed_total{code="4002"}')).toBe(1);
  const told = lines.filter(({ msg }) => msg.includes("does not read fast enough"));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ level: "warn", connectionId: slow.id });
  expect(reader.untaken).toEqual([]);
});

test("a client that reads again soon sees why it was closed", async () => {
  const node = await startNode({ maxBufferedBytes });
  const [slow, reader] = [await Client.connect(node), await Client.connect(node)];
  slow.socket.pause();
  await broadcastUntilOneIsGivenUp(node, reader);
  slow.socket.resume();
  expect(await slow.closed).toEqual({ code: 4002, reason: "slow consumer" });
});

test("with compression, a client that never reads is closed as well", async () => {
  const node = await startNode({ maxBufferedBytes, perMessageDeflate: true });
  const [slow, reader] = [
    await Client.connect(node, { perMessageDeflate: true }),
    await Client.connect(node, { perMessageDeflate: true }),
  ];
  const ended = nextEvent(node, "close");
  slow.socket.pause();
  await broadcastUntilOneIsGivenUp(node, reader);
  expect((await ended).slice(1)).toEqual([4002, "slow consumer"]);
});

test("with compression, what waits to be compressed counts as buffered", async () => {
  const node = await startNode({ perMessageDeflate: true });
  const opened = nextEvent(node, "open");
  const client = await Client.connect(node, { perMessageDeflate: true });
  const [connection] = await opened;
  const messages = Array.from({ length: 10 }, () => randomBytes(50_000));
  for (const message of messages) connection.send(message);
  expect(connection.bufferedBytes).toBeGreaterThanOrEqual(500_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(connection.bufferedBytes).toBeGreaterThanOrEqual(500_000);
  await client.take(messages.length);
});

test("a user's slow connection is given up in the middle of a send, and the user's others get it", async () => {
  const node = await startNode({ maxBufferedBytes });
  const reader = await Client.connect(node);
  const slow = await connectionOf(node, () => RawClient.open(node));
  const last = await Client.connect(node);
  for (const connectionId of [reader.id, slow.id, last.id]) {
    node.hub.bindUser({ userId: "u", connectionId });
    node.hub.joinConnectionToGroup({ groupId: "g", connectionId });
  }
  const message = "x".repeat(100 * KiB);
  let sent = 0;
  while (node.hub.countConnectionsInGroup({ groupId: "g" }) === 3 && sent < ENOUGH) {
    const queued = sent % 2 === 0 ? node.hub.sendToUser({ userId: "u", message }) : sendToGroup();
    expect(queued).toBe(node.hub.countConnections({}));
    for (const client of [reader, last]) expect(await client.next()).toBe(message);
    sent += 1;
  }
  function sendToGroup(): number {
    return node.hub.sendToGroup({ groupId: "g", message });
  }
  expect(node.hub.listConnectionsOfUser({ userId: "u" })).toEqual([reader.id, last.id]);
});

test("an empty queue accepts a message larger than maxBufferedBytes, and then no more until the client reads", async () => {
  const node = await startNode({ maxBufferedBytes: KiB });
  const client = await Client.connect(node);
  const message = "x".repeat(8 * MiB);
  expect(node.hub.broadcast({ message })).toBe(1);
  expect((await client.next()).length).toBe(message.length);
  expect(node.hub.broadcast({ message })).toBe(1);
  expect(node.hub.broadcast({ message: "one too many" })).toBe(0);
  expect(await client.closed).toEqual({ code: 4002, reason: "slow consumer" });
  expect(client.untaken.map(({ length }) => length)).toEqual([message.length]);
});

test("what one tick brings closes no client whose socket takes it", async () => {
  const node = await startNode({ maxBufferedBytes: KiB });
  const client = await Client.connect(node);
  const messages = Array.from({ length: 1000 }, (_, index) => `${index} ${"x".repeat(100)}`);
  for (const message of messages) expect(node.hub.broadcast({ message })).toBe(1);
  expect(await client.take(messages.length)).toEqual(messages);
});

test("a client that reads gets bursts far over maxBufferedBytes, one after the other", async () => {
  const node = await startNode();
  const client = await Client.connect(node);
  for (let round = 0; round < 5; round += 1) {
    for (let sent = 0; sent < 12; sent += 1) {
      const message = `${round} ${sent} ${"x".repeat(MiB - 10)}`;
      expect(node.hub.sendToConnection({ connectionId: client.id, message })).toBe(1);
    }
    await client.take(12);
    expect(node.hub.sendToConnection({ connectionId: client.id, message: "at once" })).toBe(1);
    await client.take(1);
  }
});

test("what was answered as queued arrives, also where the next message in the same tick closes the client", async () => {
  const node = await startNode({ maxBufferedBytes });
  const client = await Client.connect(node);
  client.socket.pause();
  let queued = 0;
  while (node.hub.broadcast({ message: `${queued} ${"x".repeat(100 * KiB)}` }) === 1) queued += 1;
  client.socket.resume();
  expect(await client.closed).toEqual({ code: 4002, reason: "slow consumer" });
  expect(client.untaken.map((message) => Number.parseInt(String(message), 10))).toEqual(
    Array.from({ length: queued }, (_, index) => index),
  );
});

describe("more than maxBufferedBytes", () => {
  /** A node whose seconds the test holds, and a client that has let more wait than the limit. */
  async function startOverLimit() {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const node = await startNode({ maxBufferedBytes });
    const opened = nextEvent(node, "open");
    const client = await Client.connect(node);
    const [connection] = await opened;
    client.socket.pause();
    const filling = "x".repeat(32 * KiB);
    while (connection.bufferedBytes <= maxBufferedBytes) expect(connection.send(filling)).toBe(true);
    return { connection, client };
  }
  async function liveOneSecond(): Promise<void> {
    vi.advanceTimersByTime(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }

  test("may wait for a second, and not for two", async () => {
    const { connection, client } = await startOverLimit();
    await liveOneSecond();
    expect(connection.send("in time")).toBe(true);
    await liveOneSecond();
    expect(connection.send("too late")).toBe(false);
    client.socket.resume();
    expect((await client.closed).code).toBe(4002);
    expect(client.untaken.at(-1)).toBe("in time");
  });

  test("may wait again, once it was read", async () => {
    const { connection, client } = await startOverLimit();
    await liveOneSecond();
    const last = "read";
    connection.send(last);
    client.socket.resume();
    while ((await client.next()) !== last);
    await vi.waitUntil(() => connection.bufferedBytes === 0);
    await liveOneSecond();
    await liveOneSecond();
    client.socket.pause();
    const filling = "x".repeat(32 * KiB);
    while (connection.bufferedBytes <= 2 * maxBufferedBytes) expect(connection.send(filling)).toBe(true);
  });
});

test("a client that pings without reading the pongs is given up too", async () => {
  const node = await startNode({ maxBufferedBytes });
  const client = await RawClient.open(node);
  const ended = nextEvent(node, "close");
  const pings = Buffer.concat(Array.from({ length: 500 }, () => clientFrame(opcodes.ping, "p".repeat(125))));
  const flood = (): void => {
    while (!client.socket.destroyed && client.socket.write(pings));
  };
  client.socket.on("drain", flood);
  flood();
  expect((await ended).slice(1)).toEqual([4002, "slow consumer"]);
});
