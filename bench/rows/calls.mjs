// sendMessageToId by HTTP through a center, to users spread over 1, 2 and 8 nodes, beside bare servers.
import { BARE, startCluster, startHttpServer } from "../cluster.mjs";
import { classicRequest, inFile, NUMBER, sendRequests } from "../load.mjs";
import { payload } from "../peers/serve.mjs";
import {
  goal,
  number,
  percent,
  percentOf,
  profileTable,
  spread,
  summary,
  table,
} from "../report/numbers.mjs";
import { LEAD_IN_S, ratioBeside, takeTurns, warmUp } from "../turns.mjs";

const USERS = 1000;
const REFERENCE = "fastify-qs";
/** Of these seconds, just before the clock sets the rate, the best tells the highest rate. */
const HIGHEST_S = 4;
/** At the rate of the clock: before what is measured, and each measurement. Shorter ones may be one collection alone. */
const CLOCKED_LEAD_IN_S = 4;
const CLOCKED_S = 2;
const PROFILE_S = 4;

/** What each of our own is beside: the bare center with about as many nodes. */
const bareOf = { "nodes-1": "bare-1", "nodes-2": "bare-1", "nodes-8": "bare-8" };

export const name = "calls";

const nodesOf = (nodes) => `${nodes} node${nodes === 1 ? "" : "s"}`;

/** What is measured; the numbers are those of nodes. */
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
  ...[1, 8].map((nodes) => ({
    name: `bare-${nodes}`,
    title: `bare center, ${nodesOf(nodes)}`,
    start: () => startCluster({ nodes, users: USERS, programs: BARE }),
  })),
  ...[1, 2, 8].map((nodes) => ({
    name: `nodes-${nodes}`,
    title: `**center**, ${nodesOf(nodes)}`,
    start: () => startCluster({ nodes, users: USERS }),
  })),
];

export async function run({ quick, log }) {
  const rounds = quick ? 5 : 21;
  const seconds = quick ? 0.4 : 0.5;
  const clockedRounds = quick ? 3 : 9;
  // What has answered so many is compiled, in eight nodes too; in a quick run most of it is.
  const warmUpRequests = quick ? 40_000 : 150_000;
  const request = inFile(classicRequest("sendMessageToId", { id: NUMBER, msg: payload }));
  const start = (subject) => startWarm(subject, { request, warmUpRequests, log });
  const { turns, spreading, profiles } = await asFastAsAnswersCome({ start, rounds, seconds, log });
  const results = {};
  for (const subject of subjects) {
    const { open, collections } = await byTheClock(subject, { start, rounds: clockedRounds, log });
    results[subject.name] = { title: subject.title, collections, ...summarize(turns[subject.name], open) };
  }
  const settings = { users: USERS, connections: 64, rounds, seconds, clockedRounds, warmUpRequests };
  return { ...settings, profiles, spreading, results };
}

/** All of them are there, and take turns. */
async function asFastAsAnswersCome({ start, rounds, seconds, log }) {
  const servers = {};
  for (const subject of subjects) servers[subject.name] = await start(subject);
  const inTurns = (chosen, reference, what) =>
    takeTurns(chosen, {
      reference,
      rounds,
      measure: async ({ load }) => measured(await load({ seconds, warmUp: LEAD_IN_S })),
      log: (text) => log(`${what}, ${text}`),
    });
  const turns = await inTurns(servers, REFERENCE, "as fast as answers come");
  const spreading = {};
  for (const kind of ["nodes", "bare"]) {
    const [one, eight] = [`${kind}-1`, `${kind}-8`];
    const pair = { [one]: servers[one], [eight]: servers[eight] };
    spreading[kind] = ratioBeside((await inTurns(pair, one, "8 nodes and 1"))[eight], cpuOf);
  }
  // After all rounds, for it makes the center slower.
  log("profiles");
  const profiles = {};
  for (const key of Object.keys(bareOf)) profiles[key] = await profile(servers[key]);
  for (const each of Object.values(servers)) await each.stop();
  return { turns, spreading, profiles };
}

async function profile({ server: { center }, load }) {
  await center.ask('{"profile":"start"}');
  await load({ seconds: PROFILE_S });
  return (await center.ask('{"profile":"end"}')).shares;
}

/**
 * Started anew, and alone: a collection in another that has nothing to do would be in its percentiles, and so would the
 * kernel's looking after the memory of many processes.
 */
async function byTheClock(subject, { start, rounds, log }) {
  const { server, load, stop } = await start(subject);
  let highest = 0;
  for (let second = 0; second < HIGHEST_S; second += 1) {
    highest = Math.max(highest, (await load({ seconds: 1 })).perSecond);
  }
  const rate = highest / 2;
  log(`at half of the highest rate: ${subject.name}`);
  await load({ seconds: CLOCKED_LEAD_IN_S, rate });
  await collectionsOf(server);
  const open = [];
  for (let round = 0; round < rounds; round += 1) {
    open.push(measured(await load({ seconds: CLOCKED_S, rate, warmUp: 0.2 })));
  }
  const collections = await collectionsOf(server);
  await stop();
  return { open, collections };
}

async function startWarm(subject, { request, warmUpRequests, log }) {
  const server = await subject.start();
  const { pid } = server.center ?? server.program;
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
  await warmUp(warmUpRequests, async () => (await load({ seconds: 1 })).requests);
  return { server, load, stop: () => server.stop?.() ?? server.program.stop() };
}

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

