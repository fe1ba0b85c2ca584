import { once } from "node:events";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { type Command, run, start } from "./command.js";

/** A running center. `url` is its HTTP port. */
export interface CenterProcess {
  command: Command;
  id: string;
  link: string;
  url: string;
}

/** A running node. `url` is its client port, `admin` the `host:port` of its health. */
export interface NodeProcess {
  command: Command;
  id: string;
  shortId: string;
  url: string;
  admin: string;
}

type Env = Readonly<Record<string, string>>;

async function listening(command: Command): Promise<Record<string, string>> {
  const [line] = await command.prints(/^.*"msg":"listening".*$/m);
  return JSON.parse(line) as Record<string, string>;
}

/** A center on free ports, once it listens. */
export async function startCenter(flags: readonly string[] = [], env: Env = {}): Promise<CenterProcess> {
  const command = start(["center", "--link-port", "0", "--http-port", "0", ...flags], env);
  const { centerId = "", link = "", http = "" } = await listening(command);
  return { command, id: centerId, link, url: `http://${http}` };
}

/** A node on free ports, once it is linked to all of `centers`. It closes clients without delay. */
export async function startNode(
  centers: readonly CenterProcess[],
  flags: readonly string[] = [],
  env: Env = {},
): Promise<NodeProcess> {
  const links = centers.map(({ link }) => link).join();
  const own = ["--port", "0", "--admin-port", "0", "--centers", links === "" ? "1" : links];
  const command = start(["node", ...own, "--close-spread-ms", "0", ...flags], env);
  const { nodeId = "", client = "", admin = "" } = await listening(command);
  const node = { command, id: nodeId, shortId: nodeId.slice(0, 12), url: `ws://${client}`, admin };
  for (const center of centers) await linked(node, center);
  return node;
}

/** Resolves once the center lists the node. */
export async function linked(node: NodeProcess, center: CenterProcess, times = 1): Promise<void> {
  await center.command.prints(repeated(`"nodeId":"${node.id}"[^\\n]*"a node registered"`, times));
}

/** Resolves once the node has left the center. */
export async function unlinked(node: NodeProcess, center: CenterProcess, times = 1): Promise<void> {
  await center.command.prints(repeated(`"nodeId":"${node.id}"[^\\n]*"a node left"`, times));
}

/** Two centers, and two nodes that are linked to both. */
export async function startCluster(
  env: Env = {},
): Promise<{ centers: [CenterProcess, CenterProcess]; nodes: [NodeProcess, NodeProcess] }> {
  const centers = await Promise.all([startCenter([], env), startCenter([], env)]);
  const nodes = await Promise.all([startNode(centers, [], env), startNode(centers, [], env)]);
  return { centers, nodes };
}

function repeated(pattern: string, times: number): RegExp {
  return new RegExp(Array.from({ length: times }, () => pattern).join("[^]*"));
}

/** A client of a node; `id` is its connection's. It goes when the test ends. */
export async function connectClient(
  url: string,
): Promise<{ id: string; socket: WebSocket; next: () => Promise<string>; closed: Promise<number> }> {
  const socket = new WebSocket(url);
  onTestFinished(() => socket.terminate());
  const messages: string[] = [];
  let wake = (): void => undefined;
  socket.on("message", (data: Buffer) => {
    messages.push(data.toString());
    wake();
  });
  const closed = once(socket, "close").then(([code]) => code as number);
  const next = async (): Promise<string> => {
    while (messages.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return messages.shift() ?? "";
  };
  await once(socket, "open");
  const { _id } = JSON.parse(await next()) as { _id: string };
  return { id: _id, socket, next, closed };
}

/** The classic API's answer to a call at a center, by event and node. */
export async function ask(
  center: CenterProcess,
  body: Record<string, object>,
): Promise<Record<string, Record<string, unknown>>> {
  const event = Object.keys(body).join();
  const response = await fetch(`${center.url}/?event=${event}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return ((await response.json()) as { data: Record<string, Record<string, unknown>> }).data;
}

/** Runs a command that asks `center`. */
export function at(
  center: CenterProcess | readonly CenterProcess[],
  args: readonly string[],
  env: Env = {},
): ReturnType<typeof run> {
  const centers = Array.isArray(center) ? (center as readonly CenterProcess[]) : [center as CenterProcess];
  return run([...args, "--center", centers.map(({ url }) => url).join()], env);
}

/** The rows of the table that begins with `head`, cells split, up to the next empty line. */
export function tableOf(stdout: string, head: string): string[][] {
  const lines = stdout.split("\n");
  const from = lines.findIndex((line) => line.startsWith(head));
  const to = lines.findIndex((line, at) => at > from && line === "");
  return lines.slice(from + 1, to === -1 ? undefined : to).map((line) => line.split(/ {2,}/));
}
