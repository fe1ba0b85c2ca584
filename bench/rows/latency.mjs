// From the HTTP request to the client's receipt, at rising load until it breaks.
import { startCluster } from "../cluster.mjs";
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
  for (let rate = 500; points.length < 40; rate = Math.round(rate * factor)) {
    await cluster.clients.settle();
    const sent = await send({ seconds, rate });
    const sentCount = sent.requests + sent.inFlight;
    await cluster.clients.wait(sentCount * 64, 5);
    const received = await cluster.clients.count();
    if (received.samples < sentCount) throw new Error(`${sentCount} messages were sent, ${received.samples} arrived`);
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
