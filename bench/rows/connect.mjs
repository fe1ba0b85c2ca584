// 10,000 clients that connect at once, beside bare `ws`.
import { openConnections } from "../load.mjs";
import { startServer } from "../peers/peers.mjs";
import { cpuSecondsOf } from "../process.mjs";
import { goal, number, spread, summary, table } from "../report/numbers.mjs";

const CONNECTIONS = 10_000;

export const name = "connect";

const subjects = ["ws", "websocket-center"];

export async function run({ quick, log }) {
  const rounds = quick ? 3 : 9;
  const measured = Object.fromEntries(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round += 1) {
    log(`round ${round + 1} of ${rounds}`);
    for (const subject of subjects) measured[subject].push(await connectAll(subject));
  }
  const results = Object.fromEntries(
    Object.entries(measured).map(([subject, samples]) => [
      subject,
      {
        perSecond: summary(samples.map(({ perSecond }) => perSecond)),
        cpuMicroseconds: summary(samples.map(({ cpuMicroseconds }) => cpuMicroseconds)),
        lastMs: summary(samples.map(({ lastMs }) => lastMs)),
        ratio: summary(samples.map(({ perSecond }, round) => perSecond / measured.ws[round].perSecond)),
        cpuRatio: summary(
          samples.map(({ cpuMicroseconds }, round) => cpuMicroseconds / measured.ws[round].cpuMicroseconds),
        ),
        refused: samples.reduce((sum, { refused }) => sum + refused, 0),
        samples,
      },
    ]),
  );
  return { connections: CONNECTIONS, rounds, results };
}

async function connectAll(subject) {
  const { program, port } = await startServer(subject);
  const before = cpuSecondsOf(program.pid);
  // At once: all handshakes are under way before the first is answered.
  const args = ["--at-once", "0"];
  const clients = await openConnections({ ports: [port], connections: CONNECTIONS, args, mayRefuse: true });
  const cpu = cpuSecondsOf(program.pid) - before;
  const { connected, refused, seconds, max } = clients.connected;
  await clients.stop();
  await program.stop();
  return { perSecond: connected / seconds, cpuMicroseconds: (cpu / connected) * 1e6, lastMs: max, refused };
}

export function report({ connections, rounds, results }) {
  const row = (title, { ratio, perSecond, cpuMicroseconds, cpuRatio, lastMs, refused }) => [
    title,
    spread(ratio),
    spread(perSecond, 0),
    spread(cpuMicroseconds, 0),
    spread(cpuRatio),
    spread(lastMs, 0),
    number(refused),
  ];
  const markdown = `
${number(connections)} clients begin to connect at once; nobody may be refused. The rate counts until the last is in, which the column
before the last shows too. Here each client also gets an id, a place in the hub and the \`open\` frame. A new process in
each of ${rounds} rounds (least to most).

${table(
  [
    "server",
    "rate, ratio to `ws`",
    "connections/s",
    "CPU a connection, us",
    "ratio",
    "the last is in after, ms",
    "refused",
  ],
  [row("ws", results.ws), row("**websocket-center**", results["websocket-center"])],
)}
`;
  return {
    title: "Connecting",
    markdown,
    images: {},
    goals: [
      goal({
        work: `${number(connections)} clients connect at once`,
        target: "rate at least 0.8 x bare `ws`",
        value: results["websocket-center"].ratio,
        atLeast: 0.8,
        ifMissed: `a connection takes ${spread(results["websocket-center"].cpuRatio)} times the CPU that it takes at \`ws\`, which gives it neither an id, nor a place in the hub, nor a first frame. Who comes while a server's queue of new sockets is full is not heard, and tries again after a second, and then after two more: most likely that is why a little more work for each costs the last of them whole seconds.`,
      }),
      goal({
        work: "the same, how many of them are refused",
        target: "nobody",
        value: summary(results["websocket-center"].samples.map(({ refused }) => refused)),
        digits: 0,
        atMost: 0,
      }),
    ],
  };
}
