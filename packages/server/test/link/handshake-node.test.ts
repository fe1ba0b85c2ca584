import { encode } from "@msgpack/msgpack";
import { LINK_PROTOCOL_VERSION } from "@websocket-center/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Cleanup, Dialing, LinkPort } from "./link-port.js";
import { createHello, type Hello, helloOf, proofOf, RawCenter } from "./raw-peer.js";

const otherSecret = "o".repeat(32);
const secret = "s".repeat(32);
const cleanup = new Cleanup();
afterEach(cleanup.run);

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
  ] as [string, (own: Hello, hello: Hello) => string | undefined][])(
    "a center that proves itself with %s is not believed",
    async (_case, prove) => {
      const node = dialCenter();
      const peer = await center.peers.next();
      const hello = helloOf(await peer.frames.next());
      const own = createHello("center");
      const proof = prove(own, hello);
      peer.send(["hello", proof === undefined ? own : { ...own, proof }]);
      expect((await node.lost.next()).error.code).toBe("LINK_AUTH_FAILED");
      expect(node.recorder.seen).toEqual([]);
    },
  );

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
      const port = cleanup.add(await new LinkPort({ secrets: atCenter }).open());
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
