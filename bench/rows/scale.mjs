// A center with a thousand nodes and a million users beside one with two nodes. The nodes are simulated, the links and
// all that goes over them are not.
import { setTimeout } from "node:timers/promises";
import { classicRequest, inFile, NUMBER, sendBatch, sendRequests } from "../load.mjs";
import { payload } from "../peers/serve.mjs";
import { USER_HEAD } from "../peers/users.mjs";
import { goal, number, percentOf, profileTable, spread, summary, table } from "../report/numbers.mjs";
import { startBareLinks, startSimulated } from "../simulated.mjs";
import { ratioBeside, takeTurns, warmUp } from "../turns.mjs";

const FEW = 2;
const MANY = 1000;
const RECONNECTING_USERS = 10_000;
const RECONNECTS = 7;
const PROFILE_S = 4;
/** More than this would be a cost of the nodes that a call does not concern. */
const SAME = 1.1;

export const name = "scale";

const user = `${USER_HEAD}${NUMBER}`;

/** Ways to send to a user, by what is started for them. Those by HTTP are measured at a whole center. */
const ways = {
  "router-1": { title: "the router, one at a time", part: "router", inFlight: 1 },
  "router-64": { title: "the router, 64 in flight", part: "router", inFlight: 64 },
  "bare-1": { title: "bare links, one at a time", part: "bare", inFlight: 1 },
  "bare-64": { title: "bare links, 64 in flight", part: "bare", inFlight: 64 },
  "stream-1": { title: "`POST /batch`, one at a time", part: "center", window: 1 },
  "stream-64": { title: "`POST /batch`, 64 in flight", part: "center", window: 64 },
  classic: { title: "`GET /?event=sendMessageToId`, 64 in flight", part: "center" },
};

export async function run({ quick, log }) {
  const users = quick ? 200_000 : 1_000_000;
  const rounds = quick ? 3 : 13;
  const seconds = quick ? 0.5 : 0.7;
  const reconnects = quick ? 3 : RECONNECTS;
  const warmUpCalls = quick ? 10_000 : 40_000;
  const request = inFile(classicRequest("sendMessageToId", { id: user, msg: payload }));
  const line = inFile(`"command":"sendToUser","params":{"userId":"${user}","message":"${payload}"}}`);
  const result = { users, rounds, seconds, calls: {}, heartbeats: {}, profiles: {}, reconnects: undefined };

  for (const part of ["router", "bare", "center"]) {
    log(`${part}: ${number(users)} users on ${FEW} nodes, and on ${number(MANY)}`);
    const start = (nodes) =>
      part === "bare" ? startBareLinks(nodes) : startSimulated({ part, nodes, users });
    const few = await start(FEW);
    const many = await start(MANY);
    const load = (way, cluster, duration) =>
      measureCalls(way, cluster, { users, seconds: duration, request, line });
    for (const [key, way] of Object.entries(ways).filter(([, each]) => each.part === part)) {
      log(`${part}: ${way.title}`);
      for (const cluster of [few, many]) {
        await warmUp(warmUpCalls, async () => (await load(way, cluster, 1)).perSecond);
      }
      const turns = await takeTurns(
        { few, many },
        { reference: "few", rounds, measure: (cluster) => load(way, cluster, seconds), log: () => {} },
      );
      result.calls[key] = {
        ratio: ratioBeside(turns.many, ({ microseconds }) => microseconds),
        few: turns.few.map(({ sample }) => sample),
        many: turns.many.map(({ sample }) => sample),
      };
    }
    result.heartbeats[part] = { few: few.idleShare, many: many.idleShare };
    if (part === "router") {
      result.bytesOfUser = many.bytesOfUser;
      result.reconnects = await measureReconnects(many, { users, rounds: reconnects, log });
      // At the end, for it makes the router slower.
      result.profiles = {
        few: await profile(few, staying(users)),
        many: await profile(many, staying(users)),
      };
    } else if (part === "center") {
      result.answerBytes = await answerBytes(many);
    }
    await few.stop();
    await many.stop();
  }
  return result;
}

/** Users of the nodes that never leave. */
const staying = (users) => ({ first: users / MANY, users: users - users / MANY });

