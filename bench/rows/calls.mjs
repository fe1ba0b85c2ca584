// sendMessageToId by HTTP through a center, to users spread over 1, 2 and 8 nodes, beside bare servers.
import { startCluster, startHttpServer } from "../cluster.mjs";
import { classicRequest, inFile, NUMBER, sendRequests } from "../load.mjs";
import { payload } from "../peers/serve.mjs";
import { goal, number, percent, profileTable, spread, summary, table } from "../report/numbers.mjs";

const USERS = 1000;
const MAX_WARM_UP_S = 25;
/** At the rate of the clock: before what is measured, and each measurement. Shorter ones may be one collection alone. */
const LEAD_IN_S = 4;
const CLOCKED_S = 2;

export const name = "calls";

/** What is measured; the cluster's numbers are its nodes. */
const subjects = [
  {
    name: "fastify-qs",
    title: "bare Fastify, query parser `qs`",
    start: () => startHttpServer("fastify.mjs", "qs"),
  },
  {
    name: "fastify",
    title: "bare Fastify, its own flat query parser",
    start: () => startHttpServer("fastify.mjs"),
  },
  {
    name: "node-http",
    title: "bare `node:http`, no query parser",
    start: () => startHttpServer("node-http.mjs"),
  },
  ...[1, 2, 8].map((nodes) => ({
    name: `nodes-${nodes}`,
    title: `**center**, ${nodes} node${nodes === 1 ? "" : "s"}`,
    start: () => startCluster({ nodes, users: USERS }),
  })),
];

export async function run({ quick, log }) {
  const rounds = quick ? 3 : 9;
  const seconds = quick ? 0.7 : 2;
  const { samples, shares } = await asFastAsAnswersCome({ rounds, seconds, log });
  const results = {};
  for (const subject of subjects) {
    const { name: key, title } = subject;
    const { open, collections } = await byTheClock(subject, highestOf(samples[key]) / 2, { rounds, log });
    const summarized = summarize(samples[key], open, samples["fastify-qs"], samples["nodes-1"]);
    results[key] = { title, collections, ...summarized };
  }
  return { users: USERS, connections: 64, rounds, seconds, shares, results };
}

/** All of them are there, and take turns. */
async function asFastAsAnswersCome({ rounds, seconds, log }) {
  const servers = [];
  for (const subject of subjects) servers.push({ name: subject.name, ...(await startWarm(subject, log)) });
  const samples = Object.fromEntries(servers.map(({ name: key }) => [key, []]));
  for (let round = 0; round < rounds; round += 1) {
    log(`as fast as answers come, round ${round + 1} of ${rounds}`);
    for (const { name: key, load } of servers) samples[key].push(measured(await load({ seconds })));
  }
  // After all rounds, for it makes the center slower.
  log("a profile");
  const { server, load } = servers.find(({ name: key }) => key === "nodes-2");
  await server.center.ask('{"profile":"start"}');
  await load({ seconds: 2 * seconds });
  const { shares } = await server.center.ask('{"profile":"end"}');
  for (const each of servers) await each.stop();
  return { samples, shares };
}

/**
 * Started anew, and alone: a collection in another that has nothing to do would be in its percentiles, and so would the
 * kernel's looking after the memory of many processes.
 */
async function byTheClock(subject, rate, { rounds, log }) {
  const { server, load, stop } = await startWarm(subject, log);
  log(`at half of the highest rate: ${subject.name}`);
  await load({ seconds: LEAD_IN_S, rate });
  await collectionsOf(server);
  const open = [];
  for (let round = 0; round < rounds; round += 1) {
    open.push(measured(await load({ seconds: CLOCKED_S, rate, warmUp: 0.2 })));
  }
  const collections = await collectionsOf(server);
  await stop();
  return { open, collections };
}

async function startWarm(subject, log) {
  const server = await subject.start();
  const { pid } = server.center ?? server.program;
  const request = inFile(classicRequest("sendMessageToId", { id: NUMBER, msg: payload }));
  const load = (options) =>
    sendRequests({
      port: server.http,
      request,
      expect: '"code":0',
      numbers: USERS,
      watch: [pid],
      ...options,
    });
  log(`warming up: ${subject.name}`);
  await warmUp(() => load({ seconds: 1 }));
  return { server, load, stop: () => server.stop?.() ?? server.program.stop() };
}

const highestOf = (samples) => Math.max(...samples.map(({ perSecond }) => perSecond));

/** The full collections of the center and of all nodes since it was asked last; undefined for the bare servers. */
async function collectionsOf({ center, nodes }) {
  if (center === undefined) return undefined;
  const ask = (program) => program.ask('{"collections":true}');
  const ofNodes = await Promise.all(nodes.map(ask));
  return {
    center: await ask(center),
    nodes: {
      count: ofNodes.reduce((sum, { count }) => sum + count, 0),
      longestMs: Math.max(...ofNodes.map(({ longestMs }) => longestMs)),
    },
  };
}

/** Until it gets no faster: what eight nodes share takes them long to have compiled. */
async function warmUp(loadOneSecond) {
  let best = 0;
  for (let second = 0, inVain = 0; second < MAX_WARM_UP_S && inVain < 3; second += 1) {
    const { perSecond } = await loadOneSecond();
    inVain = perSecond > 1.1 * best ? 0 : inVain + 1;
    best = Math.max(best, perSecond);
  }
}

function measured({ requests, perSecond, serverCpu, seconds, cpu, p50, p99, p999, unsent }) {
  return {
    cpuMicroseconds: (serverCpu[0] / requests) * 1e6,
    perSecond,
    serverShare: serverCpu[0] / seconds,
    loadShare: cpu / seconds,
    p50,
    p99,
    p999,
    unsent,
  };
}

