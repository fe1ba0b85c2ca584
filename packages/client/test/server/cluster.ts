import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished, vi } from "vitest";
import {
  type Center,
  type CenterOptions,
  type Cluster,
  createCenter,
  createNode,
  createSilentLogger,
  type WebSocketNode,
} from "websocket-center";
import { WebSocket } from "ws";
import { type Backend, type BackendOptions, createBackend } from "../../server/index.js";

const log = createSilentLogger();

export async function startCenter(options: CenterOptions = {}): Promise<{ center: Center; url: string }> {
  const center = createCenter({ linkPort: 0, httpPort: 0, ...options }, { log });
  onTestFinished(() => center.stop());
  await center.start();
  return { center, url: `http://${center.addresses.http}` };
}

/** A node that is linked to all of these centers. */
export async function startNode(linkPorts: readonly string[]): Promise<WebSocketNode> {
  const node = createNode({ port: 0, centers: [...linkPorts], closeSpreadMs: 0 }, { log });
  onTestFinished(() => node.stop());
  await node.start();
  await vi.waitFor(() => {
    if (!node.centers.every(({ linked }) => linked)) throw new Error("not linked yet");
  });
  return node;
}

export function startBackend(options: BackendOptions): Backend {
  const backend = createBackend(options);
  onTestFinished(() => backend.close());
  return backend;
}

export interface Listener {
  id: string;
  messages: string[];
  /** Resolves when all that was sent before has come. */
  settled(): Promise<void>;
}

export async function connectClient(node: WebSocketNode): Promise<Listener> {
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
  const settled = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      socket.send("ping");
    });
  return { id, messages, settled };
}

export interface CenterProcess {
  url: string;
  link: string;
  signal(name: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void;
  exited: Promise<unknown>;
}

/** A center in a process of its own, which can be killed, frozen and drained as operators and machines do. */
export async function spawnCenter({ httpPort = 0, linkPort = 0 } = {}): Promise<CenterProcess> {
  const program = `
    import { createCenter, createSilentLogger } from "websocket-center";
    const center = createCenter({ linkPort: ${linkPort}, httpPort: ${httpPort} }, { log: createSilentLogger() });
    await center.start();
    process.once("SIGTERM", async () => { await center.drain(); await center.stop(); });
    console.log(JSON.stringify(center.addresses));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const { link, http } = JSON.parse(line) as { link: string; http: string };
  return { url: `http://${http}`, link, signal: (name) => void child.kill(name), exited };
}

/** What a stand-in for `POST /batch` does with each line that it reads. */
export type OnLine = (
  line: { id: number; command: string; params: object },
  answer: (line: object) => void,
  exchange: { req: IncomingMessage; res: ServerResponse },
) => void;

/** A center whose streams fail as a test wants. */
export async function startStandIn(
  onLine: OnLine,
  {
    onBatch,
    handle,
  }: {
    onBatch?: (req: IncomingMessage, res: ServerResponse) => boolean;
    handle?: (req: IncomingMessage, res: ServerResponse) => void;
  } = {},
): Promise<{ url: string; close: () => void }> {
  const server = createServer((req, res) => {
    if (req.url === "/readyz") res.end('{"ready":true,"reasons":[]}');
    else if (req.url !== "/batch") handle?.(req, res);
    else if (onBatch?.(req, res) !== false) serveBatch(req, res, onLine);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

function serveBatch(req: IncomingMessage, res: ServerResponse, onLine: OnLine): void {
  res.writeHead(200, { "Content-Type": "application/x-ndjson" });
  res.flushHeaders();
  const answer = (line: object): void => void res.write(`${JSON.stringify(line)}\n`);
  const lines = createInterface(req);
  // Whoever called may go away in the middle of a line.
  lines.on("error", () => lines.close());
  lines.on("line", (text) =>
    onLine(JSON.parse(text) as { id: number; command: string; params: object }, answer, { req, res }),
  );
  lines.on("close", () => res.end());
}

/** Answers lines as a center with these nodes does. */
export function runOn(cluster: Cluster): OnLine {
  return ({ id, command, params }, answer) => {
    const run = cluster[command as "countUsers"] as (params: object) => ReturnType<Cluster["countUsers"]>;
    run(params).then(
      ({ value, nodes, failures }) =>
        answer({
          id,
          value,
          nodes: Object.fromEntries(nodes.flatMap((node) => (node.ok ? [[node.nodeId, node.value]] : []))),
          ...(failures.length === 0
            ? {}
            : {
                failures: Object.fromEntries(
                  failures.map(({ nodeId, code, message }) => [nodeId, { code, message }]),
                ),
              }),
        }),
      (error: { code: string; message: string }) =>
        answer({ id, line: id, error: { code: error.code, message: error.message } }),
    );
  };
}
