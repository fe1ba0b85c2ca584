import { afterEach, describe, expect, test, vi } from "vitest";
import { NodeIdentity } from "../../src/node/identity.js";
import { Cleanup, Dialing, LinkPort } from "./link-port.js";
import { linkRaw } from "./raw-peer.js";

const cleanup = new Cleanup();
afterEach(async () => {
  await cleanup.run();
  vi.useRealTimers();
});

const key = "0123456789ab";
const taken = key.padEnd(32, "0");
const colliding = key.padEnd(32, "1");
const openPort = async (): Promise<LinkPort> => cleanup.add(await new LinkPort().open());
/** A center where another living node has the key. */
async function openTakenPort(): Promise<LinkPort> {
  const port = await openPort();
  cleanup.add(await linkRaw(port.port, { id: taken }));
  await port.recorder.untilJoined(taken);
  return port;
}

describe("a node whose key another living node has", () => {
  test("takes a new id at once where it is fresh, and is linked under that", async () => {
    const port = await openTakenPort();
    const identity = new NodeIdentity(colliding);
    const node = cleanup.add(new Dialing({ identity })).start(port.port);
    await node.recorder.untilJoined(port.centerId);
    expect(identity.id).toMatch(/^[0-9a-f]{32}$/);
    expect(identity.id.startsWith(key)).toBe(false);
    expect(port.recorder.joined().map(({ id }) => id)).toEqual([taken, identity.id]);
    expect(port.refused.all.map(({ code }) => code)).toEqual(["NODE_KEY_TAKEN"]);
    expect(node.lost.all).toEqual([]);
  });

  test("takes one new id for all its centers, and none of them has to wait", async () => {
    const ports = await Promise.all([openTakenPort(), openTakenPort(), openTakenPort()]);
    const identity = new NodeIdentity(colliding);
    const node = cleanup.add(new Dialing({ identity })).start(...ports.map(({ port }) => port));
    for (const { centerId, recorder } of ports) {
      await node.recorder.untilJoined(centerId);
      await recorder.untilJoined(identity.id);
      expect(recorder.joined().map(({ id }) => id)).toEqual([taken, identity.id]);
    }
    expect(node.lost.all).toEqual([]);
  });

  test("keeps its id where another center has accepted it, and comes back there slowly", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const [free, port] = [await openPort(), await openTakenPort()];
    const identity = new NodeIdentity(colliding);
    const node = cleanup.add(new Dialing({ identity })).start(free.port);
    await node.recorder.untilJoined(free.centerId);
    node.dialer.add("127.0.0.1", port.port);
    const { error, retryMs } = await node.lost.next();
    expect(error).toMatchObject({ code: "NODE_KEY_TAKEN", message: expect.stringContaining(key) });
    expect(retryMs).toBeGreaterThanOrEqual(15_000);
    expect(identity.id).toBe(colliding);

    const [other] = [...port.listener.members()];
    if (other !== undefined) port.listener.end(other, "it goes away");
    vi.advanceTimersByTime(Math.ceil(retryMs));
    await port.recorder.untilJoined(colliding);
    expect(free.recorder.seen.map(({ type }) => type)).toEqual(["joined"]);
  });

  test("keeps its id where it has had a connection of its own", async () => {
    const port = await openTakenPort();
    const identity = new NodeIdentity(colliding);
    identity.settle();
    const node = cleanup.add(new Dialing({ identity })).start(port.port);
    expect((await node.lost.next()).error.code).toBe("NODE_KEY_TAKEN");
    expect(identity.id).toBe(colliding);
  });

  test("is refused only after it has proven itself: who knows no secret learns nothing of the keys", async () => {
    const port = cleanup.add(await new LinkPort({ secrets: ["s".repeat(32)] }).open());
    cleanup.add(await linkRaw(port.port, { id: taken, secret: "s".repeat(32) }));
    await port.recorder.untilJoined(taken);
    await expect(linkRaw(port.port, { id: colliding, secret: "wrong" })).rejects.toThrow("LINK_AUTH_FAILED");
  });
});

test("a node that comes back under its id replaces itself: it is not refused for its own key", async () => {
  const port = await openTakenPort();
  cleanup.add(await linkRaw(port.port, { id: taken }));
  await port.recorder.untilJoined(taken, 2);
  expect(port.recorder.seen.map(({ type }) => type)).toEqual(["joined", "left", "joined"]);
  expect(port.refused.all).toEqual([]);
});
