import { describe, expect, test } from "vitest";
import { LinkPort } from "./link-port.js";
import { RawCenter, RawPeer } from "./raw-peer.js";
import { portOf, startCenter, startNode } from "./running.js";

const secret = "s".repeat(32);
const registered = "registered with a center";

describe("the centers that a node registers with", () => {
  test("are those that its first center tells it of at the start, the tellers' tellers included", async () => {
    const third = await startCenter();
    const second = await startCenter({ otherCenters: [third.center.addresses.link] });
    const first = await startCenter({ otherCenters: [second.center.addresses.link] });
    const { node, book } = await startNode({ centers: [first.center.addresses.link] });
    await book.until(registered, 3);
    expect(node.centers).toEqual(
      [first, second, third].map(({ center }) => ({
        address: center.addresses.link,
        linked: true,
        centerId: center.id,
      })),
    );
    for (const { center } of [first, second, third])
      expect(center.nodes.map(({ id }) => id)).toEqual([node.id]);
  });

  test("a bare port means the host at which the node reached the center that tells", async () => {
    const told = portOf((await startCenter()).center.addresses.link);
    const teller = await startCenter({ otherCenters: [told] });
    const tellersPort = portOf(teller.center.addresses.link);
    for (const host of ["127.0.0.1", "localhost"]) {
      const { node, book } = await startNode({ centers: [`${host}:${tellersPort}`] });
      await book.until(registered, 2);
      expect(node.centers.map(({ address }) => address)).toEqual([
        `${host}:${tellersPort}`,
        `${host}:${told}`,
      ]);
    }
  });

  test("a bare port of the node's own means this machine", async () => {
    const { center } = await startCenter();
    const { node, book } = await startNode({ centers: [portOf(center.addresses.link)] });
    await book.until(registered);
    expect(node.centers.map(({ address }) => address)).toEqual([center.addresses.link]);
  });

  test("grow at run time with center.register, for nodes that come later too", async () => {
    const { center } = await startCenter();
    const other = await startCenter();
    const early = await startNode({ centers: [center.addresses.link] });
    await early.book.until(registered);
    center.register([portOf(other.center.addresses.link)]);
    await early.book.until(registered, 2);

    const late = await startNode({ centers: [center.addresses.link] });
    await late.book.until(registered, 2);
    await other.book.until("a node registered", 2);
    expect(other.center.nodes.map(({ id }) => id).sort()).toEqual([early.node.id, late.node.id].sort());
  });

  test("shrink at run time with center.remove, for nodes that come later too", async () => {
    const other = await startCenter();
    const { center } = await startCenter({ otherCenters: [other.center.addresses.link] });
    const { node, book } = await startNode({ centers: [center.addresses.link] });
    await book.until(registered, 2);
    await other.book.until("a node registered");
    center.remove([other.center.addresses.link]);
    expect(await other.book.until("a node left")).toMatchObject({
      nodeId: node.id,
      reason: "the node leaves this center (1000)",
    });
    expect(node.centers.map(({ address }) => address)).toEqual([center.addresses.link]);

    const late = await startNode({ centers: [center.addresses.link] });
    await late.book.until(registered);
    // What a center says reaches a node in order: with this one it has heard of all others.
    const last = await startCenter();
    center.register([last.center.addresses.link]);
    await late.book.until(registered, 2);
    expect(late.node.centers.map(({ address }) => address)).toEqual([
      center.addresses.link,
      last.center.addresses.link,
    ]);
  });

  test("shrink by whichever spelling of an address, at the node and at the center", async () => {
    const other = await startCenter();
    const port = portOf(other.center.addresses.link);
    const { center } = await startCenter({ otherCenters: [`127.0.0.1:${port}`] });
    const { node, book } = await startNode({ centers: [center.addresses.link] });
    await book.until(registered, 2);
    node.remove([`LOCALHOST:${port}`]);
    await other.book.until("a node left");
    expect(node.centers.map(({ centerId }) => centerId)).toEqual([center.id]);

    node.register([`localhost:${port}`]);
    await book.until(registered, 3);
    node.register([port]);
    expect(node.centers).toHaveLength(2);
    center.remove([`[::ffff:127.0.0.1]:${port}`]);
    await other.book.until("a node left", 2);
    expect(center.about.otherCenters).toEqual([]);
    expect(node.centers.map(({ centerId }) => centerId)).toEqual([center.id]);
  });

  test("shrink by every address of the same center", async () => {
    const { center, book: centerBook } = await startCenter({
      host: "0.0.0.0",
      linkSecret: [secret],
      token: ["t"],
      insecureLink: true,
    });
    const port = portOf(center.addresses.link);
    const { node, book } = await startNode({
      centers: [`127.0.0.1:${port}`, `127.0.0.2:${port}`],
      linkSecret: [secret],
    });
    await book.until(registered);
    await expect.poll(() => node.centers).toHaveLength(2);
    node.remove([`127.0.0.1:${port}`]);
    await centerBook.until("a node left");
    expect(node.centers).toEqual([]);
  });

  test("an address that is none throws at the center, and nothing of the list is told", async () => {
    const { center } = await startCenter();
    const { node, book } = await startNode({ centers: [center.addresses.link] });
    await book.until(registered);
    for (const wrong of ["", "0", "a:b", "http://127.0.0.1:1", "127.0.0.1:99999"]) {
      expect(() => center.register(["127.0.0.1:1", wrong])).toThrow(
        expect.objectContaining({ code: "CONFIG_INVALID" }),
      );
      expect(() => center.remove([center.addresses.link, wrong])).toThrow();
    }
    const other = await startCenter();
    center.register([other.center.addresses.link]);
    await book.until(registered, 2);
    expect(node.centers).toHaveLength(2);
  });

  test("a center beyond loopback that the node may not dial is not dialled, whoever tells of it", async () => {
    const { center } = await startCenter();
    const { node, book } = await startNode({ centers: [center.addresses.link] });
    await book.until(registered);
    center.register(["192.0.2.1:8010"]);
    const { msg } = await book.until("192.0.2.1");
    expect(msg).toContain("WSC_LINK_SECRET");
    expect(node.centers.map(({ address }) => address)).toEqual([center.addresses.link]);
  });
});

