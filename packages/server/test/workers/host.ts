import { onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import { type CenterProcess, connectClient } from "../cli/cluster.js";
import { type Command, start } from "../cli/command.js";

export interface WorkerLine {
  worker: number;
  pid: number;
  nodeId: string;
  publicUrl: string;
}

/** A running host of three workers. `url` is the shared port, `admin` the base URL of its health. */
export interface Host {
  command: Command;
  url: string;
  http: string;
  admin: string;
  /** Those that serve or served, by number; of those that were replaced, the last. */
  workers: () => WorkerLine[];
}

const served = /^.*"msg":"a worker serves".*$/gm;

/** A host on free ports, once it serves and all of its workers are linked to all of `centers`. */
export async function startHost(
  centers: readonly CenterProcess[],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Host> {
  const links = centers.length === 0 ? "1" : centers.map(({ link }) => link).join();
  const own = ["--workers", "3", "--port", "0", "--admin-port", "0", "--centers", links];
  const command = start(["node", ...own, "--close-spread-ms", "0", ...flags], env);
  const [line] = await command.prints(/^.*"msg":"listening for all workers".*$/m);
  const { client, admin } = JSON.parse(line) as { client: string; admin: string };
  const workers = (): WorkerLine[] => {
    const byNumber = new Map<number, WorkerLine>();
    for (const [text] of command.stdout().matchAll(served)) {
      const found = JSON.parse(text) as WorkerLine;
      byNumber.set(found.worker, found);
    }
    return [...byNumber.values()].toSorted((a, b) => a.worker - b.worker);
  };
  onTestFinished(() => {
    for (const { pid } of workers()) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  });
  for (const { command: center } of centers) {
    for (const { nodeId } of workers()) await center.prints(registered(nodeId));
  }
  return { command, url: `ws://${client}`, http: `http://${client}`, admin: `http://${admin}`, workers };
}

export function registered(nodeId: string): RegExp {
  return new RegExp(`"nodeId":"${nodeId}"[^\\n]*"a node registered"`);
}

/** Resolves with the worker of that number once it is another process than `pid`. */
export async function replaced(host: Host, { worker, pid }: WorkerLine): Promise<WorkerLine> {
  return vi.waitFor(
    () => {
      const now = host.workers().find((one) => one.worker === worker);
      if (now === undefined || now.pid === pid) throw new Error(`worker ${worker} is not replaced yet`);
      return now;
    },
    { timeout: 20_000, interval: 20 },
  );
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves once none of the processes is there. */
export async function allGone(pids: readonly number[]): Promise<void> {
  await vi.waitFor(
    () => {
      if (pids.some(isAlive)) throw new Error("there are processes left");
    },
    { timeout: 20_000, interval: 20 },
  );
}

export type Client = Awaited<ReturnType<typeof connectClient>>;

/** Clients of the shared port, one after another. */
export async function connectMany(url: string, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  for (let index = 0; index < count; index += 1) clients.push(await connectClient(url));
  return clients;
}

/** The worker that has the client. */
export function workerOf(host: Host, { id }: Client): WorkerLine {
  const found = host.workers().find(({ nodeId }) => nodeId.startsWith(id.slice(0, 12)));
  if (found === undefined) throw new Error(`no worker has the connection ${id}`);
  return found;
}

/** The HTTP status that refuses a client; 101 where it is let in. */
export function handshakeStatus(url: string, options: object = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, options);
    socket.on("open", () => {
      socket.terminate();
      resolve(101);
    });
    socket.on("unexpected-response", (_request, response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.on("error", (error) => {
      if (!error.message.includes("before the connection was established")) reject(error);
    });
  });
}

/** The sum of a metric's samples. */
export async function metric(base: string, name: string): Promise<number> {
  const text = await (await fetch(`${base}/metrics`)).text();
  const samples = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))];
  if (samples.length === 0) throw new Error(`there is no metric ${name}`);
  return samples.reduce((sum, [, value]) => sum + Number(value), 0);
}
