import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Center, createCenter } from "../../src/center/center.js";
import { MAX_LINK_MESSAGE_BYTES } from "../../src/backplane/link-socket.js";
import { createSilentLogger } from "../../src/log.js";
import { createNode, type WebSocketNode } from "../../src/node/node.js";
import { hexId, LinkPort } from "./link-port.js";
import { createHello, greet, helloOf, linkRaw, proofOf, RawCenter, RawPeer } from "./raw-peer.js";

const log = createSilentLogger();
let center: Center;
let node: WebSocketNode;
let linkPort = 0;

beforeAll(async () => {
  center = createCenter({ linkPort: 0, httpPort: 0 }, { log });
  await center.start();
  linkPort = Number(center.addresses.link.split(":")[1]);
  node = createNode({ port: 0, centers: [center.addresses.link] }, { log });
  await node.start();
  await vi.waitUntil(() => center.nodes.length === 1);
});
afterAll(async () => {
  await node.stop();
  await center.stop();
});

/** The one node that was there before is there still, over the link that it had, and answers. */
async function expectUnharmed(linkedAt: string | undefined): Promise<void> {
  expect(center.nodes.find(({ id }) => id === node.id)?.linkedAt).toBe(linkedAt);
  const answer = await center.cluster.countConnections({});
  expect(answer.nodes).toContainEqual({ nodeId: node.id, ok: true, value: 0 });
}
const linkedAt = (): string | undefined => center.nodes.find(({ id }) => id === node.id)?.linkedAt;

async function tcp(bytes: Uint8Array): Promise<Socket> {
  const socket = connect(linkPort, "127.0.0.1");
  socket.on("error", () => socket.destroy());
  socket.resume();
  await once(socket, "connect");
  socket.write(bytes);
  return socket;
}

const upgrade =
  "GET /link HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

describe("random bytes at the link port", () => {
  test("instead of HTTP end that connection only", async () => {
    const before = linkedAt();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        const socket = await tcp(bytes);
        socket.end();
        await once(socket, "close");
      }),
      { numRuns: 40 },
    );
    await expectUnharmed(before);
  });

  test("behind the upgrade end that connection only", async () => {
    const before = linkedAt();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        const socket = await tcp(Buffer.concat([Buffer.from(`${upgrade}\r\n`), bytes]));
        socket.end();
        await once(socket, "close");
      }),
      { numRuns: 40 },
    );
    await expectUnharmed(before);
  });

  test("as messages before the handshake, or in the middle of it, end that link only", async () => {
    const before = linkedAt();
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        fc.boolean(),
        async (bytes, greets) => {
          const peer = await RawPeer.connect(linkPort);
          if (greets) await greet(peer);
          peer.sendMessage(bytes);
          expect([1006, 1008]).toContain((await peer.closed).code);
        },
      ),
      { numRuns: 40 },
    );
    expect(center.nodes.map(({ id }) => id)).toEqual([node.id]);
    await expectUnharmed(before);
  });

  test("as messages or frames of a linked peer end that link only", async () => {
    const before = linkedAt();
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (random, asFrame) => {
        const peer = await linkRaw(linkPort);
        // 0xc1 is what MessagePack never uses: no random bytes make a frame by chance.
        if (asFrame) peer.sendEncoded(Buffer.from([0xc1, ...random]));
        else peer.sendMessage(Buffer.from([0xff, 0xff, ...random]));
        await peer.closed;
      }),
      { numRuns: 40 },
    );
    await expect.poll(() => center.nodes.map(({ id }) => id)).toEqual([node.id]);
    await expectUnharmed(before);
  });

  test("as values that MessagePack can hold and no frame is, of a linked peer, end that link only", async () => {
    const before = linkedAt();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue({ maxDepth: 4 })), async (value) => {
        const peer = await linkRaw(linkPort);
        peer.send(["reply", -1, value]);
        await peer.closed;
      }),
      { numRuns: 20 },
    );
    await expectUnharmed(before);
  });

  test.each([
    ["a text message", "text"],
    ["an empty frame", Buffer.alloc(4)],
    ["a message that ends within a length", Buffer.alloc(3)],
    ["a frame that is longer than its message", Buffer.from([0, 0, 0, 9, 0x91])],
    ["a frame that announces 4 GiB", Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ["a message over the limit", Buffer.alloc(MAX_LINK_MESSAGE_BYTES + 1)],
  ])("%s from a linked peer ends its link", async (_case, message) => {
    const before = linkedAt();
    const id = hexId();
    const peer = await linkRaw(linkPort, { id });
    peer.sendMessage(message);
    await peer.closed;
    await expect.poll(() => center.nodes.map((entry) => entry.id)).not.toContain(id);
    await expectUnharmed(before);
  });

  test("an empty message is nothing, and harms nobody", async () => {
    const peer = await linkRaw(linkPort);
    peer.sendMessage(Buffer.alloc(0));
    const [, number] = (await peer.frames.next()) as [string, number];
    peer.send(["pong", number, { connections: 1, users: 0, groups: 0, draining: false }, 0]);
    await expect.poll(() => center.nodes.some(({ connections }) => connections === 1)).toBe(true);
    peer.close();
    await peer.closed;
  });

  test.each([
    ["a call", ["call", 1, "default", 1000, [["broadcast", { message: "x" }]]]],
    ["a ping", ["ping", 1]],
    ["a register", ["register", ["8010"]]],
    ["a second hello", ["hello", { version: 1, role: "node", id: hexId(), nonce: "0".repeat(64) }]],
    ["a welcome", ["welcome"]],
  ])("%s from a node ends its link: nodes may not send that", async (_case, frame) => {
    const peer = await linkRaw(linkPort);
    peer.send(frame);
    await peer.closed;
  });

  test("a reply that nobody asked for and a pong to no ping are passed over", async () => {
    const id = hexId();
    const peer = await linkRaw(linkPort, { id });
    const nothing = { connections: 0, users: 0, groups: 0, draining: false };
    peer.send(["reply", 12_345, [[true, 1]]], ["pong", 99_999, nothing, 0], ["abandon", 7]);
    peer.send(["pong", 99_999, { ...nothing, groups: 3 }, 0]);
    await expect.poll(() => center.nodes.find((entry) => entry.id === id)?.groups).toBe(3);
    peer.close();
    await peer.closed;
  });
});