function summarize(samples, open, reference, oneNode) {
  const of = (list, pick) => summary(list.map(pick));
  const ratioTo = (others) =>
    summary(samples.map((sample, round) => sample.cpuMicroseconds / others[round].cpuMicroseconds));
  return {
    cpuMicroseconds: of(samples, (sample) => sample.cpuMicroseconds),
    ratio: ratioTo(reference),
    ratioToOneNode: ratioTo(oneNode),
    perSecond: of(samples, (sample) => sample.perSecond),
    serverShare: of(samples, (sample) => sample.serverShare),
    loadShare: of(samples, (sample) => sample.loadShare),
    openLoop: {
      perSecond: of(open, (sample) => sample.perSecond),
      p50: of(open, (sample) => sample.p50),
      p99: of(open, (sample) => sample.p99),
    },
    samples,
    open,
  };
}

/** What the profile says of the distance to a route that answers from its own memory. */
function distance(shares, bare) {
  const part = (kind) => percentOf(shares, kind);
  return `a call is a request to a node and its reply beside the request that is answered. By the profile ${part("write, in the kernel")} of the center's CPU are writes in the kernel, ${part("garbage collection")} collect garbage, and ${part("websocket-center")} are in this project's own code. The nodes and the load share the other core: the fewer calls are in flight at once, the fewer share a write on the link. A bare \`node:http\` server, which reads no query and asks nobody, comes to ${bare.ratio.median.toFixed(2)}.`;
}

/** What is in a high percentile of latency. */
function pauses({ center, nodes }, bare, rounds) {
  const all = ({ count, longestMs }) =>
    count === 0 ? "none" : `${count} (of up to ${longestMs.toFixed(1)} ms)`;
  return `the nodes, their clients and the load take turns on one core, for some milliseconds each, where a bare server and its load have one each. Of full garbage collections there were, in these ${rounds * CLOCKED_S} s, at the center ${all(center)}, at the nodes ${all(nodes)}: what is due meanwhile waits, and then for those before it, which is the hundredth of the ${CLOCKED_S} s in which there is one. A bare \`node:http\` server comes to ${bare.openLoop.p99.median.toFixed(1)} ms.`;
}

/** What more nodes change. */
function sharing(shares) {
  return `${percentOf(shares, "write, in the kernel")} of the center's CPU are writes in the kernel already with 2 nodes. The 64 calls in flight share one write and one read where they go to one node; over eight links each write carries an eighth of them. The nodes take turns on one core, in whose caches each finds little of its own, so that replies come apart, and the center is woken for few at a time.`;
}

const percentOf = (shares, kind) => `${((shares[kind] ?? 0) * 100).toFixed(1)} %`;

export function report({ users, connections, rounds, results, shares }) {
  const all = Object.values(results);
  const markdown = `
\`GET /?event=sendMessageToId\` at a center, for one of ${number(users)} users, who are spread over the nodes and each
have a client that gets the message. ${connections} keep-alive connections, no pipelining. *CPU* is that of the center's
process, or of the bare server's, a request. The nodes and the load share the other core, so a rate may be what those allow;
where the server's share of its core is below 100 %, it is. Everything was warmed up until it got no faster. The bare servers answer as many bytes, and do nothing for it.
Median of ${rounds} rounds (least to most).

As fast as answers come:

${table(
  [
    "server",
    "CPU, ratio to Fastify with `qs`",
    "CPU a request, us",
    "requests/s",
    "server's core",
    "load program",
  ],
  all.map(({ title, ratio, cpuMicroseconds, perSecond, serverShare, loadShare }) => [
    title,
    spread(ratio),
    spread(cpuMicroseconds, 1),
    number(perSecond.median),
    percent(serverShare),
    percent(loadShare),
  ]),
)}

At half of the highest rate that each has reached, sent by the clock whatever the answers do; latency counts from when a
request was due. Here all rounds of one follow each other, and it is alone on the machine:

${table(
  ["server", "requests/s", "p50, ms", "p99, ms"],
  all.map(({ title, openLoop: { perSecond, p50, p99 } }) => [
    title,
    number(perSecond.median),
    spread(p50),
    spread(p99),
  ]),
)}

Where the CPU of the center goes meanwhile, with 2 nodes, by a profile apart:

${profileTable({ calls: shares }, "the center's")}
`;
  const own = ["nodes-1", "nodes-2", "nodes-8"];
  return {
    title: "Calls to users",
    markdown,
    images: {},
    goals: [
      ...own.map((key) =>
        goal({
          work: `\`sendMessageToId\` by HTTP, ${results[key].title.replaceAll("*", "")}`,
          target: "CPU of the center at most that of a bare Fastify route",
          value: results[key].ratio,
          atMost: 1,
          ifMissed: distance(shares, results["node-http"]),
        }),
      ),
      goal({
        work: "the same, 8 nodes instead of 1",
        target: "CPU of the center within 10 %",
        value: results["nodes-8"].ratioToOneNode,
        atMost: 1.1,
        ifMissed: sharing(shares),
      }),
      ...own.map((key) => {
        const { openLoop, collections } = results[key];
        const { p50, p99 } = openLoop;
        const limit = Math.max(3 * p50.median, 5);
        return goal({
          work: `p99 at half of the highest rate, ${results[key].title.replaceAll("*", "")}`,
          target: `under the larger of 3 x p50 and 5 ms: ${limit.toFixed(1)} ms`,
          value: p99,
          unit: " ms",
          atMost: limit,
          ifMissed: pauses(collections, results["node-http"], rounds),
        });
      }),
    ],
  };
}
