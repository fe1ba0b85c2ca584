import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { encode } from "@msgpack/msgpack";
import { LINK_PROTOCOL_VERSION } from "@websocket-center/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { HANDSHAKE_TIMEOUT_MS } from "../../src/backplane/handshake.js";
import { Cleanup, Dialing, hexId, LinkPort } from "./link-port.js";
import { authFrame, createHello, greet, helloOf, linkRaw, proofOf, RawCenter, RawPeer } from "./raw-peer.js";

const secret = "s".repeat(32);
const otherSecret = "o".repeat(32);
const cleanup = new Cleanup();
afterEach(cleanup.run);

const openPort = async (secrets: readonly string[] = [secret]): Promise<LinkPort> =>
  cleanup.add(await new LinkPort({ secrets }).open());
const connect = async ({ port }: { port: number }): Promise<RawPeer> =>
  cleanup.add(await RawPeer.connect(port));

describe("the center's side, to a node that speaks by hand", () => {
  let port: LinkPort;
  beforeEach(async () => {
    port = await openPort();
  });

  test("the center says hello and proves itself before it knows anything of the node but id and nonce", async () => {
    const peer = await connect(port);
    const [node, center] = await greet(peer);
    expect(center).toEqual({
      version: LINK_PROTOCOL_VERSION,
      role: "center",
      id: port.centerId,
      nonce: expect.stringMatching(/^[0-9a-f]{64}$/),
      proof: proofOf(secret, "center", node, center),
    });
    expect([...port.listener.members()]).toEqual([]);
  });

  test("a node that proves itself is welcome, and a member with what it said of itself", async () => {
    const id = hexId();
    const peer = cleanup.add(await linkRaw(port.port, { secret, id }));
    const member = await port.recorder.untilJoined(id);
    expect(member.node).toEqual({
      info: expect.objectContaining({ version: "1.2.3" }),
      status: expect.anything(),
    });
    peer.sendEncoded(Buffer.from("any bytes"));
    expect((await port.recorder.untilFrames(1, member)).map(String)).toEqual(["any bytes"]);
  });

  test("frames that come in one message with the proof are taken behind it", async () => {
    const peer = await connect(port);
    const [node, center] = await greet(peer);
    peer.sendEncoded(encode(authFrame(proofOf(secret, "node", node, center))), Buffer.from("at once"));
    const member = await port.recorder.untilJoined(node.id);
    expect((await port.recorder.untilFrames(1, member)).map(String)).toEqual(["at once"]);
  });

  test.each([
    ["with another secret", (node, center) => proofOf(otherSecret, "node", node, center)],
    ["without any secret", (node, center) => proofOf("", "node", node, center)],
    [
      "in the role of the center, as if the center's own proof were sent back",
      (_node, center) => center.proof ?? "",
    ],
    ["for another node", (node, center) => proofOf(secret, "node", { ...node, id: hexId() }, center)],
    ["for another nonce", (node, center) => proofOf(secret, "node", node, { ...center, nonce: node.nonce })],
  ] as [string, (node: ReturnType<typeof helloOf>, center: ReturnType<typeof helloOf>) => string][])(
    "a proof %s is refused with LINK_AUTH_FAILED, and never becomes a member",
    async (_case, prove) => {
      const peer = await connect(port);
      const [node, center] = await greet(peer);
      peer.send(authFrame(prove(node, center)));
      expect(await peer.frames.next()).toEqual([
        "refuse",
        "LINK_AUTH_FAILED",
        expect.stringContaining("WSC_LINK_SECRET"),
      ]);
      expect(await peer.closed).toMatchObject({ code: 1008 });
      expect(port.refused.all.map(({ code }) => code)).toEqual(["LINK_AUTH_FAILED"]);
      expect(port.recorder.seen).toEqual([]);
    },
  );

  test("an auth that was recorded at another meeting is refused: every meeting has a nonce of the center's", async () => {
    const hello = createHello("node");
    const first = await connect(port);
    const [, center] = await greet(first, hello);
    const auth = authFrame(proofOf(secret, "node", hello, center));
    first.send(auth);
    await port.recorder.untilJoined(hello.id);

    const replayed = await connect(port);
    const [, secondCenter] = await greet(replayed, hello);
    expect(secondCenter.nonce).not.toBe(center.nonce);
    replayed.send(auth);
    expect((await replayed.frames.next()).slice(0, 2)).toEqual(["refuse", "LINK_AUTH_FAILED"]);
    await replayed.closed;
    expect(port.recorder.joined(hello.id)).toHaveLength(1);
    expect([...port.listener.members()]).toHaveLength(1);
  });

  test.each([
    ["a call", ["call", 1, "default", 1000, []]],
    ["a ping", ["ping", 1]],
    ["a reply", ["reply", 1, []]],
    ["a welcome", ["welcome"]],
    ["a refusal", ["refuse", "INTERNAL", "no"]],
    ["a register", ["register", ["8010"]]],
    ["an auth without a hello", authFrame("0".repeat(64))],
    ["a center's hello", ["hello", createHello("center")]],
    ["a frame of no protocol", ["helo"]],
  ])("%s before the handshake is done ends the link, without a word", async (_case, frame) => {
    const peer = await connect(port);
    peer.send(frame);
    expect(await peer.closed).toMatchObject({ code: 1008 });
    expect(peer.frames.all).toEqual([]);
    expect(port.refused.all.map(({ code }) => code)).toEqual(["LINK_PROTOCOL"]);
    expect(port.recorder.seen).toEqual([]);
  });

  test("a second hello ends the link", async () => {
    const peer = await connect(port);
    const [node] = await greet(peer);
    peer.send(["hello", node]);
    expect(await peer.closed).toMatchObject({ code: 1008 });
    expect(port.refused.all.map(({ code }) => code)).toEqual(["LINK_PROTOCOL"]);
  });

  test("a handshake frame larger than any handshake needs ends the link", async () => {
    const peer = await connect(port);
    peer.send(["hello", { ...createHello("node"), more: "x".repeat(9000) }]);
    expect(await peer.closed).toMatchObject({ code: 1008 });
    expect(port.refused.all.map(({ code }) => code)).toEqual(["LINK_PROTOCOL"]);
  });

  test("a request with an Origin gets 403 and no WebSocket, whatever the origin", async () => {
    for (const origin of [
      "http://localhost:8011",
      "https://example.org",
      "null",
      `http://127.0.0.1:${port.port}`,
    ]) {
      const webSocket = new WebSocket(`ws://127.0.0.1:${port.port}/link`, { origin });
      const [error] = (await once(webSocket, "error")) as [Error];
      expect(error.message).toBe("Unexpected server response: 403");
    }
    expect(port.refused.all).toHaveLength(4);
    expect([...port.listener.members()]).toEqual([]);
  });

  test.each([
    ["an older version", { version: LINK_PROTOCOL_VERSION - 1 }],
    ["a newer version", { version: LINK_PROTOCOL_VERSION + 1 }],
    [
      "a newer version whose hello looks different",
      { version: LINK_PROTOCOL_VERSION + 1, nonce: "short", keys: [1] },
    ],
  ])("a node of %s is told so with LINK_VERSION", async (_case, rest) => {
    const peer = await connect(port);
    peer.send(["hello", { ...createHello("node"), ...rest }]);
    const message = `the node speaks link protocol ${rest.version}, this side ${LINK_PROTOCOL_VERSION}`;
    expect(await peer.frames.next()).toEqual(["refuse", "LINK_VERSION", expect.stringContaining(message)]);
    expect(await peer.closed).toMatchObject({ code: 1008 });
    expect(port.refused.all).toEqual([expect.objectContaining({ code: "LINK_VERSION" })]);
  });
});

