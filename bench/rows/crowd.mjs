// One process with 18,000 connections: memory and fan-out stay what they are with fewer.
import { inFile, openConnections } from "../load.mjs";
import { startServer } from "../peers/peers.mjs";
import { PAYLOAD_BYTES } from "../peers/serve.mjs";
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
