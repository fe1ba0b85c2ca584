// From the HTTP request to the client's receipt, at rising load until it breaks.
import { startCluster } from "../cluster.mjs";
import { number, table } from "../report/numbers.mjs";
import { colors, lineChart } from "../report/svg.mjs";
import { classicRequest, inFile, NUMBER, sendRequests, TIME } from "../load.mjs";

const USERS = 1000;
const NODES = 2;
/** It counts as broken where less than this share of what was due was answered in time, or p99 passes a second. */
const LEAST_SHARE = 0.95;
const MOST_P99_MS = 1000;

export const name = "latency";

export async function run({ quick, log }) {
  const seconds = quick ? 1.5 : 5;
  const factor = quick ? 1.5 : 1.25;
  const request = inFile(classicRequest("sendMessageToId", { id: NUMBER, msg: `T${TIME}${"x".repeat(44)}` }));
  const cluster = await startCluster({ nodes: NODES, users: USERS, loadArgs: ["--stamps", "1"] });
  const send = (options) =>
    sendRequests({
      port: cluster.http,
      request,
      expect: '"code":0',
      numbers: USERS,
      watch: [cluster.center.pid],
      ...options,
    });
  await send({ seconds: 2 });
  const points = [];
  for (let rate = 200; points.length < 40; rate = Math.round(rate * factor)) {
    await cluster.clients.settle();
    const sent = await send({ seconds, rate });
    const sentCount = sent.requests + sent.inFlight;
    await cluster.clients.wait(sentCount * 64, 5);
    const received = await cluster.clients.count();
    if (received.samples < sentCount)
      throw new Error(`${sentCount} messages were sent, ${received.samples} arrived`);
    const point = {
      rate,
      perSecond: sent.perSecond,
      unsent: sent.unsent,
      centerShare: sent.serverCpu[0] / sent.seconds,
      receipt: { p50: received.p50, p99: received.p99, p999: received.p999 },
      answer: { p50: sent.p50, p99: sent.p99, p999: sent.p999 },
    };
    point.broken = sent.perSecond < rate * LEAST_SHARE || received.p99 > MOST_P99_MS;
    log(`${rate} a second: p50 ${received.p50.toFixed(2)} ms, p99 ${received.p99.toFixed(2)} ms`);
    points.push(point);
    if (point.broken) break;
  }
  await cluster.stop();
  return { nodes: NODES, users: USERS, seconds, points };
}

export function report({ nodes, users, seconds, points }) {
  const ms = (value) => value.toFixed(2);
  const whole = points.filter(({ broken }) => !broken);
  const last = points.at(-1);
  const markdown = `
From the moment at which a request was due to the moment at which the client has read the message: \`sendMessageToId\`
by HTTP to a center, ${nodes} nodes, ${number(users)} users, 64 keep-alive connections, ${seconds} s at each rate, once, by the
clock whatever the answers do. It ${last.broken ? "breaks where less than 95 % of what was due is answered in time, or p99 passes a second; that point is not in the plot" : "did not break within the rates tried"}.

${table(
  [
    "requests/s",
    "answered/s",
    "receipt p50, ms",
    "p99",
    "p99.9",
    "HTTP answer p50, ms",
    "p99",
    "center's core",
  ],
  points.map(({ rate, perSecond, receipt, answer, centerShare, broken }) => [
    broken ? `${number(rate)} (broken)` : number(rate),
    number(perSecond),
    ...[receipt.p50, receipt.p99, receipt.p999, answer.p50, answer.p99].map(ms),
    `${Math.round(centerShare * 100)} %`,
  ]),
)}

![Latency against load](images/bench-latency.svg)
`;
  const line = (label, color, pick) => ({
    label,
    color,
    points: (whole.length > 1 ? whole : points).map(({ rate, receipt }) => [
      rate,
      Math.max(pick(receipt), 0.001),
    ]),
  });
  return {
    title: "Latency under rising load",
    markdown,
    goals: [],
    images: {
      "bench-latency.svg": lineChart({
        title: "From HTTP request to the client's receipt",
        xLabel: "requests a second",
        yLabel: "milliseconds",
        lines: [
          line("p50", colors[0], ({ p50 }) => p50),
          line("p99", colors[1], ({ p99 }) => p99),
          line("p99.9", colors[2], ({ p999 }) => p999),
        ],
      }),
    },
  };
}
