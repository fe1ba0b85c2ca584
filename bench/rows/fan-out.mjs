// Fan-out: the same message to every connection, one or sixteen a tick.
import { setTimeout } from "node:timers/promises";
import { inFile, openConnections } from "../load.mjs";
import { peers } from "../peers/peers.mjs";
import { PAYLOAD_BYTES } from "../peers/serve.mjs";
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
import { barChart } from "../report/svg.mjs";
import { LEAD_IN_S, ratioBeside, takeTurns } from "../turns.mjs";

const CONNECTIONS = 1000;
/** Our own, and what is no server. */
const noOthers = new Set([
  "node-loop",
  "node-loop-heartbeats",
  "c-loop",
  "websocket-center",
  "websocket-center-no-heartbeats",
]);

export const name = "fan-out";

export async function run({ quick, log }) {
  const rounds = quick ? 5 : 21;
  const seconds = quick ? 0.3 : 0.4;
  const missing = {};
  const servers = {};
  for (const peer of peers) {
    const reason = peer.missing?.();
    if (reason === undefined) servers[peer.name] = await open(peer);
    else missing[peer.name] = reason;
  }
  const results = {};
  const profiles = {};
  for (const messages of [1, 16]) {
    for (const server of Object.values(servers)) await measure(server, messages, 0.75);
    const turns = await takeTurns(servers, {
      reference: "node-loop",
      rounds,
      measure: (server) => measure(server, messages, seconds),
      log: (text) => log(`${messages} a tick, ${text}`),
    });
    results[messages] = Object.fromEntries(
      Object.entries(turns).map(([peer, ofPeer]) => [peer, summarize(ofPeer)]),
    );
  }
  // After all rounds, for it makes the server slower.
  for (const messages of [1, 16]) {
    profiles[messages] = await profile(servers["websocket-center"], messages, 3);
  }
  for (const server of Object.values(servers)) await close(server);
  return {
    connections: CONNECTIONS,
    payloadBytes: PAYLOAD_BYTES,
    rounds,
    seconds,
    missing,
    results,
    profiles,
  };
}

async function open(peer) {
  const server = await peer.start();
  const load = await openConnections({
    ports: [server.port],
    connections: CONNECTIONS,
    watch: server.pids,
    args: [...(peer.load ?? []), ...server.tickTarget],
  });
  if (peer.quietAfterMs !== undefined) await setTimeout(peer.quietAfterMs);
  await load.settle();
  const ticks = Object.fromEntries(
    Object.entries(server.ticks).map(([count, bytes]) => [count, inFile(bytes)]),
  );
  return { peer, server, load, ticks };
}

async function close({ server, load }) {
  await load.stop();
  await server.program.stop();
  server.end?.();
}

async function measure({ load, ticks }, messages, seconds) {
  const tick = (duration) => load.ticks(duration, messages * PAYLOAD_BYTES, ticks[messages]);
  await tick(LEAD_IN_S);
  const run = await tick(seconds);
  const deliveries = run.ticks * messages * CONNECTIONS;
  const serverCpu = run.serverCpu.reduce((sum, seconds) => sum + seconds, 0);
  return {
    cpuMicroseconds: (serverCpu / deliveries) * 1e6,
    perSecond: deliveries / run.seconds,
    serverShare: serverCpu / run.seconds,
    loadShare: run.cpu / run.seconds,
    tickP50Ms: run.p50,
    tickP99Ms: run.p99,
  };
}

async function profile({ server: { program }, load, ticks }, messages, seconds) {
  program.tell("p");
  await program.answer();
  await load.ticks(seconds, messages * PAYLOAD_BYTES, ticks[messages]);
  program.tell("q");
  return (await program.answer()).shares;
}

function summarize(turns) {
  const of = (pick) => summary(turns.map(({ sample }) => pick(sample)));
  return {
    cpuMicroseconds: of((sample) => sample.cpuMicroseconds),
    perSecond: of((sample) => sample.perSecond),
    serverShare: of((sample) => sample.serverShare),
    loadShare: of((sample) => sample.loadShare),
    tickP50Ms: of((sample) => sample.tickP50Ms),
    tickP99Ms: of((sample) => sample.tickP99Ms),
    ratio: ratioBeside(turns, (sample) => sample.cpuMicroseconds),
    samples: turns.map(({ sample }) => sample),
  };
}