describe("the node's side, to a center that speaks by hand", () => {
  let center: RawCenter;
  beforeEach(async () => {
    center = cleanup.add(await RawCenter.open());
  });
  const dialCenter = (): Dialing => cleanup.add(new Dialing({ secrets: [secret] })).start(center.port);

  test("a node says nothing of itself to a center that does not know the secret, and comes back slowly", async () => {
    const node = dialCenter();
    const peer = await center.peers.next();
    const hello = helloOf(await peer.frames.next());
    expect(hello).toEqual({
      version: LINK_PROTOCOL_VERSION,
      role: "node",
      id: node.identity.id,
      nonce: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const own = createHello("center");
    peer.send(["hello", { ...own, proof: proofOf(otherSecret, "center", hello, own) }]);
    const lost = await node.lost.next();
    expect(lost.error).toMatchObject({
      code: "LINK_AUTH_FAILED",
      message: expect.stringContaining("WSC_LINK_SECRET"),
    });
    expect(lost.retryMs).toBeGreaterThanOrEqual(15_000);
    await peer.closed;
    expect(peer.frames.all).toHaveLength(1);
    expect(node.recorder.seen).toEqual([]);
  });

  test.each([
    ["no proof at all", () => undefined],
    ["the node's own role", (own, hello) => proofOf(secret, "node", hello, own)],
  ] as [
    string,
    (own: ReturnType<typeof helloOf>, hello: ReturnType<typeof helloOf>) => string | undefined,
  ][])("a center that proves itself with %s is not believed", async (_case, prove) => {
    const node = dialCenter();
    const peer = await center.peers.next();
    const hello = helloOf(await peer.frames.next());
    const own = createHello("center");
    const proof = prove(own, hello);
    peer.send(["hello", proof === undefined ? own : { ...own, proof }]);
    expect((await node.lost.next()).error.code).toBe("LINK_AUTH_FAILED");
    expect(node.recorder.seen).toEqual([]);
  });

  test.each([
    ["a welcome before its proof", ["welcome"]],
    ["a call", ["call", 1, "default", 1000, [["countConnections", {}]]]],
    ["a node's hello", ["hello", createHello("node")]],
    ["rubbish", [1, 2, 3]],
  ])("%s ends the link, and the node is never linked", async (_case, frame) => {
    const node = dialCenter();
    const peer = await center.peers.next();
    await peer.frames.next();
    peer.send(frame);
    expect((await node.lost.next()).error.code).toBe("LINK_PROTOCOL");
    expect(node.recorder.seen).toEqual([]);
  });

  test("a center of another version is named in LINK_VERSION, and redialled slowly", async () => {
    const node = dialCenter();
    const peer = await center.peers.next();
    await peer.frames.next();
    peer.send(["hello", createHello("center", { version: 7 })]);
    const { error, retryMs } = await node.lost.next();
    expect(error).toMatchObject({
      code: "LINK_VERSION",
      message: `the center speaks link protocol 7, this side ${LINK_PROTOCOL_VERSION}; run releases with the same link protocol on both`,
    });
    expect(retryMs).toBeGreaterThanOrEqual(15_000);
  });

  test("a refusal is reported with the center's code and words; a code that nobody knows counts as a lost link", async () => {
    const node = dialCenter();
    for (const [code, expected] of [
      ["TOMORROWS_CODE", "LINK_LOST"],
      ["LINK_VERSION", "LINK_VERSION"],
    ] as const) {
      const peer = await center.peers.next();
      await peer.frames.next();
      peer.send(["refuse", code, "come back later"]);
      const { error } = await node.lost.next();
      expect(error).toMatchObject({ code: expected, message: "refused by the center: come back later" });
    }
  });

  test("frames right behind the welcome are not lost", async () => {
    const node = dialCenter();
    const peer = await center.peers.next();
    const hello = helloOf(await peer.frames.next());
    const own = createHello("center");
    peer.send(["hello", { ...own, proof: proofOf(secret, "center", hello, own) }]);
    expect(await peer.frames.next()).toMatchObject(["auth", { proof: proofOf(secret, "node", hello, own) }]);
    const frames = Array.from({ length: 5 }, (_, at) => Buffer.from(`frame ${at}`));
    peer.sendEncoded(encode(["welcome"]), ...frames);
    peer.sendEncoded(Buffer.from("frame 5"));
    const member = await node.recorder.untilJoined(own.id);
    expect((await node.recorder.untilFrames(6, member)).map(String)).toEqual(
      [0, 1, 2, 3, 4, 5].map((at) => `frame ${at}`),
    );
  });
});

describe("secrets", () => {
  test.each([
    ["none at either end, as on loopback", [], [], "links"],
    ["the same", [secret], [secret], "links"],
    [
      "an old one at the node while the center knows both and proves with the old one",
      [secret, otherSecret],
      [secret],
      "links",
    ],
    ["a new one at the center while the node knows both", [otherSecret], [otherSecret, secret], "links"],
    ["both at both ends, in different order", [secret, otherSecret], [otherSecret, secret], "links"],
    ["different ones", [secret], [otherSecret], "is refused"],
    ["one at the center only", [secret], [], "is refused"],
    ["one at the node only", [], [secret], "is refused"],
    [
      "the new one proves at the center, and the node does not know it yet",
      [otherSecret, secret],
      [secret],
      "is refused",
    ],
  ])(
    "with %s, a node with center secrets %j and node secrets %j %s",
    async (_case, atCenter, atNode, expected) => {
      const port = await openPort(atCenter);
      const node = cleanup.add(new Dialing({ secrets: atNode })).start(port.port);
      if (expected === "links") {
        await port.recorder.untilJoined(node.identity.id);
        await node.recorder.untilJoined(port.centerId);
        expect(node.lost.all).toEqual([]);
      } else {
        expect((await node.lost.next()).error.code).toBe("LINK_AUTH_FAILED");
        expect(port.recorder.seen).toEqual([]);
      }
    },
  );
});

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