describe("what is logged", () => {
  test("a wrong secret is said once at the node, as an error that names the variable, and nothing of the secrets", async () => {
    const center = await startCenter({ linkSecret: [secret] });
    const { node, book } = await startNode({
      centers: [center.center.addresses.link],
      linkSecret: ["o".repeat(32)],
    });
    expect(await book.until("no link to the center")).toMatchObject({
      level: "error",
      code: "LINK_AUTH_FAILED",
      center: center.center.addresses.link,
      msg: expect.stringContaining("WSC_LINK_SECRET"),
    });
    expect(center.center.nodes).toEqual([]);
    expect(node.centers).toEqual([
      { address: center.center.addresses.link, linked: false, centerId: undefined },
    ]);
    for (const { lines } of [book, center.book]) {
      expect(JSON.stringify(lines)).not.toContain(secret);
      expect(JSON.stringify(lines)).not.toContain("o".repeat(32));
    }
  });

  test("a center that is away is said once, however often it is dialled, and once more when it was back meanwhile", async () => {
    const port = await new LinkPort().open();
    const { book } = await startNode({ centers: [`127.0.0.1:${port.port}`] });
    await book.until(registered);
    const loud = (): number =>
      book.with("no link to the center").filter(({ level }) => level !== "debug").length;
    await port.close();
    await book.until("no link to the center", 4);
    expect(loud()).toBe(1);
    const back = await new LinkPort().open(port.port);
    await book.until(registered, 2);
    await back.close();
    await book.until("the center stops", 2);
    expect(loud()).toBe(2);
  });

  test("a peer that is refused is logged at the center with its address and code", async () => {
    const { center, book } = await startCenter();
    const response = await fetch(`http://${center.addresses.link}/`);
    expect(response.status).toBe(426);
    const peer = await RawPeer.connect(Number(portOf(center.addresses.link)));
    peer.send(["ping", 1]);
    expect(await book.until("a peer was not let in")).toMatchObject({
      level: "warn",
      code: "LINK_PROTOCOL",
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
    await peer.closed;
  });

  test("a center of another version is said at the node with both versions, and what to do", async () => {
    const center = await RawCenter.open();
    const { book } = await startNode({ centers: [`127.0.0.1:${center.port}`] });
    const peer = await center.peers.next();
    await peer.frames.next();
    peer.send(["hello", { version: 1000, kind: "whatever it will say" }]);
    expect(await book.until("no link to the center")).toMatchObject({
      level: "error",
      code: "LINK_VERSION",
      msg: expect.stringMatching(
        /link protocol 1000, this side \d+; run releases with the same link protocol on both/,
      ),
    });
    await center.close();
  });
});
