import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, vi } from "vitest";
import {
  type Center,
  createCenter,
  createNode,
  createSilentLogger,
  type NodeOptions,
  type NodeParts,
  type WebSocketNode,
} from "websocket-center";

const log = createSilentLogger();

/** A center and nodes on free ports of loopback, which end with the test. */
export async function startCluster(
  nodeCount: number,
  options: NodeOptions = {},
  parts: NodeParts = {},
): Promise<{
  center: Center;
  nodes: WebSocketNode[];
  urls: string[];
  api: (query: string) => Promise<unknown>;
}> {
  const center = createCenter({ linkPort: 0, httpPort: 0 }, { log });
  onTestFinished(() => center.stop());
  await center.start();
  const nodes = [];
  for (let number = 0; number < nodeCount; number += 1) {
    nodes.push(await startNode({ centers: [center.addresses.link], ...options }, parts));
  }
  await vi.waitFor(() => expect(center.nodes).toHaveLength(nodeCount));
  const api = async (query: string): Promise<unknown> =>
    (await fetch(`http://${center.addresses.http}/?event=${query}`)).json();
  return { center, nodes, urls: nodes.map(({ publicUrl }) => publicUrl), api };
}

export async function startNode(options: NodeOptions = {}, parts: NodeParts = {}): Promise<WebSocketNode> {
  const node = createNode({ port: 0, centers: [], closeSpreadMs: 0, ...options }, { log, ...parts });
  onTestFinished(() => node.stop());
  await node.start();
  return node;
}

/** A node in a process of its own, which can be killed as a machine dies: without a word. */
export async function spawnNode(center: string): Promise<{ url: string; kill: () => void }> {
  const program = `
    import { createNode, createSilentLogger } from "websocket-center";
    const node = createNode({ port: 0, centers: ["${center}"] }, { log: createSilentLogger() });
    await node.start();
    console.log(node.publicUrl);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = (): void => void child.kill("SIGKILL");
  onTestFinished(kill);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { url: line.toString().trim(), kill };
}

/** A network cable: a port in front of another that can be pulled out without either end hearing of it. */
export async function startCable(
  targetUrl: string,
): Promise<{ url: string; pull: () => void; plugIn: () => void }> {
  const target = Number(new URL(targetUrl).port);
  const sockets = new Set<Socket>();
  let isPulled = false;
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      // What goes into a pulled cable is gone.
      from.on("data", (data) => isPulled || to.write(data));
      from.on("error", () => to.destroy());
      from.on("close", () => isPulled || to.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pull: () => (isPulled = true),
    plugIn: () => {
      isPulled = false;
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A JSON Web Token, signed with HS256. */
export function tokenOf(secret: string, claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "HS256" })}.${part(claims)}`;
  return `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
}