/** Of the router, one call at a time. */
async function profile({ ask }, users) {
  return (await ask({ profile: { seconds: PROFILE_S, inFlight: 1, ...users } })).shares;
}

/** CPU of the center a call, without what heartbeats take. */
async function measureCalls(
  { part, inFlight, window },
  { pid, http: port, ask, idleShare },
  { users, seconds, request, line },
) {
  if (part !== "center") return withoutIdle(await ask({ route: { seconds, inFlight, users } }), idleShare);
  const options = { port, numbers: users, seconds, warmUp: 0.2, watch: [pid] };
  if (window !== undefined) {
    const sent = await sendBatch({ ...options, line, window, expect: '"value":1,' });
    return withoutIdle({ calls: sent.commands, cpu: sent.serverCpu[0], seconds: sent.seconds }, idleShare);
  }
  const sent = await sendRequests({ ...options, request, expect: '"code":0' });
  return withoutIdle({ calls: sent.requests, cpu: sent.serverCpu[0], seconds: sent.seconds }, idleShare);
}

function withoutIdle({ calls, cpu, seconds }, idleShare) {
  return { microseconds: ((cpu - idleShare * seconds) / calls) * 1e6, perSecond: calls / seconds };
}

async function answerBytes({ http }) {
  const response = await fetch(`http://127.0.0.1:${http}/?event=sendMessageToId`, {
    method: "POST",
    body: JSON.stringify({ sendMessageToId: { id: "nobody", msg: payload } }),
  });
  return (await response.text()).length;
}

/**
 * A node leaves and comes back with as many users that nobody knew, while a call to another node is sent each
 * millisecond; and as long without it.
 */
async function measureReconnects({ ask, reconnect }, { users, rounds, log }) {
  const samples = [];
  const others = staying(users);
  for (let round = 0; round < rounds; round += 1) {
    log(`reconnecting: round ${round + 1} of ${rounds}`);
    const quiet = await ask({ probe: { seconds: 2, ...others } });
    const first = users + round * RECONNECTING_USERS;
    const [meanwhile, { startedAt }] = await Promise.all([
      ask({ probe: { seconds: 2, ...others } }),
      setTimeout(300).then(() => reconnect({ first, users: RECONNECTING_USERS })),
    ]);
    // From its new link on until it is trusted, the node is asked about everybody.
    const asked = meanwhile.asked.filter(([at, count]) => at >= startedAt && count > 0);
    const known = meanwhile.asked.find(([at, count]) => at > (asked[0]?.[0] ?? Infinity) && count === 0);
    if (known === undefined) throw new Error("the node was not known again within the time of the probe");
    samples.push({ knownMs: known[0] - startedAt, quiet, meanwhile });
  }
  return samples;
}

/** What stands in the way of a call that costs the same however many nodes there are. */
function dearer(own, bare, { few, many }) {
  const median = (samples) => summary(samples.map(({ microseconds }) => microseconds)).median;
  const growth = (calls) => `${(median(calls.many) - median(calls.few)).toFixed(1)} us`;
  const kinds = Object.keys(many)
    .filter((kind) => many[kind] - (few[kind] ?? 0) >= 0.01)
    .map((kind) => `${kind} from ${percentOf(few[kind])} to ${percentOf(many[kind])}`);
  return `as many nodes are asked: one. But each call goes over another link, which was most likely not touched since its last heartbeat; with ${FEW} nodes it stays in the caches. Over bare links, which are a socket and nothing else, a call grows by ${growth(bare)} with ${number(MANY)} nodes, which is ${spread(bare.ratio)} times what it costs with ${FEW}; here by ${growth(own)}. By the profiles of the router, which count heartbeats too, what takes more of its CPU is: ${kinds.join("; ")}.`;
}