/** What a profile, and the same without heartbeats, say of the distance to a loop that only writes. */
function distance(shares, results) {
  const ratio = (peer) => results[peer].ratio.median.toFixed(2);
  return `of the node's CPU ${percentOf(shares["websocket-center"])} are in this project's own code; the rest is the writing, which the loop does too, and memory that both collect. A node pings its clients, which the loop does not: with the same heartbeats the loop comes to ${ratio("node-loop-heartbeats")}, and without them the node to ${ratio("websocket-center-no-heartbeats")}. Most likely that is Linux: a client that has just answered a ping delays what it acknowledges (\`tcp_cleanup_rbuf\` and its "pingpong mode"), so that on one machine the work of the acknowledgement falls to who writes next, instead of who reads. The best of the other servers, ${bestOf(results)}, a loop in C to ${ratio("c-loop")}.`;
}

/** The other server that comes nearest. */
function bestOf(results) {
  const others = peers.filter(({ name: peer }) => results[peer] !== undefined && !noOthers.has(peer));
  const ratioOf = ({ name: peer }) => results[peer].ratio.median;
  const [best] = others.toSorted((one, other) => ratioOf(one) - ratioOf(other));
  return `${best.title}, comes to ${ratioOf(best).toFixed(2)}`;
}

export function report({ connections, payloadBytes, rounds, seconds, missing, results, profiles }) {
  const plain = ({ title }) => title.replaceAll("*", "");
  const rowsOf = (messages) =>
    peers.map((peer) => {
      const result = results[messages][peer.name];
      if (result === undefined) return [peer.title, `not measured: ${missing[peer.name]}`, "", "", "", ""];
      return [
        peer.title,
        spread(result.ratio),
        spread(result.cpuMicroseconds),
        number(result.perSecond.median),
        percent(result.serverShare),
        percent(result.loadShare),
      ];
    });
  const head = [
    "server",
    "CPU, ratio to the Node.js loop",
    "CPU a delivery, us",
    "deliveries/s",
    "server's core",
    "load's core",
  ];
  const chart = (messages, title) =>
    barChart({
      title,
      unit: "CPU a delivery, as a ratio to a bare Node.js loop just before and after (line: least to most)",
      bars: peers
        .filter(({ name: peer }) => results[messages][peer] !== undefined)
        .map((peer) => ({
          label: plain(peer),
          value: results[messages][peer.name].ratio,
          accent: peer.name === "websocket-center",
        })),
    });
  const markdown = `
One message of ${payloadBytes} bytes to each of ${number(connections)} connections, end to end: from the call of the
server's own function for it (\`hub.broadcast\` here) to the last client. The next tick begins when all clients have got
the last. Every server has TCP_NODELAY set, and the frames of all of them carry ${payloadBytes} bytes. Each is measured for
${seconds} s between two such measurements of the bare Node.js loop, to which the ratio is. Median of ${rounds} rounds (least to
most).

**One message a tick.** What is measured is one \`write\` a delivery, which costs the kernel some microseconds whatever
it carries: no server gets far below the loop in C.

${table(head, rowsOf(1))}

![CPU a delivery, one message a tick](images/bench-fan-out-1.svg)

**Sixteen messages a tick.** Who joins what goes to a connection in a tick pays one write for sixteen messages.

${table(head, rowsOf(16))}

![CPU a delivery, sixteen messages a tick](images/bench-fan-out-16.svg)

Where the CPU of a node goes meanwhile, by a profile apart:

${profileTable({ "one a tick": profiles[1], "sixteen a tick": profiles[16] })}

How each of them is set up:

${peers.map((peer) => `- ${plain(peer)}: ${peer.how}`).join("\n")}
`;
  const own = (messages) => results[messages]["websocket-center"].ratio;
  return {
    title: "Fan-out",
    markdown,
    images: {
      "bench-fan-out-1.svg": chart(1, "One message a tick"),
      "bench-fan-out-16.svg": chart(16, "Sixteen messages a tick"),
    },
    goals: [
      goal({
        work: "fan-out, 1,000 connections, one message a tick",
        target: "CPU at most 1.1 x a bare Node.js write loop",
        value: own(1),
        atMost: 1.1,
        ifMissed: distance(profiles[1], results[1]),
      }),
      goal({
        work: "the same, 16 messages a tick",
        target: "CPU at most 1.15 x a bare Node.js loop that writes the joined buffer",
        value: own(16),
        atMost: 1.15,
        ifMissed: distance(profiles[16], results[16]),
      }),
    ],
  };
}
