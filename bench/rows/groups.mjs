// 10,000 connections in 1,000 groups, messages to random groups.
import { startCluster } from "../cluster.mjs";
import { classicRequest, inFile, NUMBER, openConnections, sendRequests } from "../load.mjs";
import { GROUPS } from "../peers/groups.mjs";
import { PAYLOAD_BYTES, payload } from "../peers/serve.mjs";
import { cores, nodeCommand, Program } from "../process.mjs";
import { goal, number, percentOf, profileTable, spread, summary, table } from "../report/numbers.mjs";
import { peerFile } from "../setup.mjs";

const CONNECTIONS = 10_000;
const BATCH = 64;

export const name = "groups";

export async function run({ quick, log }) {
  const rounds = quick ? 3 : 9;
  const messages = BATCH * (quick ? 100 : 300);
  // The node is what is measured: it has the core to itself.
  const cluster = await startCluster({
    nodes: 1,
    users: CONNECTIONS,
    groups: GROUPS,
    centerCore: cores.others,
    nodeCore: cores.server,
  });
  const loop = await startLoop();
  const request = inFile(classicRequest("sendToGroup", { groupId: NUMBER, msg: payload }));
  const measured = { loop: [], link: [], http: [] };
  for (let round = -1; round < rounds; round += 1) {
    if (round >= 0) log(`round ${round + 1} of ${rounds}`);
    const command = JSON.stringify({ messages, batch: BATCH });
    const sample = {
      loop: await measure(loop.clients, 0, () => loop.program.ask(command)),
      link: await measure(cluster.clients, 1, () => cluster.center.ask(command)),
      http: await measure(cluster.clients, 1, () => requests(cluster, request, quick ? 0.5 : 1.5)),
    };
    // The first one warms up.
    if (round >= 0) for (const [way, value] of Object.entries(sample)) measured[way].push(value);
  }
  // After all rounds, for it makes the node slower.
  const [node] = cluster.nodes;
  await node.ask('{"profile":"start"}');
  await measure(cluster.clients, 1, () => cluster.center.ask(JSON.stringify({ messages, batch: BATCH })));
  const { shares } = await node.ask('{"profile":"end"}');
  await loop.clients.stop();
  await loop.program.stop();
  await cluster.stop();
  const results = Object.fromEntries(
    Object.entries(measured).map(([way, samples]) => [way, summarize(samples, measured.loop)]),
  );
  return {
    connections: CONNECTIONS,
    groups: GROUPS,
    payloadBytes: PAYLOAD_BYTES,
    rounds,
    messages,
    batch: BATCH,
    results,
    shares,
  };
}

async function startLoop() {
  const program = new Program([...nodeCommand, peerFile("group-loop.mjs")], { core: cores.server });
  const { port } = await program.answer();
  const clients = await openConnections({ ports: [port], connections: CONNECTIONS, watch: [program.pid] });
  await clients.settle();
  return { program, clients };
}

/** Microseconds of the process at `index` for each delivery, once all of them have arrived. */
async function measure(clients, index, send) {
  await clients.settle();
  const before = await clients.clock();
  const start = performance.now();
  const { delivered } = await send();
  const { bytes } = await clients.wait(delivered * PAYLOAD_BYTES, 10);
  const seconds = (performance.now() - start) / 1000;
  const after = await clients.clock();
  if (bytes !== delivered * PAYLOAD_BYTES) {
    throw new Error(`${bytes} bytes arrived instead of ${delivered} messages of ${PAYLOAD_BYTES}`);
  }
  return {
    cpuMicroseconds: ((after[index] - before[index]) / delivered) * 1e6,
    centerMicroseconds: index === 0 ? 0 : ((after[0] - before[0]) / delivered) * 1e6,
    perSecond: delivered / seconds,
  };
}

async function requests({ http }, request, seconds) {
  const { requests: answered, inFlight } = await sendRequests({
    port: http,
    request,
    expect: '"code":0',
    numbers: GROUPS,
    seconds,
  });
  return { delivered: (answered + inFlight) * (CONNECTIONS / GROUPS) };
}

function summarize(samples, reference) {
  const of = (pick) => summary(samples.map(pick));
  return {
    cpuMicroseconds: of((sample) => sample.cpuMicroseconds),
    centerMicroseconds: of((sample) => sample.centerMicroseconds),
    perSecond: of((sample) => sample.perSecond),
    ratio: summary(samples.map((sample, round) => sample.cpuMicroseconds / reference[round].cpuMicroseconds)),
    samples,
  };
}

export function report({ connections, groups, payloadBytes, rounds, messages, batch, results, shares }) {
  const row = (title, { ratio, cpuMicroseconds, centerMicroseconds, perSecond }) => [
    title,
    spread(ratio),
    spread(cpuMicroseconds),
    centerMicroseconds.median === 0 ? "" : spread(centerMicroseconds),
    number(perSecond.median),
  ];
  const markdown = `
${number(connections)} connections in ${number(groups)} groups of ${connections / groups} on one node; messages of
${payloadBytes} bytes to groups picked at random. *Through the link*: the center's process sends them, ${batch} calls in
flight at once, ${number(messages)} in a round. *Through the HTTP API*: a request each, 64 keep-alive connections. The bare
Node.js loop writes the same frames to the sockets of the same groups, and knows without being told which. Here the node has
the core to itself, and the center shares the other one with the load. Median of ${rounds} rounds (least to most).

${table(
  [
    "way",
    "CPU of the node, ratio to the loop",
    "CPU of the node a delivery, us",
    "CPU of the center a delivery, us",
    "deliveries/s",
  ],
  [
    row("bare Node.js loop", results.loop),
    row("**through the link**", results.link),
    row("**through the HTTP API**", results.http),
  ],
)}

Where the CPU of the node goes through the link, by a profile apart:

${profileTable({ "through the link": shares })}
`;
  return {
    title: "Messages to groups",
    markdown,
    images: {},
    goals: [
      goal({
        work: "10,000 connections in 1,000 groups, through the link",
        target: "CPU of the node at most 1.3 x a bare loop that writes the same frames",
        value: results.link.ratio,
        atMost: 1.3,
        ifMissed: `by the profile ${percentOf(shares["write, in the kernel"])} of the node's CPU is the kernel's write, which the loop pays too. The loop touches a socket once for each delivery; a node also touches the group, the connection and its place in the queue, which with ${number(connections)} connections are in no cache.`,
      }),
    ],
  };
}