export function report({ users, rounds, seconds, calls, heartbeats, profiles, reconnects, ...others }) {
  const { bytesOfUser, answerBytes: bytes } = others;
  const of = (samples, pick) => summary(samples.map(pick));
  const share = (part, which) => percentOf(heartbeats[part][which]);
  const known = of(reconnects, ({ knownMs }) => knownMs);
  const probed = (which) => [
    ...["p50", "p99", "max"].map((key) => spread(of(reconnects, (sample) => sample[which][key]))),
    spread(of(reconnects, (sample) => sample[which].heldMs)),
    number(of(reconnects, (sample) => sample[which].failed).max),
  ];
  const markdown = `
${number(users)} users, held by ${FEW} nodes or by ${number(MANY)}. The nodes are simulated by one process: a real link each, with
its handshake, interest, heartbeats, calls and replies, and no clients. A message of ${payload.length} bytes to a user picked at random goes to
the one node that holds it. *The router* is called in its own process, *\`POST /batch\`* streamed to a whole center. CPU is that of
the center a call, without what heartbeats take of its core: ${share("router", "few")} with ${FEW} nodes, ${share("router", "many")} with
${number(MANY)}. *Bare links* are what a call must at least do: the bare center ([bare-center.mjs](../bench/peers/bare-center.mjs)) knows by
arithmetic who is where, writes a line to one of so many sockets, and reads a line. Each is measured for ${seconds} s with ${number(MANY)} nodes between two such measurements with ${FEW}. Median of ${rounds} rounds
(least to most).

${table(
  [
    "way",
    `CPU, ratio to ${FEW} nodes`,
    `CPU with ${FEW} nodes, us`,
    `with ${number(MANY)}, us`,
    `calls/s with ${number(MANY)}`,
  ],
  Object.entries(calls).map(([key, { ratio, few, many }]) => [
    ways[key].title,
    spread(ratio),
    spread(
      of(few, ({ microseconds }) => microseconds),
      1,
    ),
    spread(
      of(many, ({ microseconds }) => microseconds),
      1,
    ),
    number(of(many, ({ perSecond }) => perSecond).median),
  ]),
)}

Calls that are under way at once share writes where they go to the same node. Over ${FEW} links 64 of them do, over ${number(MANY)}
hardly any, so that each pays for a write and a read of its own, as a call does that is alone. The classic answer names every
node: ${number(bytes)} bytes with ${number(MANY)} nodes; those of the router and of \`POST /batch\` name the ones that were asked.

Where the CPU of the router goes, one call at a time, by a profile apart, with what heartbeats take:

${profileTable({ [`${FEW} nodes`]: profiles.few, [`${number(MANY)} nodes`]: profiles.many }, "the router's")}

A user takes ${number(bytesOfUser)} bytes of the center's heap, with an id of 24 characters. When a node ends its link and dials again with
${number(RECONNECTING_USERS)} users whom nobody knew, it is known again, and asked no more than it must, after ${spread(known, 0)} ms, in
${reconnects.length} times. Until then it is asked about everybody. Meanwhile another call goes each millisecond to some other node:

${table(
  ["", "call p50, ms", "p99, ms", "longest, ms", "event loop held for at most, ms", "failed"],
  [
    ["while nothing else happens", ...probed("quiet")],
    [`while a node comes back with ${number(RECONNECTING_USERS)} users`, ...probed("meanwhile")],
  ],
)}

What holds the event loop in both is what goes to all nodes in one turn: heartbeats, and the word that a node has left or
come. Here one process answers for all nodes, which the longest calls wait for as well.
`;
  return {
    title: "A thousand nodes and a million users",
    markdown,
    images: {},
    goals: [
      ...["router-1", "stream-1"].map((key) =>
        goal({
          work: `a call to a user by ${ways[key].title}, ${number(MANY)} nodes instead of ${FEW}`,
          target: "CPU of the center within 10 %",
          value: calls[key].ratio,
          atMost: SAME,
          ifMissed: dearer(calls[key], calls["bare-1"], profiles),
        }),
      ),
      goal({
        work: `what a center keeps of each of ${number(users)} users`,
        target: "at most 250 bytes",
        value: summary([bytesOfUser]),
        digits: 0,
        unit: " bytes",
        atMost: 250,
      }),
      goal({
        work: `a node comes back with ${number(RECONNECTING_USERS)} users to a center with ${number(MANY)} nodes`,
        target: "known again in under 1,000 ms",
        value: known,
        digits: 0,
        unit: " ms",
        atMost: 1000,
      }),
    ],
  };
}
