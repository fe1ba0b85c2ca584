import { once } from "node:events";
import { encode } from "@msgpack/msgpack";
import { LINK_PROTOCOL_VERSION } from "@websocket-center/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Cleanup, hexId, info, LinkPort, status } from "./link-port.js";
import { authFrame, createHello, greet, type Hello, linkRaw, proofOf, RawPeer } from "./raw-peer.js";

const secret = "s".repeat(32);
const otherSecret = "o".repeat(32);
const cleanup = new Cleanup();
afterEach(cleanup.run);

const connect = async ({ port }: LinkPort): Promise<RawPeer> => cleanup.add(await RawPeer.connect(port));

describe("the center's side, to a node that speaks by hand", () => {
  let port: LinkPort;
  beforeEach(async () => {
    port = cleanup.add(await new LinkPort({ secrets: [secret] }).open());
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
  ] as [string, (node: Hello, center: Hello) => string][])(
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

  test.each([8_640_000_000_000_001, Number.MAX_SAFE_INTEGER, -1, 0.5])(
    "a node that says it started at %s is refused: that is no time",
    async (startedAt) => {
      const peer = await connect(port);
      const [node, center] = await greet(peer);
      const auth = { proof: proofOf(secret, "node", node, center), info: { ...info, startedAt }, status };
      peer.send(["auth", auth]);
      expect(await peer.closed).toMatchObject({ code: 1008 });
      expect((await port.refused.next()).message).toContain("startedAt");
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

  test("a node that goes away in the middle is reported once: it may not have believed this center", async () => {
    const peer = await connect(port);
    await greet(peer);
    peer.close();
    expect(await port.refused.next()).toMatchObject({
      code: "LINK_PROTOCOL",
      message: expect.stringMatching(/^the handshake was not finished: /),
    });
    expect(port.refused.all).toHaveLength(1);
    expect(port.recorder.seen).toEqual([]);
  });

  test("of a message with many wrong frames the first ends the link, and the others are not looked at", async () => {
    const peer = await connect(port);
    peer.send(["ping", 1], ["ping", 2], ["hello", createHello("node")]);
    await peer.closed;
    expect(port.refused.all).toHaveLength(1);
    expect(peer.frames.all).toEqual([]);
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