test("a plain request to the link port is told what the port is for", async () => {
  const response = await fetch(`http://${center.addresses.link}/`);
  expect(response.status).toBe(426);
  expect(await response.json()).toMatchObject({ code: 1, data: [] });
});

test("a refused upgrade leaves no socket behind, though the peer never closes its end", async () => {
  const port = await new LinkPort().open();
  const accepted = once(port.server.server, "connection") as Promise<[Socket]>;
  const peer = connect({ port: port.port, host: "127.0.0.1", allowHalfOpen: true });
  peer.on("error", () => peer.destroy());
  peer.write(`${upgrade}Origin: https://example.org\r\n\r\n`);
  const [socket] = await accepted;
  const closed = once(socket, "close");
  const [answer] = (await once(peer, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 403 /);
  await closed;
  peer.destroy();
  await port.close();
});

test("a node takes from a center nothing that only nodes may send", async () => {
  const raw = await RawCenter.open();
  const other = createNode({ port: 0, centers: [`127.0.0.1:${raw.port}`] }, { log });
  await other.start();
  for (const frame of [
    ["pong", 1, { connections: 0, users: 0, groups: 0, draining: false }, 0],
    ["reply", 1, []],
    ["interest", 1, { users: ["u"] }],
    ["nonsense"],
  ]) {
    const peer = await raw.peers.next();
    const hello = helloOf(await peer.frames.next());
    const own = createHello("center");
    peer.send(["hello", { ...own, proof: proofOf("", "center", hello, own) }]);
    expect((await peer.frames.next())[0]).toBe("auth");
    peer.send(["welcome"]);
    peer.sendEncoded(encode(["ping", 4]));
    expect(await peer.frames.next()).toEqual(["interest", 1, { whole: true }]);
    expect((await peer.frames.next()).slice(0, 2)).toEqual(["pong", 4]);
    peer.send(frame);
    await peer.closed;
    expect(peer.webSocket.readyState).toBe(WebSocket.CLOSED);
  }
  await other.stop();
  await raw.close();
});
