// Resident memory of idle connections, beside bare `ws`.
import { openConnections } from "../load.mjs";
import { startServer } from "../peers/peers.mjs";
import { goal, number, spread, summary, table } from "../report/numbers.mjs";

const CONNECTIONS = 8000;

export const name = "memory";

/** `--expose-gc`, so that what the handshakes left is collected before memory is read. */
const subjects = ["ws", "websocket-center-bound"];

export async function run({ quick, log }) {
  const rounds = quick ? 2 : 5;
  const measured = Object.fromEntries(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round += 1) {
    log(`round ${round + 1} of ${rounds}`);
    for (const subject of subjects) measured[subject].push(await growth(subject));
  }
  const results = Object.fromEntries(
    Object.entries(measured).map(([subject, samples]) => [
      subject,
      {
        bytes: summary(samples),
        ratio: summary(samples.map((bytes, round) => bytes / measured.ws[round])),
      },
    ]),
  );
  return { connections: CONNECTIONS, rounds, results };
}

/** Bytes by which the process grows for each connection. */
export async function growth(subject, connections = CONNECTIONS) {
  const { program, port } = await startServer(subject);
  const before = await residentBytes(program);
  const clients = await openConnections({ ports: [port], connections });
  await clients.settle();
  const after = await residentBytes(program);
  await clients.stop();
  await program.stop();
  return (after - before) / connections;
}

export async function residentBytes(program) {
  program.tell("m");
  await program.answer();
  return program.residentBytes;
}

export function report({ connections, rounds, results }) {
  const row = (title, { ratio, bytes }) => [title, spread(ratio), spread(bytes, 0)];
  const bound = results["websocket-center-bound"];
  const markdown = `
Growth of the process's resident memory from before the first of ${number(connections)} clients to after the last, each time
after a forced collection, divided by the clients. Here each of them has a user and is in a group; a bare \`ws\` server
knows of neither. A new process in each of ${rounds} rounds (least to most).

${table(["server", "ratio to `ws`", "bytes a connection"], [row("ws", results.ws), row("**websocket-center**", bound)])}
`;
  return {
    title: "Memory",
    markdown,
    images: {},
    goals: [
      goal({
        work: `memory of an idle connection, with a user and a group; ${number(connections)} connections`,
        target: "at most 1.25 x bare `ws`",
        value: bound.ratio,
        atMost: 1.25,
      }),
    ],
  };
}
