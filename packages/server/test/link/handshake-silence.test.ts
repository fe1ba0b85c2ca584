import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HANDSHAKE_TIMEOUT_MS } from "../../src/backplane/handshake.js";
import { Cleanup, Dialing, LinkPort } from "./link-port.js";
import { greet, linkRaw, RawCenter, RawPeer } from "./raw-peer.js";

const secret = "s".repeat(32);
const cleanup = new Cleanup();
afterEach(cleanup.run);

const openPort = async (): Promise<LinkPort> => cleanup.add(await new LinkPort({ secrets: [secret] }).open());
const connect = async ({ port }: { port: number }): Promise<RawPeer> =>
  cleanup.add(await RawPeer.connect(port));

describe("a peer that says nothing", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([
    ["at all", false],
    ["after its hello", true],
  ])(
    "a node that says nothing %s is given up by the center after the handshake time",
    async (_case, greets) => {
      const port = await openPort();
      const peer = await connect(port);
      if (greets) await greet(peer);
      vi.advanceTimersByTime(HANDSHAKE_TIMEOUT_MS - 1);
      expect(port.refused.all).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(await port.refused.next()).toMatchObject({
        code: "LINK_PROTOCOL",
        message: "the handshake took too long",
      });
      expect(await peer.closed).toMatchObject({ code: 1008 });
      expect(port.refused.all).toHaveLength(1);
    },
  );

  test("a node that is linked is not, nor is a timer left for it", async () => {
    const port = await openPort();
    cleanup.add(await linkRaw(port.port, { secret }));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a center that says nothing is given up by the node after the handshake time, and redialled", async () => {
    const center = cleanup.add(await RawCenter.open());
    const node = cleanup.add(new Dialing({ secrets: [secret] })).start(center.port);
    const peer = await center.peers.next();
    await peer.frames.next();
    vi.advanceTimersByTime(HANDSHAKE_TIMEOUT_MS);
    expect((await node.lost.next()).error).toMatchObject({
      code: "LINK_LOST",
      message: "the handshake took too long",
    });
    vi.advanceTimersByTime(100);
    await center.peers.next();
  });

  test("the center keeps no more than a thousand handshakes going, and answers 503 to others", async () => {
    const port = await openPort();
    const nonce = randomBytes(16).toString("base64");
    const peers = await Promise.all(Array.from({ length: 1000 }, () => connect(port)));
    const response = await fetchUpgrade(port.port, nonce);
    expect(response).toMatch(/^HTTP\/1.1 503 /);
    peers[0]?.close();
    await peers[0]?.closed;
    await expect.poll(() => fetchUpgrade(port.port, nonce)).toMatch(/^HTTP\/1.1 101 /);
  });
});

/** The first bytes that the port answers to an upgrade request. */
async function fetchUpgrade(port: number, key: string): Promise<string> {
  const socket = connectTcp(port, "127.0.0.1");
  cleanup.add({ close: () => socket.destroy() });
  socket.write(
    `GET /link HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const [data] = (await once(socket, "data")) as [Buffer];
  return data.toString();
}
