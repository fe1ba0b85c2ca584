import { Duplex } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createNode, createSilentLogger, type WebSocketNode } from "../../src/index.js";
import { upgradeTo } from "./fake-upgrade.js";

const CONNECTIONS = 1000;
const MESSAGE = "x".repeat(64);
const FRAME_BYTES = 2 + MESSAGE.length;

/** What the sockets were asked to do. */
const asked = { writes: 0, bytes: 0, buffers: new Set<Buffer>() };

/** A client's socket that takes whatever is written to it and counts it. */
class CountingSocket extends Duplex {
  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#count([chunk]);
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#count(chunks.map(({ chunk }) => chunk));
    done();
  }

  #count(buffers: readonly Buffer[]): void {
    asked.writes += 1;
    for (const buffer of buffers) {
      asked.bytes += buffer.length;
      asked.buffers.add(buffer);
    }
  }
}

let node: WebSocketNode;

beforeEach(async () => {
  // No heartbeat, whose pings would be counted.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const options = { centers: [], publicUrl: "ws://127.0.0.1", openMessage: false };
  node = createNode(options, { log: createSilentLogger(), mounted: true });
  await node.start();
  let count = 0;
  node.on("open", ({ id }) => {
    const number = count++;
    node.hub.joinConnectionToGroup({ connectionId: id, groupId: `ten ${Math.floor(number / 10)}` });
    node.hub.joinConnectionToGroup({ connectionId: id, groupId: number % 2 === 0 ? "even" : "odd" });
  });
  for (let at = 0; at < CONNECTIONS; at += 1) {
    upgradeTo(node, new CountingSocket());
  }
  await endOfTick();
  expect(node.hub.countConnections({})).toBe(CONNECTIONS);
  reset();
});

afterEach(async () => {
  await node.stop();
  vi.useRealTimers();
});

function reset(): void {
  asked.writes = 0;
  asked.bytes = 0;
  asked.buffers.clear();
}

/** Resolves after what was queued has been written. */
const endOfTick = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Bytes that exist for the sake of what was written: a copy for a connection is one more buffer. */
const bytesMade = (): number => [...asked.buffers].reduce((sum, { length }) => sum + length, 0);

test("a broadcast is one write a connection, of one buffer that they share", async () => {
  expect(node.hub.broadcast({ message: MESSAGE })).toBe(CONNECTIONS);
  await endOfTick();
  expect(asked.writes).toBe(CONNECTIONS);
  expect(asked.bytes).toBe(CONNECTIONS * FRAME_BYTES);
  expect(asked.buffers.size).toBe(1);
  expect(bytesMade()).toBe(FRAME_BYTES);
});

test("sixteen broadcasts in a tick are one write a connection, of one joined buffer", async () => {
  for (let sent = 0; sent < 16; sent += 1) node.hub.broadcast({ message: MESSAGE });
  await endOfTick();
  expect(asked.writes).toBe(CONNECTIONS);
  expect(asked.bytes).toBe(16 * CONNECTIONS * FRAME_BYTES);
  expect(asked.buffers.size).toBe(1);
});

test("messages to groups are one write for each member and tick, and members of the same groups share a buffer", async () => {
  node.hub.sendToGroup({ groupId: "even", message: MESSAGE });
  for (let group = 0; group < CONNECTIONS / 10; group += 1) {
    node.hub.sendToGroup({ groupId: `ten ${group}`, message: MESSAGE });
  }
  node.hub.sendToGroup({ groupId: "odd", message: MESSAGE });
  await endOfTick();
  expect(asked.writes).toBe(CONNECTIONS);
  expect(asked.bytes).toBe(2 * CONNECTIONS * FRAME_BYTES);
  // For each ten one buffer for those that are even, one for those that are odd.
  expect(asked.buffers.size).toBeLessThanOrEqual((2 * CONNECTIONS) / 10);
});

test("a large message is not copied, whatever else goes out in the tick", async () => {
  const large = "x".repeat(100_000);
  node.hub.broadcast({ message: MESSAGE });
  node.hub.broadcast({ message: large });
  node.hub.broadcast({ message: MESSAGE });
  await endOfTick();
  expect(asked.writes).toBe(CONNECTIONS);
  expect(bytesMade()).toBeLessThan(large.length + 1000);
});

test("a message to one connection is one write, and nobody else is written to", async () => {
  const [connectionId = ""] = node.hub.listConnections({});
  expect(node.hub.sendToConnection({ connectionId, message: MESSAGE })).toBe(1);
  await endOfTick();
  expect(asked.writes).toBe(1);
  expect(asked.bytes).toBe(FRAME_BYTES);
});

test("a group that floods costs others one write a member, however many messages, and they wait for no later tick", async () => {
  for (let sent = 0; sent < 5000; sent += 1) node.hub.sendToGroup({ groupId: "even", message: MESSAGE });
  node.hub.sendToGroup({ groupId: "ten 0", message: MESSAGE });
  await endOfTick();
  expect(asked.writes).toBe(CONNECTIONS / 2 + 5);
  expect(asked.bytes).toBe((5000 * (CONNECTIONS / 2) + 10) * FRAME_BYTES);
});
