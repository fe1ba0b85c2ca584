// A center on the server's core and nodes with clients on the others, for the rows that go through both.
import { setTimeout } from "node:timers/promises";
import { openConnections } from "./load.mjs";
import { cores, nodeCommand, Program } from "./process.mjs";
import { peerFile } from "./setup.mjs";

const OWN = { center: "center.mjs", node: "node.mjs" };
/** The least that a center and a node can do for a call (peers/bare-center.mjs). */
export const BARE = { center: "bare-center.mjs", node: "bare-node.mjs" };

const nodeProgram = (file, ...args) => [...nodeCommand, peerFile(file), ...args];

/**
 * Starts a center, `nodes` nodes and `users` clients, spread over the nodes: user n is the one of number n.
 * @param {{ nodes: number, users: number, groups?: number, centerCore?: number, nodeCore?: number, loadArgs?: string[], programs?: { center: string, node: string } }} options
 */
export async function startCluster({
  nodes: count,
  users,
  groups = 0,
  centerCore = cores.server,
  nodeCore = cores.others,
  loadArgs = [],
  programs = OWN,
}) {
  const { center, nodes, ports, http } = await startServers({
    nodes: count,
    groups,
    centerCore,
    nodeCore,
    programs,
  });
  const clients = await openConnections({
    ports,
    connections: users,
    args: loadArgs,
    watch: [center.pid, ...nodes.map(({ pid }) => pid)],
  });
  await clients.settle();
  return {
    center,
    nodes,
    clients,
    http,
    stop: async () => {
      await clients.stop();
      await Promise.all([center, ...nodes].map((program) => program.stop()));
    },
  };
}

/** The same without clients: user n is at the node whose number is n modulo `nodes`. */
export async function startServers({ nodes: count, groups, centerCore, nodeCore, programs = OWN }) {
  const center = new Program(nodeProgram(programs.center), { core: centerCore });
  const { link, http } = await center.answer();
  const nodes = [];
  for (let at = 0; at < count; at += 1) {
    const options = { link, firstUser: at, userStep: count, groups };
    nodes.push(new Program(nodeProgram(programs.node, JSON.stringify(options)), { core: nodeCore }));
  }
  const ports = [];
  for (const node of nodes) ports.push((await node.answer()).port);
  while ((await center.ask('{"nodes":true}')).linked < count) await setTimeout(20);
  return { center, nodes, ports, http };
}

/** A server that only answers requests. */
export async function startHttpServer(file, ...args) {
  const program = new Program(nodeProgram(file, ...args), { core: cores.server });
  return { program, http: (await program.answer()).http };
}
