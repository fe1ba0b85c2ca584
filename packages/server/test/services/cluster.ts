import { once } from "node:events";
import { onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import {
  type Center,
  type CenterOptions,
  createCenter,
  createNode,
  createSilentLogger,
  type NodeOptions,
  type Service,
  type WebSocketNode,
} from "../../src/index.js";

const log = createSilentLogger();

export async function startCenter(options: CenterOptions = {}): Promise<Center> {
  const center = createCenter({ linkPort: 0, httpPort: 0, ...options }, { log });
  onTestFinished(() => center.stop());
  await center.start();
  return center;
}

/** A node that is linked to all of the centers, with its services. */
export async function startNode(
  centers: readonly Center[],
  services: readonly Service[] = [],
  options: NodeOptions = {},
): Promise<WebSocketNode> {
  const node = createNode(
    { port: 0, centers: centers.map(({ addresses }) => addresses.link), ...options },
    { log },
  );
  onTestFinished(() => node.stop());
  for (const service of services) node.services.register(service);
  await node.start();
  await vi.waitFor(() => {
    if (!node.centers.every(({ linked }) => linked)) throw new Error("not linked yet");
    for (const center of centers) {
      if (!center.nodes.some(({ id }) => id === node.id)) throw new Error("not linked yet");
    }
  });
  return node;
}

/** Waits until the center lists as many services of that name. */
export async function untilListed(center: Center, name: string, count: number): Promise<void> {
  await vi.waitFor(() => {
    const found = center.services.find({ name }).length;
    if (found !== count) throw new Error(`${found} services ${name} are listed, not ${count}`);
  });
}

export interface Client {
  id: string;
  /** What came after the `open` frame. */
  messages: string[];
  /** Resolves when all that was sent before has come. */
  settled(): Promise<void>;
}

export async function connect(node: WebSocketNode): Promise<Client> {
  const socket = new WebSocket(node.publicUrl);
  onTestFinished(() => socket.terminate());
  const messages: string[] = [];
  const [open] = (await once(socket, "message")) as [Buffer];
  const { _id: id } = JSON.parse(open.toString()) as { _id: string };
  const waiting: (() => void)[] = [];
  socket.on("message", (data: Buffer) => {
    const text = data.toString();
    if (text.includes('"cmd":"pong"')) waiting.shift()?.();
    else messages.push(text);
  });
  return {
    id,
    messages,
    settled: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.send("ping");
      }),
  };
}

/** POSTs JSON to the center. */
export async function post(
  center: Center,
  path: string,
  body: unknown,
): Promise<{ status: number; type: string | null; json: Record<string, unknown> }> {
  const response = await fetch(`http://${center.addresses.http}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  const json = (await response.json()) as Record<string, unknown>;
  return { status: response.status, type: response.headers.get("content-type"), json };
}

export async function get(center: Center, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`http://${center.addresses.http}${path}`);
  return (await response.json()) as Record<string, unknown>;
}
