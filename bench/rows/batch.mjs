// Commands streamed to POST /batch, beside single requests to the same center in the same run.
import { BARE, startCluster } from "../cluster.mjs";
import { classicRequest, inFile, NUMBER, sendBatch, sendRequests } from "../load.mjs";
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
const NODES = 2;

export const name = "batch";

/** `window`: commands in flight; without one, a request for each command. */
const ways = [
  { name: "single", title: "single requests, 64 connections" },
  { name: "stream-64", title: "`POST /batch`, 64 in flight", window: 64 },
  { name: "stream-256", title: "`POST /batch`, 256 in flight", window: 256 },
  { name: "stream-1024", title: "`POST /batch`, 1,024 in flight", window: 1024 },
];
const [single, few, , many] = ways;

export async function run({ quick, log }) {
  const rounds = quick ? 3 : 13;
  const seconds = quick ? 0.6 : 0.8;
  // What has done so much is compiled; in a quick run most of it is.
  const warmUpCounts = quick
    ? { requests: 40_000, commands: 80_000 }
    : { requests: 150_000, commands: 300_000 };
  const own = await startWarm("center", { warmUpCounts, log });
  const bare = await startWarm("bare center", { programs: BARE, warmUpCounts, log });
  const subjects = {};
  for (const { title, load, prefix } of [
    { title: "**center**", load: own.load, prefix: "" },
    { title: "bare center", load: bare.load, prefix: "bare-" },
  ]) {
    for (const way of ways) {
      subjects[prefix + way.name] = { title: `${title}, ${way.title}`, measure: () => load(way, seconds) };
    }
  }
  const turns = await takeTurns(subjects, {
    reference: single.name,
    rounds,
    measure: async ({ measure }) => measured(await measure()),
    log,
  });
  // After all rounds, for it makes the center slower.
  log("a profile");
  const profiles = {};
  for (const way of [few, many]) {
    await own.center.ask('{"profile":"start"}');
    await own.load(way, 4);
    profiles[`${number(way.window)} in flight`] = (await own.center.ask('{"profile":"end"}')).shares;
  }
  await own.stop();
  await bare.stop();
  const results = Object.fromEntries(
    Object.entries(subjects).map(([key, { title }]) => [key, { title, ...summarize(turns[key]) }]),
  );
  return { users: USERS, nodes: NODES, rounds, seconds, profiles, results };
}

async function startWarm(title, { programs, warmUpCounts: { requests, commands }, log }) {
  const cluster = await startCluster({ nodes: NODES, users: USERS, programs });
  const load = loadOf(cluster);
  log(`warming up: ${title}`);
  await warmUp(requests, async () => (await load(single, 1)).commands);
  await warmUp(commands, async () => (await load(few, 1)).commands);
  return { ...cluster, load };
}

/** A function that sends commands in one of the ways for so many seconds. */
function loadOf({ center, nodes, http: port }) {
  const request = inFile(classicRequest("sendMessageToId", { id: NUMBER, msg: payload }));
  const line = inFile(`"command":"sendToUser","params":{"userId":"${NUMBER}","message":"${payload}"}}`);
  const watch = [center.pid, ...nodes.map(({ pid }) => pid)];
  return async ({ window }, seconds) => {
    const options = { port, numbers: USERS, seconds, warmUp: LEAD_IN_S, watch };
    if (window !== undefined) return sendBatch({ ...options, line, window, expect: '"value":1,' });
    const { requests: commands, ...rest } = await sendRequests({ ...options, request, expect: '"code":0' });
    return { commands, ...rest };
  };
}

function measured({ commands, perSecond, serverCpu: [center, ...nodes], seconds, cpu, p50, p99 }) {
  return {
    centerMicroseconds: (center / commands) * 1e6,
    nodeMicroseconds: (nodes.reduce((sum, one) => sum + one, 0) / commands) * 1e6,
    perSecond,
    centerShare: center / seconds,
    loadShare: cpu / seconds,
    p50,
    p99,
  };
}

function summarize(turns) {
  const samples = turns.map(({ sample }) => sample);
  const of = (pick) => summary(samples.map(pick));
  const center = (sample) => sample.centerMicroseconds;
  const node = (sample) => sample.nodeMicroseconds;
  return {
    centerRatio: ratioBeside(turns, center),
    centerMicroseconds: of(center),
    nodeMicroseconds: of(node),
    perSecond: of((sample) => sample.perSecond),
    centerShare: of((sample) => sample.centerShare),
    loadShare: of((sample) => sample.loadShare),
    p50: of((sample) => sample.p50),
    p99: of((sample) => sample.p99),
    samples,
  };
}

/** What stands in the way where few commands are in flight, and what the bare center comes to. */
function distance(profiles, results, key) {
  const [few, many] = Object.values(profiles);
  const outside = (shares) =>
    `${percentOf(shares["write, in the kernel"])} and ${percentOf(shares["Node.js"])}`;
  const ratio = (name) => results[name].centerRatio.median.toFixed(2);
  return `what a command shares with others is little where few are in flight: each turn of the event loop reads some lines, writes to each node, reads from each node and writes results, and between turns the center sleeps and is woken. Writes in the kernel and Node.js take ${outside(few)} of the center's CPU with 64 in flight, ${outside(many)} with 1,024. The bare center comes to ${ratio(`bare-${key}`)} of the same single requests; its own cost it ${ratio("bare-single")} of what they cost here. Of the ${ratio(key)} here, the rest is what it leaves out: each command is checked, timed, traced, kept in order for its target, and answered with what each node did.`;
}

export function report({ users, nodes, rounds, seconds, results, profiles }) {
  const all = Object.values(results);
  const markdown = `
A message to one of ${number(users)} users on ${nodes} nodes, each with a client that gets it. *Single requests*:
\`GET /?event=sendMessageToId\`, one in flight on each of 64 keep-alive connections. *\`POST /batch\`*: one connection, another
line for each answer, so that so many commands are in flight. CPU is that of the center's process a command, and of all
nodes together; the nodes and the load share a core, so a rate may be what those allow. Each way is measured
for ${seconds} s between two such measurements of single requests to the center, when everything is warm. The *bare center*
([bare-center.mjs](../bench/peers/bare-center.mjs)) does the least that we know of: it parses a line, sends the node a line, and
writes a line; it checks nothing, keeps no time, and learns of no failure. Median of ${rounds} rounds (least to most).

${table(
  [
    "way",
    "CPU of the center, ratio to single requests",
    "CPU of the center, us",
    "CPU of the nodes, us",
    "commands/s",
    "p50, ms",
    "p99, ms",
    "center's core",
    "load program",
  ],
  all.map((way) => [
    way.title,
    spread(way.centerRatio),
    spread(way.centerMicroseconds, 1),
    spread(way.nodeMicroseconds, 1),
    number(way.perSecond.median),
    spread(way.p50),
    spread(way.p99),
    percent(way.centerShare),
    percent(way.loadShare),
  ]),
)}

Where the CPU of the center goes meanwhile, by a profile apart:

${profileTable(profiles, "the center's")}
`;
  return {
    title: "Commands in a stream",
    markdown,
    images: {},
    goals: ["stream-64", "stream-256", "stream-1024"].map((key) =>
      goal({
        work: `a command by ${results[key].title.replace("**center**, ", "")}`,
        target: "CPU of the center at most a quarter of that of a single request",
        value: results[key].centerRatio,
        atMost: 0.25,
        ifMissed: distance(profiles, results, key),
      }),
    ),
  };
}
