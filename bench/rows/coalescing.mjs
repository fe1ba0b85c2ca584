// What waiting for other frames gains and costs: the same node with and without `coalesceMs`, at rising rates.
import { openConnections } from "../load.mjs";
import { startServer } from "../peers/peers.mjs";
import { PAYLOAD_BYTES } from "../peers/serve.mjs";
import { number, spread, summary, table } from "../report/numbers.mjs";
import { colors, lineChart } from "../report/svg.mjs";

const CONNECTIONS = 100;
const RATES = [200, 500, 1000, 1500, 2000, 3000, 5000, 10_000];
/** What is longer is not drawn. */
const MOST_MS = 100;

export const name = "coalescing";

export async function run({ quick, log }) {
  const seconds = quick ? 1 : 4;
  const subjects = {};
  for (const coalesceMs of [0, 1]) subjects[coalesceMs] = await open(`coalesce-${coalesceMs}`);
  const points = [];
  for (const rate of RATES) {
    const point = { rate };
    // In turns, so that what disturbs the machine disturbs both.
    for (const [coalesceMs, { clients }] of Object.entries(subjects)) {
      point[coalesceMs] = await measure(clients, seconds, rate);
      const { p50, p99, perCpuSecond } = point[coalesceMs];
      log(
        `${rate} a second, coalesceMs ${coalesceMs}: p50 ${p50} ms, p99 ${p99} ms, ${number(perCpuSecond)} a CPU second`,
      );
    }
    points.push(point);
  }
  const rounds = quick ? 3 : 9;
  const atOnce = { 0: [], 1: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const [coalesceMs, subject] of Object.entries(subjects)) {
      atOnce[coalesceMs].push(await oneATick(subject));
    }
  }
  for (const { clients, program } of Object.values(subjects)) {
    await clients.stop();
    await program.stop();
  }
  return {
    connections: CONNECTIONS,
    payloadBytes: PAYLOAD_BYTES,
    seconds,
    points,
    rounds,
    oneATick: { 0: summary(atOnce[0]), 1: summary(atOnce[1]) },
  };
}

/** Microseconds of CPU a delivery where a message is sent in each tick, as fast as ticks come. */
async function oneATick({ program, clients }) {
  await clients.settle();
  const before = await clients.clock();
  program.tell("f");
  const { messages } = await program.answer();
  const wanted = messages * CONNECTIONS * PAYLOAD_BYTES;
  const { bytes } = await clients.wait(wanted, 20);
  const after = await clients.clock();
  if (bytes !== wanted) throw new Error(`${bytes} bytes arrived instead of ${wanted}`);
  return ((after[0] - before[0]) / (messages * CONNECTIONS)) * 1e6;
}

async function open(subject) {
  const { program, port, tickTarget } = await startServer(subject);
  const clients = await openConnections({
    ports: [port],
    connections: CONNECTIONS,
    watch: [program.pid],
    args: [...tickTarget, "--stamps", "1"],
  });
  await clients.settle();
  await clients.pace(0.5, 500);
  return { program, clients };
}

async function measure(clients, seconds, rate) {
  await clients.settle();
  const before = await clients.clock();
  const { stamps } = await clients.pace(seconds, rate);
  await clients.wait(stamps * CONNECTIONS * PAYLOAD_BYTES, 10);
  const after = await clients.clock();
  const { samples, p50, p99 } = await clients.count();
  if (samples !== stamps * CONNECTIONS) {
    throw new Error(`${stamps} messages to ${CONNECTIONS} clients were sent, ${samples} arrived`);
  }
  return { perCpuSecond: samples / (after[0] - before[0]), p50, p99 };
}

export function report({ connections, payloadBytes, seconds, points, rounds, oneATick: cpu }) {
  const ms = (value) => value.toFixed(2);
  const markdown = `
Messages of ${payloadBytes} bytes to ${number(connections)} connections at a steady rate, kept by a clock outside of the
node for ${seconds} s each, once, whatever arrives. Latency is from the moment at which a message was due to its receipt. With
\`coalesceMs\` 1 nothing waits below one message a millisecond; above it, frames wait for about a millisecond and leave in
one write. 0, the default, writes at the end of each tick: the wait is for those who would rather have the CPU.

${table(
  [
    "messages/s",
    "deliveries a CPU second, at 0",
    "at 1",
    "gain",
    "p50 at 0, ms",
    "p50 at 1",
    "p99 at 0",
    "p99 at 1",
  ],
  points.map(({ rate, 0: without, 1: with1 }) => [
    number(rate),
    number(without.perCpuSecond),
    number(with1.perCpuSecond),
    `${(with1.perCpuSecond / without.perCpuSecond).toFixed(2)} x`,
    ...[without.p50, with1.p50, without.p99, with1.p99].map(ms),
  ]),
)}

![Deliveries a CPU second against the rate](images/bench-coalescing-cpu.svg)

![Latency against the rate](images/bench-coalescing-latency.svg)

Where the node cannot keep up, messages wait before it, come to it together and leave together: so it joins them at 0 too,
after they have waited longer. Latencies over ${MOST_MS} ms are not in the plot.

**One message a tick, as fast as ticks come:** a program that broadcasts in each turn of its event loop, without waiting
for anybody. Microseconds of CPU a delivery, median of ${rounds} rounds (least to most): ${spread(cpu[0])} at 0, ${spread(cpu[1])} at 1. A
loop in C that writes each of them by itself is in the table of fan-out.
`;
  const line = (label, color, pick, most = Infinity) => ({
    label,
    color,
    points: points.map((point) => [point.rate, pick(point)]).filter(([, value]) => value <= most),
  });
  return {
    title: "Waiting for other messages",
    markdown,
    goals: [],
    images: {
      "bench-coalescing-cpu.svg": lineChart({
        title: "Deliveries a CPU second of the node",
        xLabel: "messages a second to each connection",
        yLabel: "deliveries",
        lines: [
          line("coalesceMs 0", colors[2], ({ 0: without }) => without.perCpuSecond),
          line("coalesceMs 1", colors[1], ({ 1: with1 }) => with1.perCpuSecond),
        ],
      }),
      "bench-coalescing-latency.svg": lineChart({
        title: "From when it was due to the client's receipt",
        xLabel: "messages a second to each connection",
        yLabel: "milliseconds",
        lines: [
          line("p50 at 0", "#fb8f44", ({ 0: without }) => without.p50, MOST_MS),
          line("p99 at 0", colors[2], ({ 0: without }) => without.p99, MOST_MS),
          line("p50 at 1", colors[0], ({ 1: with1 }) => with1.p50, MOST_MS),
          line("p99 at 1", colors[1], ({ 1: with1 }) => with1.p99, MOST_MS),
        ],
      }),
    },
  };
}
