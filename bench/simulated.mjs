// A center, or its router alone, with many simulated nodes that hold many users.
import { setTimeout } from "node:timers/promises";
import { cores, cpuSecondsOf, nodeCommand, Program } from "./process.mjs";
import { peerFile } from "./setup.mjs";

const TRUST_TRIES = 200;

/**
 * Starts a center, or only its router (peers/router.mjs), with so many nodes that hold so many users together.
 * @param {{ part: "center" | "router", nodes: number, users: number }} options
 */
export async function startSimulated({ part, nodes, users }) {
  const server = new Program([...nodeCommand, peerFile(`${part}.mjs`)], { core: cores.server });
  const { link, http } = await server.answer();
  const simulated = new Program([...nodeCommand, peerFile("simulated-nodes.mjs")], { core: cores.others });
  await simulated.answer();
  const ask = (command) => server.ask(JSON.stringify(command));
  const tellNodes = (command) => simulated.ask(JSON.stringify(command));
  const heapBytes = async () => (part === "router" ? (await ask({ heap: {} })).heapBytes : NaN);
  await tellNodes({ link: { port: link, nodes } });
  const before = await heapBytes();
  await tellNodes({ tell: { users } });
  const bytesOfUser = ((await heapBytes()) - before) / users;
  const state = part === "router" ? () => ask({ state: {} }) : () => stateByMetrics(http);
  await trusted(state, nodes);
  return {
    ...{ pid: server.pid, http, nodes, ask, bytesOfUser },
    idleShare: await idleShareOf(server.pid),
    /** The first node comes back, with other users. Resolves once the center has acknowledged them. */
    reconnect: (options) => tellNodes({ reconnect: options }),
    stop: async () => {
      await simulated.stop();
      await server.stop();
    },
  };
}

/** The bare center (peers/bare-center.mjs) with as many links; it knows by arithmetic who is where. */
export async function startBareLinks(nodes) {
  const server = new Program([...nodeCommand, peerFile("bare-center.mjs")], { core: cores.server });
  const { link } = await server.answer();
  const options = JSON.stringify({ link, nodes });
  const links = new Program([...nodeCommand, peerFile("bare-links.mjs"), options], { core: cores.others });
  await links.answer();
  const ask = (command) => server.ask(JSON.stringify(command));
  while ((await ask({})).linked < nodes) await setTimeout(20);
  return {
    ...{ ask, idleShare: 0 },
    stop: async () => {
      await links.stop();
      await server.stop();
    },
  };
}

/** Until the center knows everything, and has to ask nobody in vain. */
async function trusted(state, nodes) {
  for (let tries = 0; tries < TRUST_TRIES; tries += 1) {
    const { linked, untrusted } = await state();
    if (linked === nodes && untrusted === 0) return;
    await setTimeout(50);
  }
  throw new Error(`the center does not trust all of the ${nodes} nodes`);
}

async function stateByMetrics(http) {
  const text = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
  const gauge = (name) => Number(new RegExp(`^${name}(?:{.*})? (\\d+)`, "m").exec(text)?.[1]);
  return { linked: gauge("wsc_nodes"), untrusted: gauge("wsc_untrusted_nodes") };
}

/** What heartbeats alone take of a core. */
async function idleShareOf(pid) {
  const seconds = 2;
  const before = cpuSecondsOf(pid);
  await setTimeout(seconds * 1000);
  return (cpuSecondsOf(pid) - before) / seconds;
}