function summarize(turns, open) {
  const samples = turns.map(({ sample }) => sample);
  const of = (list, pick) => summary(list.map(pick));
  return {
    cpuMicroseconds: of(samples, cpuOf),
    ratio: ratioBeside(turns, cpuOf),
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

function cpuOf({ cpuMicroseconds }) {
  return cpuMicroseconds;
}

/** What the profile says of the distance to a route that answers from its own memory. */
function distance(shares, { bareCenter, nodeHttp }) {
  return `a call is a request to a node and its reply beside the request that is answered. By the profile ${percentOf(shares[KERNEL])} of the center's CPU are writes in the kernel, ${percentOf(shares["garbage collection"])} collect garbage, and ${percentOf(shares[OWN])} are in this project's own code. The bare center, the least that such a call takes in Node.js, comes to ${ratioOf(bareCenter)}; a \`node:http\` server, which asks nobody, to ${ratioOf(nodeHttp)}.`;
}

/** What is in a high percentile of latency. */
function pauses({ center, nodes }, { bareCenter, nodeHttp }, rounds) {
  const all = ({ count, longestMs }) =>
    count === 0 ? "none" : `${count} (of up to ${longestMs.toFixed(1)} ms)`;
  const p99 = ({ openLoop }) => `${openLoop.p99.median.toFixed(1)} ms`;
  return `the nodes, their clients and the load take turns on one core, for some milliseconds each, where a bare server and its load have one each. Full garbage collections in these ${rounds * CLOCKED_S} s: at the center ${all(center)}, at the nodes ${all(nodes)}. The bare center with 8 nodes comes to ${p99(bareCenter)} at half of its own highest rate, a bare \`node:http\` server to ${p99(nodeHttp)}.`;
}

/** What more nodes change. */
function sharing({ "nodes-1": one, "nodes-8": eight }, bare) {
  const from = (kind) => `from ${percentOf(one[kind])} to ${percentOf(eight[kind])}`;
  return `by the profiles no kind of work stands out: writes in the kernel go ${from(KERNEL)} of the center's CPU, Node.js ${from("Node.js")}, this project's own code ${from(OWN)}. What grows is most likely how often the center is woken, and for how little: the 64 calls in flight go over eight links instead of one, and the nodes, which take turns on one core, answer apart. The bare center needs ${spread(bare)} times as much with 8 nodes as with 1.`;
}

const KERNEL = "write, in the kernel";
const OWN = "websocket-center";
const ratioOf = ({ ratio }) => ratio.median.toFixed(2);

export function report({ results, profiles, spreading, ...settings }) {
  const { users, connections, rounds, seconds, clockedRounds, warmUpRequests } = settings;
  const all = Object.values(results);
  const titleOf = (key) => results[key].title.replaceAll("*", "");
  const markdown = `
\`GET /?event=sendMessageToId\` at a center, for one of ${number(users)} users, who are spread over the nodes and each
have a client that gets the message. ${connections} keep-alive connections, no pipelining. *CPU* is that of the center's
process, or of the bare server's, a request. The nodes and the load share the other core, so a rate may be what those allow;
where the server's share of its core is below 100 %, it is. Everything was warmed up with ${number(warmUpRequests)} requests.
The bare servers answer as many bytes, and do nothing for it. The *bare center*
([bare-center.mjs](../bench/peers/bare-center.mjs)) does for it the least that we know of: it finds the node by arithmetic,
sends it a line of text, joined with those of the same tick, and answers when the node's line comes back; it checks nothing, keeps no time,
and learns of no failure. Each is measured for ${seconds} s between two such measurements of Fastify. Median of ${rounds} rounds
(least to most).

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

With 8 nodes instead of 1, measured in turns between these two, the center needs ${spread(spreading.nodes)} times as much CPU a
call, the bare center ${spread(spreading.bare)} times.

At half of the highest rate that each has just reached in ${HIGHEST_S} s, sent by the clock whatever the answers do; latency counts
from when a request was due. Here ${clockedRounds} rounds of one follow each other, and it is alone on the machine:

${table(
  ["server", "requests/s", "p50, ms", "p99, ms"],
  all.map(({ title, openLoop: { perSecond, p50, p99 } }) => [
    title,
    number(perSecond.median),
    spread(p50),
    spread(p99),
  ]),
)}

Where the CPU of the center goes meanwhile, by profiles apart:

${profileTable(Object.fromEntries(Object.entries(profiles).map(([key, shares]) => [titleOf(key), shares])), "the center's")}
`;
  const nodeHttp = results["node-http"];
  return {
    title: "Calls to users",
    markdown,
    images: {},
    goals: [
      ...Object.entries(bareOf).map(([key, bare]) =>
        goal({
          work: `\`sendMessageToId\` by HTTP, ${titleOf(key)}`,
          target: "CPU of the center at most that of a bare Fastify route",
          value: results[key].ratio,
          atMost: 1,
          ifMissed: distance(profiles[key], { bareCenter: results[bare], nodeHttp }),
        }),
      ),
      goal({
        work: "the same, 8 nodes instead of 1",
        target: "CPU of the center within 10 %",
        value: spreading.nodes,
        atMost: 1.1,
        ifMissed: sharing(profiles, spreading.bare),
      }),
      ...Object.keys(bareOf).map((key) => {
        const { openLoop, collections } = results[key];
        const { p50, p99 } = openLoop;
        const limit = Math.max(3 * p50.median, 5);
        return goal({
          work: `p99 at half of the highest rate, ${titleOf(key)}`,
          target: `under the larger of 3 x p50 and 5 ms: ${limit.toFixed(1)} ms`,
          value: p99,
          unit: " ms",
          atMost: limit,
          ifMissed: pauses(collections, { bareCenter: results["bare-8"], nodeHttp }, clockedRounds),
        });
      }),
    ],
  };
}
