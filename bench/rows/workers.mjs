// 100,000 connections on one machine: several workers behind one port, and broadcasts through a center, with more and
// more of them.
import { cpus } from "node:os";
import path from "node:path";
import { openConnections } from "../load.mjs";
import { freePort, Program } from "../process.mjs";
import { number, spread, summary, table } from "../report/numbers.mjs";
import { root } from "../setup.mjs";

const CONNECTIONS = 100_000;
const QUICK_CONNECTIONS = 20_000;
/** Below what a process may open where `ulimit -n` is 20,000. */
const MOST_A_PROCESS = 17_000;
const QUICK_STEP = 10_000;
const PAYLOAD = "x".repeat(64);
const LIMIT_SECONDS = 60;

export const name = "workers";

export async function run({ quick, log }) {
  const connections = quick ? QUICK_CONNECTIONS : CONNECTIONS;
  const step = quick ? QUICK_STEP : MOST_A_PROCESS;
  const workers = Math.ceil(connections / MOST_A_PROCESS) + 2;
  const rounds = quick ? 5 : 10;
  const all = `0-${cpus().length - 1}`;
  const cli = [process.execPath, path.join(root, "packages", "server", "bin", "websocket-center.js")];
  const center = new Program([...cli, "center", "--link-port", "0", "--http-port", "0"], { core: all });
  const { link, http } = await said(center, "listening");
  const adminPort = await freePort();
  const flags = ["--workers", String(workers), "--port", "0", "--centers", link];
  const host = new Program([...cli, "node", ...flags, "--admin-port", String(adminPort)], { core: all });
  const { client } = await said(host, "listening for all workers");
  while (!(await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok) await host.answer();
  const before = host.residentBytes;

  const loads = [];
  const steps = [];
  for (let there = 0; there < connections; there += loads.at(-1).count) {
    const count = Math.min(connections - there, step);
    // All programs share the addresses, each of which has some 28,000 ports.
    const args = ["--sources", String(Math.ceil(connections / 15_000))];
    log(`${number(count)} more connections`);
    const ports = [Number(client.split(":")[1])];
    loads.push({ count, clients: await openConnections({ ports, connections: count, args }) });
    await Promise.all(loads.map(({ clients }) => clients.settle()));
    const total = there + count;
    steps.push({
      connections: total,
      bytes: (host.residentBytes - before) / total,
      shares: Object.values((await ask(http, "getConnectionCount", {})).getConnectionCount),
      ...(await broadcasts(http, loads, { total, rounds })),
    });
  }
  for (const { clients } of loads) await clients.stop();
  await host.stop();
  await center.stop();
  return { workers, rounds, steps };
}

/** One after the other, each when the last has arrived everywhere. */
async function broadcasts(http, loads, { total, rounds }) {
  let answeredInTime = 0;
  const answered = [];
  const arrived = [];
  for (let round = 1; round <= rounds; round += 1) {
    const startedAt = performance.now();
    const here = loads.map(({ clients, count }) =>
      clients.wait(count * PAYLOAD.length * round, LIMIT_SECONDS),
    );
    const { broadcast } = await ask(http, "broadcast", { msg: PAYLOAD });
    answered.push(performance.now() - startedAt);
    if (sum(Object.values(broadcast).map(Number)) === total) answeredInTime += 1;
    await Promise.all(here);
    arrived.push(performance.now() - startedAt);
  }
  const counts = await Promise.all(loads.map(({ clients }) => clients.count()));
  const messages = sum(counts.map((each) => each.messages));
  if (messages !== total * rounds) throw new Error(`${messages} messages of ${total * rounds} arrived`);
  return { answeredInTime, answeredMs: summary(answered), arrivedMs: summary(arrived) };
}

/** The first line of its log that says so. */
async function said(program, message) {
  for (;;) {
    const line = await program.answer();
    if (line.msg === message) return line;
  }
}

async function ask(http, event, parameters) {
  const body = JSON.stringify({ [event]: parameters });
  const response = await fetch(`http://${http}/?event=${event}`, { method: "POST", body });
  return (await response.json()).data;
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

export function report({ workers, rounds, steps }) {
  const markdown = `
\`websocket-center node --workers ${workers}\` with ${number(steps.at(-1).connections)} clients of its one port in the end, and ${rounds} broadcasts of
${PAYLOAD.length} bytes through a center in each step, one after another; center, workers and the load programs share all cores. Every
message arrived. Where the answer did not name all connections, a worker was too busy for a second. Memory is that of
all processes of the host, without a forced collection.

${table(
  [
    "connections",
    "connections a worker",
    "bytes a connection",
    "answers with all of them",
    "answered after, ms",
    "at the last client after, ms",
    "the same a 1,000 connections",
  ],
  steps.map(({ connections, shares, bytes, answeredInTime, answeredMs, arrivedMs }) => [
    number(connections),
    `${number(Math.min(...shares))} to ${number(Math.max(...shares))}`,
    number(bytes),
    `${answeredInTime} of ${rounds}`,
    spread(answeredMs, 0),
    spread(arrivedMs, 0),
    number((arrivedMs.median / connections) * 1000, 1),
  ]),
)}
`;
  return { title: "Many connections on one machine", markdown, images: {}, goals: [] };
}
