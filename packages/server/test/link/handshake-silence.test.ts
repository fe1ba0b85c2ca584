import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HANDSHAKE_TIMEOUT_MS } from "../../src/backplane/handshake.js";
import { Cleanup, Dialing, LinkPort } from "./link-port.js";
import { greet, linkRaw, RawCenter, RawPeer } from "./raw-peer.js";

const secret = "s".repeat(32);
const cleanup = new Cleanup();
afterEach(cleanup.run);

const openPort = async (): Promise<LinkPort> => cleanup.add(await new LinkPort({ secrets: [secret] }).open());
const connect = async ({ port }: { port: number }, from?: string): Promise<RawPeer> =>
  cleanup.add(await RawPeer.connect(port, from));

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

  test("the center keeps no more than a thousand handshakes going: the oldest gives way, and nodes get in", async () => {
    const port = await openPort();
    const peers: RawPeer[] = [];
    peers.push(await connect(port));
    peers.push(...(await Promise.all(Array.from({ length: 999 }, () => connect(port)))));
    const node = cleanup.add(new Dialing({ secrets: [secret] })).start(port.port);
    await port.recorder.untilJoined(node.identity.id);
    expect((await peers[0]?.closed)?.code).toBe(1006);
    expect((await port.refused.next()).message).toMatch(
      /1000 handshakes are under way, and it was the oldest/,
    );
    const open = peers.filter(({ webSocket }) => webSocket.readyState === webSocket.OPEN);
    expect(open).toHaveLength(999);
    expect(node.lost.all).toEqual([]);
  });

  test("a flood from one address drops no handshake of another", async () => {
    const port = await openPort();
    const other = await connect(port, "127.0.0.9");
    await Promise.all(Array.from({ length: 1100 }, () => connect(port)));
    await greet(other);
    expect(other.webSocket.readyState).toBe(other.webSocket.OPEN);
  });
});
