import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import {
  type Center,
  createCenter,
  createNode,
  createSilentLogger,
  type NodeOptions,
  type WebSocketNode,
} from "../../src/index.js";
import { connect, startCenter, startNode } from "../services/cluster.js";
import { movedBesides, placesOf, untilAgreed, userIds } from "./places.js";

/** Changes are told once a second. */
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 20 });

vi.setConfig({ testTimeout: 60_000 });

interface Cluster {
  centers: [Center, Center];
  nodes: [WebSocketNode, WebSocketNode, WebSocketNode];
  urls: string[];
}

/** Two centers and three nodes, of which the last has `lastOptions`. */
async function startCluster(lastOptions: NodeOptions = {}): Promise<Cluster> {
  const centers: [Center, Center] = [await startCenter(), await startCenter()];
  const options: NodeOptions = { closeSpreadMs: 0 };
  const nodes: [WebSocketNode, WebSocketNode, WebSocketNode] = [
    await startNode(centers, [], options),
    await startNode(centers, [], options),
    await startNode(centers, [], { ...options, ...lastOptions }),
  ];
  return { centers, nodes, urls: nodes.map(({ publicUrl }) => publicUrl) };
}

test("every node and every center sends a user to the same node, and users to all of them", async () => {
  const { centers, nodes, urls } = await startCluster();
  const places = await untilAgreed([...centers, ...nodes], urls);
  const { url, nodeId } = centers[0].assign("ada");
  expect(nodes.find(({ id }) => id === nodeId)?.publicUrl).toBe(url);
  expect(Object.keys(places)).toEqual(userIds);
});

test("a drained node gets nobody and moves nobody else; undrained, it has its own again", async () => {
  const { centers, nodes, urls } = await startCluster();
  const [first, second, third] = nodes;
  const before = await untilAgreed([...centers, ...nodes], urls);
  await centers[0].drainNode(third.id);
  const rest = [first.publicUrl, second.publicUrl];
  const drained = await untilAgreed([...centers, ...nodes], rest);
  expect(movedBesides(third.publicUrl, before, drained)).toEqual([]);
  await centers[1].undrainNode(third.id);
  expect(await untilAgreed([...centers, ...nodes], urls)).toEqual(before);
});

test("a full node gets nobody until somebody leaves", async () => {
  const { centers, nodes, urls } = await startCluster({ maxConnections: 1 });
  const [first, second, third] = nodes;
  const before = await untilAgreed([...centers, ...nodes], urls);
  const socket = new WebSocket(third.publicUrl);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  const full = await untilAgreed([...centers, ...nodes], [first.publicUrl, second.publicUrl]);
  expect(movedBesides(third.publicUrl, before, full)).toEqual([]);
  expect(centers[0].nodes.find(({ id }) => id === third.id)).toMatchObject({ full: true, draining: false });
  socket.close();
  expect(await untilAgreed([...centers, ...nodes], urls)).toEqual(before);
});

test("a node that goes moves only its own users, and another one at its address has them again", async () => {
  const { centers, nodes, urls } = await startCluster();
  const [first, second, third] = nodes;
  const before = await untilAgreed([...centers, ...nodes], urls);
  await third.stop();
  const gone = await untilAgreed([...centers, first, second], [first.publicUrl, second.publicUrl]);
  expect(movedBesides(third.publicUrl, before, gone)).toEqual([]);
  expect(() => third.assign("ada")).not.toThrow();
  const port = Number(new URL(third.publicUrl).port);
  const next = await startNode(centers, [], { port });
  expect(await untilAgreed([...centers, first, second, next], urls)).toEqual(before);
});

test("a center that is lost and comes back moves nobody, whoever is linked meanwhile", async () => {
  const { centers, nodes, urls } = await startCluster();
  const before = await untilAgreed([...centers, ...nodes], urls);
  const check = (): void => {
    for (const node of nodes) expect(placesOf(node)).toEqual(before);
  };
  const [first, second] = centers;
  const linked = (count: number): Promise<void> =>
    vi.waitFor(
      () => {
        check();
        for (const node of nodes) {
          expect(node.centers.filter((center) => center.linked)).toHaveLength(count);
        }
      },
      { timeout: 20_000, interval: 5 },
    );
  const portOf = (address: string): number => Number(address.split(":").at(-1));
  const linkPorts = centers.map(({ addresses }) => portOf(addresses.link));

  await first.stop();
  await linked(1);
  await second.stop();
  await linked(0);
  const again: Center[] = [];
  for (const linkPort of linkPorts) {
    const center = createCenter({ linkPort, httpPort: 0 }, { log: createSilentLogger() });
    onTestFinished(() => center.stop());
    await center.start();
    again.push(center);
    await linked(again.length);
  }
  expect(await untilAgreed([...again, ...nodes], urls)).toEqual(before);
  check();
});

