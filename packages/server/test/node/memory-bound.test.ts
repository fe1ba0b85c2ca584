import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { createNode, createSilentLogger, type WebSocketNode } from "../../src/index.js";
import { type Backlogged, Backlogs, WRITE_OVERHEAD_BYTES } from "../../src/node/backlogs.js";
import { upgradeTo } from "./fake-upgrade.js";
import { Client, metricOf, startNode } from "./running-node.js";

const KiB = 1024;
const MiB = 1024 * KiB;

describe("backlogs", () => {
  class Stuck implements Backlogged {
    writtenBytes = 0;
    isDropped = false;
    dropAsSlow(): void {
      this.isDropped = true;
    }
  }
  const write = (backlogs: Backlogs, to: Stuck, item: { bytes: number; holders: number }): void => {
    to.writtenBytes += item.bytes;
    backlogs.add(to, item);
  };
  const item = (bytes: number) => ({ bytes, holders: 0 });

  test("what many have to write counts once, until the last of them has written it", () => {
    const backlogs = new Backlogs(GiB);
    const [first, second] = [new Stuck(), new Stuck()];
    const shared = item(10_000);
    for (const to of [first, second]) write(backlogs, to, shared);
    expect(backlogs.bytes).toBe(10_000 + 2 * WRITE_OVERHEAD_BYTES);
    first.writtenBytes = 0;
    backlogs.look();
    expect(backlogs.bytes).toBe(10_000 + WRITE_OVERHEAD_BYTES);
    backlogs.remove(second);
    expect(backlogs.bytes).toBe(0);
  });

  test("what was written of a backlog is forgotten from its beginning", () => {
    const backlogs = new Backlogs(GiB);
    const to = new Stuck();
    for (let sent = 0; sent < 10; sent += 1) write(backlogs, to, item(1000));
    to.writtenBytes = 2500;
    backlogs.look();
    expect(backlogs.bytes).toBe(3 * (1000 + WRITE_OVERHEAD_BYTES));
    write(backlogs, to, item(500));
    expect(backlogs.bytes).toBe(3500 + 4 * WRITE_OVERHEAD_BYTES);
  });

  test("over the bound, those for whom most waits are dropped, and no more of them than it takes", async () => {
    const backlogs = new Backlogs(100_000);
    const all = Array.from({ length: 10 }, () => new Stuck());
    for (const [index, to] of all.entries()) write(backlogs, to, item(3000 * (index + 1)));
    expect(all.some(({ isDropped }) => isDropped)).toBe(false);
    await Promise.resolve();
    // 165,000 bytes, and 87,500 are enough: without the last three there are 84,000, and what each write takes.
    expect(all.map(({ isDropped }) => isDropped)).toEqual([
      ...Array<boolean>(7).fill(false),
      true,
      true,
      true,
    ]);
    expect(backlogs.bytes).toBe(84_000 + 7 * WRITE_OVERHEAD_BYTES);
  });

  test("those that have read meanwhile are looked at first, and nobody is dropped for what is not there any more", async () => {
    const backlogs = new Backlogs(100_000);
    const all = Array.from({ length: 10 }, () => new Stuck());
    for (const to of all) {
      write(backlogs, to, item(15_000));
      to.writtenBytes = 0;
    }
    await Promise.resolve();
    expect(all.some(({ isDropped }) => isDropped)).toBe(false);
    expect(backlogs.bytes).toBe(0);
  });
});

const GiB = 1024 * MiB;

/** A client's socket that takes the answer to its handshake, and then nothing any more. */
class StuckSocket extends Duplex {
  #isOpen = false;
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#isOpen) done();
    this.#isOpen = true;
  }
}

const endOfTick = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

async function mountNode(options: { maxTotalBufferedBytes: number }): Promise<WebSocketNode> {
  const node = createNode(
    { centers: [], publicUrl: "ws://127.0.0.1", openMessage: false, ...options },
    { log: createSilentLogger(), mounted: true },
  );
  await node.start();
  return node;
}

test("2,000 clients that never read hold no more than the bound together, where 4 MiB for each would be 8 GiB", async () => {
  const maxTotalBufferedBytes = 16 * MiB;
  const node = await mountNode({ maxTotalBufferedBytes });
  const closed: number[] = [];
  node.on("close", (_, code) => void closed.push(code));
  const sockets = Array.from({ length: 2000 }, () => new StuckSocket());
  for (const socket of sockets) upgradeTo(node, socket);
  await endOfTick();
  const holding = (): number =>
    sockets.reduce((sum, { writableLength, destroyed }) => sum + (destroyed ? 0 : writableLength), 0);
  for (let round = 0; round < 20; round += 1) {
    for (const connectionId of node.hub.listConnections({}))
      node.hub.sendToConnection({ connectionId, message: randomBytes(4 * KiB) });
    await endOfTick();
    expect(holding()).toBeLessThanOrEqual(maxTotalBufferedBytes);
  }
  await endOfTick();
  expect(node.hub.countConnections({})).toBeGreaterThan(0);
  expect(closed.length).toBe(2000 - node.hub.countConnections({}));
  expect(new Set(closed)).toEqual(new Set([4002]));
  await node.stop();
});

test("one message that waits for 2,000 clients is in memory once, and drops nobody", async () => {
  const node = await mountNode({ maxTotalBufferedBytes: 4 * MiB });
  for (let count = 0; count < 2000; count += 1) upgradeTo(node, new StuckSocket());
  await endOfTick();
  expect(node.hub.broadcast({ message: randomBytes(MiB) })).toBe(2000);
  await endOfTick();
  expect(node.hub.countConnections({})).toBe(2000);
  await node.stop();
});

test("over the bound the client that reads nothing goes, and the one that reads stays; /metrics tells what waits", async () => {
  const node = await startNode({ maxTotalBufferedBytes: MiB, adminPort: 0 });
  const [reader, slow] = [await Client.connect(node), await Client.connect(node)];
  slow.socket.pause();
  let sent = 0;
  for (; sent < 2000 && node.hub.countConnections({}) === 2; sent += 1) {
    node.hub.broadcast({ message: `${sent} ${"x".repeat(100 * KiB)}` });
    await reader.next();
  }
  expect(node.hub.listConnections({})).toEqual([reader.id]);
  expect(await metricOf(node, "wsc_slow_consumers_total")).toBe(1);
  expect(await metricOf(node, "wsc_waiting_bytes")).toBe(0);
});
