// One process with 18,000 connections: memory and fan-out stay what they are with fewer.
import { inFile, openConnections } from "../load.mjs";
import { startServer } from "../peers/peers.mjs";
import { PAYLOAD_BYTES } from "../peers/serve.mjs";
import { number, table } from "../report/numbers.mjs";
import { residentBytes } from "./memory.mjs";

const CROWDS = [1000, 4000, 18_000];

export const name = "crowd";

export async function run({ quick, log }) {
  const seconds = quick ? 1 : 5;
  const points = [];
  for (const connections of CROWDS) {
    log(`${connections} connections`);
    points.push({ connections, ...(await measure(connections, seconds)) });
  }
  return { points, seconds };
}

async function measure(connections, seconds) {
  const { program, port, tickTarget } = await startServer("websocket-center-bound");
  const before = await residentBytes(program);
  const clients = await openConnections({
    ports: [port],
    connections,
    watch: [program.pid],
    args: tickTarget,
  });
  await clients.settle();
  const bytes = ((await residentBytes(program)) - before) / connections;
  const tick = inFile("t");
  await clients.ticks(0.5, PAYLOAD_BYTES, tick);
  const run = await clients.ticks(seconds, PAYLOAD_BYTES, tick);
  await clients.stop();
  await program.stop();
  return {
    bytes,
    cpuMicroseconds: (run.serverCpu[0] / (run.ticks * connections)) * 1e6,
    perSecond: (run.ticks * connections) / run.seconds,
    p50: run.p50,
    p99: run.p99,
  };
}

export function report({ points }) {
  const markdown = `
One node, each connection with a user and a group; one broadcast of ${PAYLOAD_BYTES} bytes at a time. What a connection and a
delivery cost should stay as it is however many there are, and a tick should last as much longer as there are more
connections. Measured once.

${table(
  ["connections", "bytes a connection", "CPU a delivery, us", "deliveries/s", "a tick: p50, ms", "p99, ms"],
  points.map(({ connections, bytes, cpuMicroseconds, perSecond, p50, p99 }) => [
    number(connections),
    number(bytes),
    cpuMicroseconds.toFixed(2),
    number(perSecond),
    p50.toFixed(1),
    p99.toFixed(1),
  ]),
)}

With few connections, what the process grows by for other reasons weighs in the second column.
`;
  return { title: "Many connections in one process", markdown, images: {}, goals: [] };
}