test("a node without a center answers with itself, as long as it takes clients", async () => {
  const unstarted = createNode({ port: 0, centers: [] }, { log: createSilentLogger() });
  onTestFinished(() => unstarted.stop());
  expect(() => unstarted.assign("ada")).toThrow(expect.objectContaining({ code: "NO_NODE" }));
  const node = await startNode([], [], { closeSpreadMs: 0 });
  expect(node.assign("ada")).toEqual({ url: node.publicUrl, nodeId: node.id });
  await node.drain();
  expect(() => node.assign("ada")).toThrow(expect.objectContaining({ code: "NO_NODE" }));
  node.undrain();
  expect(node.assign("ada").nodeId).toBe(node.id);
});

test("nodes that share an address are one place, open while one of them is", async () => {
  const center = await startCenter();
  const shared = { publicUrl: "wss://shared.example/ws", closeSpreadMs: 0 };
  const nodes = [
    await startNode([center], [], shared),
    await startNode([center], [], { ...shared, publicUrl: "WSS://Shared.example:443/ws" }),
    await startNode([center], [], { publicUrl: "wss://alone.example" }),
  ];
  const urls = ["wss://shared.example/ws", "wss://alone.example"];
  const before = await untilAgreed([center, ...nodes], urls);
  const [user = ""] = userIds.filter((id) => before[id] === shared.publicUrl);
  const first = center.assign(user).nodeId;
  expect(nodes.slice(0, 2).map(({ id }) => id)).toContain(first);
  await center.drainNode(first);
  await eventually(() => {
    for (const steerer of [center, ...nodes]) expect(steerer.assign(user).nodeId).not.toBe(first);
  });
  expect(await untilAgreed([center, ...nodes], urls)).toEqual(before);
});

test("modulo goes by the list alone: a dead or draining node's users go to the next in it", async () => {
  const assignNodes = ["ws://a.example", "ws://b.example", "ws://c.example"];
  const strategy = { assignStrategy: "modulo", assignNodes } as const;
  const center = await startCenter(strategy);
  const start = (publicUrl: string): Promise<WebSocketNode> =>
    startNode([center], [], { ...strategy, publicUrl, closeSpreadMs: 0 });
  const [a, b, unlisted] = [
    await start("ws://a.example"),
    await start("ws://B.example:80/"),
    await start("ws://d.example"),
  ];
  const agree = (expected: Record<string, string | undefined>): Promise<void> =>
    eventually(() => {
      for (const steerer of [center, a, b, unlisted]) {
        const urls = Object.keys(expected).map((id) => [id, steerer.assign(id).url]);
        expect(Object.fromEntries(urls)).toEqual(expected);
      }
    });
  const [first, second, third] = assignNodes;
  await agree({ "0": first, "1": second, "2": first, "-4": second, "30000000000000000000001": second });
  const c = await start("ws://c.example");
  await agree({ "0": first, "1": second, "2": third, "3": first });
  await center.drainNode(b.id);
  await agree({ "0": first, "1": third, "2": third, "3": first });
  await Promise.all([a.stop(), c.stop()]);
  await eventually(() => {
    for (const steerer of [center, unlisted]) expect(() => steerer.assign("0")).toThrow(/assignNodes/);
  });
});

test("least connections sends to the emptier node, and a burst not to one alone", async () => {
  const strategy = { assignStrategy: "least-connections" } as const;
  const center = await startCenter(strategy);
  const nodes = [
    await startNode([center], [], strategy),
    await startNode([center], [], strategy),
    await startNode([center], [], strategy),
  ];
  const [busy, idle, other] = nodes as [WebSocketNode, WebSocketNode, WebSocketNode];
  for (let at = 0; at < 30; at += 1) await connect(at < 15 ? busy : other);
  await eventually(() => {
    for (const steerer of [center, ...nodes]) {
      expect(steerer.assign("ada").url).toBe(idle.publicUrl);
    }
  });

  const counts = new Map<string, number>();
  for (const id of [...userIds, ...userIds.map((user) => `${user}-again`)]) {
    const { url } = center.assign(id);
    counts.set(url, (counts.get(url) ?? 0) + 1);
  }
  // 120 more on about 0, 15 and 15: about 50 on each.
  for (const { publicUrl } of nodes) expect(counts.get(publicUrl)).toBeGreaterThanOrEqual(20);
});

test("a user id that no user could have is refused in process as well", async () => {
  const node = await startNode([], [], { maxIdBytes: 32 });
  for (const id of ["", "\ud800", "x".repeat(33), "€".repeat(11)]) {
    expect(() => node.assign(id)).toThrow(expect.objectContaining({ code: "INVALID_PARAMS" }));
  }
  expect(node.assign("x".repeat(32)).nodeId).toBe(node.id);
});
