import { once } from "node:events";
import { expect, onTestFinished, vi } from "vitest";
import {
  type Center,
  type CenterOptions,
  createCenter,
  createNode,
  createSilentLogger,
  type NodeOptions,
  type WebSocketNode,
} from "websocket-center";
import { WebSocket } from "ws";

const log = createSilentLogger();
const WAIT = { timeout: 20_000 };

export interface Cluster {
  centers: [Center, Center];
  nodes: WebSocketNode[];
  /** The console of the first center. */
  console: string;
}

/** Two centers and three nodes on free ports of loopback, which end with the test. */
export async function startCluster(
  options: { center?: CenterOptions; node?: NodeOptions; nodes?: number } = {},
): Promise<Cluster> {
  const first = await startCenter(options.center);
  const second = await startCenter(options.center);
  const centers: [Center, Center] = [first, second];
  const links = centers.map(({ addresses }) => addresses.link);
  const nodes = [];
  for (let number = 0; number < (options.nodes ?? 3); number += 1) {
    nodes.push(await startNode({ centers: links, ...options.node }));
  }
  await vi.waitFor(
    () => expect(centers.map((center) => center.nodes.length)).toEqual([nodes.length, nodes.length]),
    WAIT,
  );
  return { centers, nodes, console: consoleOf(first) };
}

export async function startCenter(options: CenterOptions = {}): Promise<Center> {
  const center = createCenter({ linkPort: 0, httpPort: 0, auditLog: "off", ...options }, { log });
  onTestFinished(() => center.stop());
  await center.start();
  return center;
}

export async function startNode(options: NodeOptions = {}): Promise<WebSocketNode> {
  const node = createNode({ port: 0, centers: [], closeSpreadMs: 0, ...options }, { log });
  onTestFinished(() => node.stop());
  await node.start();
  return node;
}

export function consoleOf({ addresses }: Center): string {
  return `http://${addresses.http}/console/`;
}

/** A client of a node, by its connection id. */
export interface TestClient {
  id: string;
  messages: string[];
  socket: WebSocket;
}

export async function connectClient(
  node: WebSocketNode,
  { userId, groups = [], query = "" }: { userId?: string; groups?: string[]; query?: string } = {},
): Promise<TestClient> {
  const socket = new WebSocket(`${node.publicUrl}/${query}`);
  onTestFinished(() => socket.terminate());
  const messages: string[] = [];
  socket.on("message", (data: Buffer) => messages.push(data.toString()));
  await once(socket, "open");
  await vi.waitFor(() => expect(messages).toHaveLength(1), WAIT);
  const { _id: id } = JSON.parse(messages.shift() ?? "{}") as { _id: string };
  if (userId !== undefined) node.hub.bindUser({ userId, connectionId: id });
  for (const groupId of groups) node.hub.joinConnectionToGroup({ groupId, connectionId: id });
  await node.hub.settled();
  return { id, messages, socket };
}
