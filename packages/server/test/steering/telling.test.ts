import { afterEach, describe, expect, test, vi } from "vitest";
import { linkRaw, RawPeer, createHello, greet, proofOf } from "../link/raw-peer.js";
import { info, Mailbox, status } from "../link/link-port.js";
import { portOf, startCenter } from "../link/running.js";

vi.setConfig({ testTimeout: 60_000 });

const peers: RawPeer[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

interface Linked {
  peer: RawPeer;
  id: string;
  /** The `members` frames that come. */
  told: Mailbox<unknown[]>;
  /** What its next pongs say. */
  holds: (connections: number) => void;
}

/** A node by hand that wants to be told of members, and answers pings. */
async function link(
  port: number,
  publicUrl: string,
  members: "addresses" | "connections" = "addresses",
): Promise<Linked> {
  const peer = await RawPeer.connect(port);
  peers.push(peer);
  const [node, center] = await greet(peer, createHello("node"));
  const proof = proofOf("", "node", node, center);
  peer.send(["auth", { proof, info: { ...info, publicUrl, members }, status }]);
  expect(await peer.frames.next()).toEqual(["welcome"]);
  const told = new Mailbox<unknown[]>();
  let connections = 0;
  const listen = async (): Promise<void> => {
    for (;;) {
      const frame = await peer.frames.next();
      if (frame[0] === "members") told.put(frame);
      else if (frame[0] === "ping") peer.send(["pong", frame[1], { ...status, connections }, 0]);
      // A release that tells nothing of itself.
      else if (frame[0] === "call") peer.send(["reply", frame[1], [[false, "UNKNOWN_SERVICE", "none"]]]);
      else throw new Error(`a ${String(frame[0])} frame came`);
    }
  };
  void listen();
  return { peer, id: node.id, told, holds: (count) => void (connections = count) };
}

async function startPort(): Promise<number> {
  const { center } = await startCenter();
  return Number(portOf(center.addresses.link));
}

describe("what a center tells of its nodes", () => {
  test("is the whole list to one that comes, and then what changes", async () => {
    const port = await startPort();
    const first = await link(port, "ws://a");
    expect(await first.told.next()).toEqual(["members", true, [[first.id, "ws://a", true, 0]], []]);
    const second = await link(port, "WS://B:80/");
    const both = [
      [first.id, "ws://a", true, 0],
      [second.id, "ws://b", true, 0],
    ];
    expect(await second.told.next()).toEqual(["members", true, both, []]);
    expect(await first.told.next()).toEqual(["members", false, [both[1]], []]);
    second.peer.close();
    expect(await first.told.next()).toEqual(["members", false, [], [second.id]]);
  });

  test("has counts for those alone who want them, and only when they have moved by a twentieth", async () => {
    const port = await startPort();
    const plain = await link(port, "ws://a");
    const counting = await link(port, "ws://b", "connections");
    await counting.told.next();
    counting.holds(40);
    expect(await counting.told.next()).toEqual(["members", false, [[counting.id, "ws://b", true, 40]], []]);
    counting.holds(42);
    const third = await link(port, "ws://c");
    expect(await counting.told.next()).toEqual(["members", false, [[third.id, "ws://c", true, 0]], []]);
    counting.holds(43);
    expect(await counting.told.next()).toEqual(["members", false, [[counting.id, "ws://b", true, 43]], []]);
    const heard = plain.told.all.flatMap(([, , members]) => members as unknown[][]);
    expect(heard.map(([, address, , connections]) => [address, connections])).toEqual([
      ["ws://a", 0],
      ["ws://b", 0],
      ["ws://c", 0],
    ]);
  });

  test("is nothing to a node that does not ask, as old ones do not; it is told of to others", async () => {
    const port = await startPort();
    const old = await linkRaw(port);
    peers.push(old);
    const other = await link(port, "ws://b");
    const both = [
      [expect.any(String), info.publicUrl, true, 0],
      [other.id, "ws://b", true, 0],
    ];
    expect(await other.told.next()).toEqual(["members", true, both, []]);
    const pings = [await old.frames.next(), await old.frames.next()];
    expect(pings.map(([type]) => type)).toEqual(["ping", "ping"]);
  });

  test("goes in frames that cannot be overtaken, however many and long the addresses", async () => {
    const port = await startPort();
    const long = (at: number): string => `ws://node-${at}/${"x".repeat(2000)}`;
    for (let at = 0; at < 40; at += 1) await link(port, long(at));
    const last = await link(port, "ws://last");
    const addresses: unknown[] = [];
    const kinds: unknown[] = [];
    while (addresses.length < 41) {
      const [, isWhole, members] = await last.told.next();
      kinds.push(isWhole);
      for (const [, address] of members as unknown[][]) addresses.push(address);
    }
    expect(kinds[0]).toBe(true);
    expect(new Set(kinds.slice(1))).toEqual(new Set([false]));
    expect(new Set(addresses)).toEqual(
      new Set([...Array.from({ length: 40 }, (_, at) => long(at)), "ws://last"]),
    );
    expect(last.peer.frames.all.every(([type]) => type !== "piece")).toBe(true);
  });
});
