import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CenterError } from "../../src/errors.js";
import { Cleanup, Dialing, LinkPort, Mailbox } from "./link-port.js";
import { RawCenter, RawPeer } from "./raw-peer.js";
import { TcpProxy } from "./tcp-proxy.js";

const cleanup = new Cleanup();
afterEach(async () => {
  await cleanup.run();
  vi.useRealTimers();
});

const openPort = async (port = 0): Promise<LinkPort> => cleanup.add(await new LinkPort().open(port));
const createDialing = (options?: ConstructorParameters<typeof Dialing>[0]): Dialing =>
  cleanup.add(new Dialing(options));

/** The sockets that ask for a link, as they come. */
function upgradesAt(port: LinkPort): Mailbox<Duplex> {
  const upgrades = new Mailbox<Duplex>();
  port.server.server.on("upgrade", (_request, socket: Duplex) => upgrades.put(socket));
  return upgrades;
}

describe("redialling", () => {
  test("a node links again when its center is gone and comes back on the same port", async () => {
    const first = await openPort();
    const node = createDialing().start(first.port);
    const member = await node.recorder.untilJoined(first.centerId);
    await first.close();
    expect(await node.recorder.untilLeft(member)).toBe("the center stops (1012)");
    await node.lost.next();

    const second = await openPort(first.port);
    await node.recorder.untilJoined(second.centerId);
    await second.recorder.untilJoined(node.identity.id);
    expect([...node.dialer.members()].map(({ id }) => id)).toEqual([second.centerId]);
    expect(node.dialer.addresses).toEqual([
      { address: `127.0.0.1:${first.port}`, linked: true, centerId: second.centerId },
    ]);
  });

  test("a node that starts before its center links once the center is there", async () => {
    const closed = await openPort();
    await closed.close();
    const node = createDialing().start(closed.port);
    const { address, error, retryMs } = await node.lost.next();
    expect(address).toBe(`127.0.0.1:${closed.port}`);
    expect(error).toMatchObject({ code: "LINK_LOST", message: expect.stringContaining("ECONNREFUSED") });
    expect(retryMs).toBeLessThanOrEqual(100);
    const port = await openPort(closed.port);
    await port.recorder.untilJoined(node.identity.id);
  });

  test("a node that dials something else is told that it is no link port", async () => {
    const other = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
    await once(other, "listening");
    cleanup.add({ close: () => other.close() });
    const node = createDialing().start((other.address() as AddressInfo).port);
    const { error } = await node.lost.next();
    const message = "HTTP status 200 instead of a link: is that the center's link port?";
    expect(error).toMatchObject({ code: "LINK_LOST", message });
  });

  test("losing one center disturbs nobody who uses another one", async () => {
    const [first, second] = [await openPort(), await openPort()];
    const node = createDialing().start(first.port, second.port);
    const member = await node.recorder.untilJoined(first.centerId);
    const kept = await node.recorder.untilJoined(second.centerId);
    await first.close();
    await node.recorder.untilLeft(member);
    node.dialer.send(kept, Buffer.from("still here"));
    expect((await second.recorder.untilFrames(1)).map(String)).toEqual(["still here"]);
    expect(second.recorder.seen.map(({ type }) => type)).toEqual(["joined", "frame"]);
  });

  test("a link that a center ends is dialled again, as a new member of the same id", async () => {
    const port = await openPort();
    const node = createDialing().start(port.port);
    const first = await port.recorder.untilJoined(node.identity.id);
    port.listener.end(first, "enough");
    const second = await port.recorder.untilJoined(node.identity.id, 2);
    expect(second).not.toBe(first);
  });

  test("a host that may not be dialled is not: it is said, and tried again slowly", async () => {
    const port = await openPort();
    const upgrades = upgradesAt(port);
    const checkHost = (host: string): void => {
      throw new CenterError("LISTEN_REFUSED", `${host} needs TLS`);
    };
    const node = createDialing({ checkHost }).start(port.port);
    const { error, retryMs } = await node.lost.next();
    expect(error).toMatchObject({ code: "LISTEN_REFUSED", message: "127.0.0.1 needs TLS" });
    expect(retryMs).toBeGreaterThanOrEqual(15_000);
    expect(upgrades.all).toEqual([]);
  });

  test("who has to be mended first is asked again after 15 to 45 s, and linked when it is mended", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const wrong = cleanup.add(await new LinkPort({ secrets: ["w".repeat(32)] }).open());
    const node = createDialing({ secrets: ["r".repeat(32)] }).start(wrong.port);
    const { error, retryMs } = await node.lost.next();
    expect(error.code).toBe("LINK_AUTH_FAILED");
    expect(retryMs).toBeGreaterThanOrEqual(15_000);
    expect(retryMs).toBeLessThanOrEqual(45_000);
    await wrong.close();
    const mended = cleanup.add(await new LinkPort({ secrets: ["r".repeat(32)] }).open(wrong.port));
    const upgrades = upgradesAt(mended);
    vi.advanceTimersByTime(Math.floor(retryMs) - 1);
    expect(upgrades.all).toEqual([]);
    vi.advanceTimersByTime(2);
    await mended.recorder.untilJoined(node.identity.id);
  });
});

