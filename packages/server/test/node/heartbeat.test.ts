import { stat } from "node:fs";
import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Connection } from "../../src/index.js";
import { Heartbeat } from "../../src/node/heartbeat.js";
import { clientFrame, opcodes, RawClient } from "./raw-client.js";
import { Client, nextEvent, startNode } from "./running-node.js";

const quick = { heartbeatIntervalMs: 100, heartbeatTimeoutMs: 200, openMessage: false };

test("a client that answers pings lives", async () => {
  const node = await startNode(quick);
  const client = await Client.connect(node, { openFrame: false });
  const closed = vi.fn<() => void>();
  node.on("close", closed);
  for (let pings = 0; pings < 8; pings += 1) await once(client.socket, "ping");
  expect(closed).not.toHaveBeenCalled();
  node.hub.broadcast({ message: "still here" });
  expect(await client.next()).toBe("still here");
});

test("a client that does not answer is closed with 4001 and forgotten", async () => {
  const node = await startNode(quick);
  node.on("open", ({ id }) => {
    node.hub.bindUser({ userId: "u", connectionId: id });
    node.hub.joinConnectionToGroup({ groupId: "g", connectionId: id });
  });
  const ended = nextEvent(node, "close");
  const client = await RawClient.open(node);
  const frames = [await client.frame()];
  while (frames.at(-1)?.opcode !== opcodes.close) frames.push(await client.frame());
  expect(frames[0]).toEqual({ opcode: opcodes.ping, payload: Buffer.alloc(0) });
  expect(frames.at(-1)?.payload.readUInt16BE(0)).toBe(4001);

  const [connection, code] = await ended;
  expect(code).toBe(4001);
  expect([connection.userId, connection.groupIds]).toEqual(["u", ["g"]]);
  expect(node.hub.listConnections({})).toEqual([]);
  expect(node.hub.listUsers({})).toEqual([]);
  expect(node.hub.listGroups({})).toEqual([]);
});

test("a dead client is forgotten even where nothing of the close handshake comes back", async () => {
  const node = await startNode(quick);
  const ended = nextEvent(node, "close");
  const client = await RawClient.open(node);
  const [, code] = await ended;
  expect(code).toBe(4001);
  await client.readToEnd();
});

test("any message counts as an answer, and silence after it does not", async () => {
  const node = await startNode(quick);
  const closed = vi.fn<() => void>();
  node.on("close", closed);
  const client = await RawClient.open(node);
  for (let pings = 0; pings < 8; pings += 1) {
    expect((await client.frame()).opcode).toBe(opcodes.ping);
    expect(closed).not.toHaveBeenCalled();
    client.write(clientFrame(pings % 2 === 0 ? opcodes.text : opcodes.binary, "busy"));
  }
  const ended = nextEvent(node, "close");
  expect((await ended)[1]).toBe(4001);
});

test("clients are pinged in turn, each of them again and again", async () => {
  const node = await startNode({ heartbeatIntervalMs: 300, heartbeatTimeoutMs: 100, openMessage: false });
  const clients = await Promise.all(
    Array.from({ length: 7 }, () => Client.connect(node, { openFrame: false })),
  );
  const rounds = clients.map(async ({ socket }) => {
    for (let pings = 0; pings < 3; pings += 1) await once(socket, "ping");
  });
  await Promise.all(rounds);
  expect(node.hub.countConnections({})).toBe(7);
});

/** Stops this whole thread, as a suspended machine would. */
function freeze(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test("answers that came while the process itself was frozen are read before anybody is given up", async () => {
  const heartbeat = new Heartbeat({ intervalMs: 100, timeoutMs: 100 });
  onTestFinished(() => heartbeat.close());
  let pings = 0;
  const close = vi.fn<() => void>();
  const done = new Promise<void>((resolve) => {
    const connection = {
      heartbeatSlot: 0,
      answerDueTick: undefined as number | undefined,
      close,
      enqueue(): boolean {
        pings += 1;
        if (pings === 5) resolve();
        // The ping is on its way; its answer comes as I/O during the freeze.
        setImmediate(() => {
          stat(".", () => {
            connection.answerDueTick = undefined;
          });
          freeze(250);
        });
        return true;
      },
    };
    heartbeat.add(connection as unknown as Connection);
  });
  await Promise.race([done, vi.waitUntil(() => close.mock.calls.length > 0, { timeout: 10_000 })]);
  expect(close).not.toHaveBeenCalled();
});