describe("two addresses of one center", () => {
  test("make one link; the second takes over when the first goes away", async () => {
    const port = await openPort();
    const upgrades = upgradesAt(port);
    const proxy = cleanup.add(await TcpProxy.open(port.port));
    const node = createDialing().start(proxy.port);
    const { id } = node.identity;
    const first = await port.recorder.untilJoined(id);
    await upgrades.next();
    node.dialer.add("127.0.0.1", port.port);
    await once(await upgrades.next(), "close");
    expect([...port.listener.members()]).toEqual([first]);
    expect(node.dialer.addresses).toEqual([
      { address: `127.0.0.1:${proxy.port}`, linked: true, centerId: port.centerId },
      { address: `127.0.0.1:${port.port}`, linked: false, centerId: undefined },
    ]);
    expect(node.lost.all).toEqual([]);

    await proxy.close();
    const second = await port.recorder.untilJoined(id, 2);
    await node.recorder.untilJoined(port.centerId, 2);
    expect([...port.listener.members()]).toEqual([second]);
    expect(node.dialer.addresses.map(({ linked }) => linked)).toEqual([false, true]);
  });

  test("that are dialled at the same time make one link from the first moment", async () => {
    const port = await openPort();
    const upgrades = upgradesAt(port);
    const proxies = await Promise.all([1, 2, 3].map(() => TcpProxy.open(port.port)));
    for (const proxy of proxies) cleanup.add(proxy);
    const allButOneClosed = new Promise<void>((resolve) => {
      let closed = 0;
      port.server.server.on("upgrade", (_request, socket: Duplex) => {
        socket.on("close", () => {
          closed += 1;
          if (closed === proxies.length - 1) resolve();
        });
      });
    });
    const node = createDialing().start(...proxies.map((proxy) => proxy.port));
    await node.recorder.untilJoined(port.centerId);
    await allButOneClosed;
    expect(port.recorder.seen.map(({ type }) => type)).toEqual(["joined"]);
    expect(node.recorder.seen.map(({ type }) => type)).toEqual(["joined"]);
    expect(upgrades.all).toHaveLength(proxies.length);
    expect(node.dialer.addresses.filter(({ linked }) => linked)).toHaveLength(1);
  });
});

describe("add and remove", () => {
  test("an address that is added twice is dialled once", async () => {
    const port = await openPort();
    const upgrades = upgradesAt(port);
    const node = createDialing().start(port.port);
    await node.recorder.untilJoined(port.centerId);
    node.dialer.add("127.0.0.1", port.port);
    expect(node.dialer.addresses).toHaveLength(1);
    const other = await openPort();
    node.dialer.add("127.0.0.1", other.port);
    await node.recorder.untilJoined(other.centerId);
    expect(upgrades.all).toHaveLength(1);
  });

  test("a center that is removed is left in order, and not dialled again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const port = await openPort();
    const upgrades = upgradesAt(port);
    const node = createDialing().start(port.port);
    const member = await port.recorder.untilJoined(node.identity.id);
    await node.recorder.untilJoined(port.centerId);
    node.dialer.remove("127.0.0.1", port.port);
    expect([...node.dialer.members()]).toEqual([]);
    expect(await port.recorder.untilLeft(member)).toBe("the node leaves this center (1000)");
    expect(node.dialer.addresses).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(node.lost.all).toEqual([]);
    expect(upgrades.all).toHaveLength(1);
  });

  test("a center that is removed while it is dialled, or waited for, is not linked any more", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const [silent, closed] = [cleanup.add(await RawCenter.open()), await openPort()];
    await closed.close();
    const node = createDialing().start(silent.port, closed.port);
    const peer = await silent.peers.next();
    await peer.frames.next();
    await node.lost.next();
    node.dialer.remove("127.0.0.1", silent.port);
    node.dialer.remove("127.0.0.1", closed.port);
    node.dialer.remove("127.0.0.1", 1);
    await peer.closed;
    expect(vi.getTimerCount()).toBe(0);
    expect(node.lost.all).toHaveLength(1);
  });

  test("a center can be removed from within the news that it is lost", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const closed = await openPort();
    await closed.close();
    const node = createDialing();
    const lost = new Promise<void>((resolve) => {
      node.lost.put = () => {
        node.dialer.remove("127.0.0.1", closed.port);
        resolve();
      };
    });
    node.start(closed.port);
    await lost;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("close", () => {
  test("leaves no timer and no socket, whatever each line was doing", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const [linked, silent, closed] = [
      await openPort(),
      cleanup.add(await RawCenter.open()),
      await openPort(),
    ];
    const proxy = cleanup.add(await TcpProxy.open(linked.port));
    await closed.close();
    const upgrades = upgradesAt(linked);
    const node = createDialing().start(linked.port, silent.port, closed.port);
    const member = await linked.recorder.untilJoined(node.identity.id);
    await node.recorder.untilJoined(linked.centerId);
    await upgrades.next();
    const peer = await silent.peers.next();
    await node.lost.next();
    node.dialer.add("127.0.0.1", proxy.port);
    await once(await upgrades.next(), "close");

    await node.close();
    expect(await linked.recorder.untilLeft(member)).toBe("the node stops (1001)");
    await peer.closed;
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(120_000);
    expect(upgrades.all).toHaveLength(2);
    node.dialer.add("127.0.0.1", linked.port);
    expect(node.dialer.addresses.map(({ linked: isLinked }) => isLinked)).not.toContain(true);
    expect(upgrades.all).toHaveLength(2);
  });

  test("of a center leaves no timer, handshakes that are under way included", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const port = await openPort();
    const upgrades = upgradesAt(port);
    const node = createDialing().start(port.port);
    await node.recorder.untilJoined(port.centerId);
    await upgrades.next();
    const peer = cleanup.add(await RawPeer.connect(port.port));
    node.dialer.onMember(() => void node.close());
    await port.close();
    await peer.closed;
    await node.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
