import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { table } from "./numbers.mjs";

/** What docs/BENCHMARKS.md says before the rows. */
function opening({ machine, quick, runs }) {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return `# Benchmarks

How much work a delivery, a call and a connection cost here, beside other servers and beside what the machine can do at
all. This page is written by a program from what it has just measured:

\`\`\`
npm run bench                 # everything; some 35 minutes
npm run bench -- --quick      # the same, in some 12 minutes
npm run bench -- fan-out      # one row, shown on the terminal
\`\`\`

It needs Linux, a C compiler and two cores; it installs the peers from npm into \`bench/node_modules\`, and names
the Debian packages of those that npm does not have. Everything runs on loopback, is bounded in time, and ends what it
started. The raw samples are kept in \`bench/results/\`.

**How it is measured.** ${
    runs === 1
      ? "Everything in one run on one machine."
      : `Each section in one run, all in ${runs} runs on one machine and one day.`
  } A server has core ${machine.cores.server} to itself; what
loads it is on core ${machine.cores.load}: programs in C ([bench/load](../bench/load)) whose own share of a core stands
beside the rates of fan-out, calls and streams, so that one can see that they are not the limit. Where not said otherwise,
candidates take turns in several rounds, and a figure is the median over the rounds, with the least and the most. *CPU*
is user and system time of the server's process (with its workers) as the kernel counts it, divided by what was done: the
load has a core of its own, so this, and not the rate, is what compares. A *ratio* is taken within each round, where it can
be to what was measured just before and just after, so that what disturbs the machine for a while disturbs both sides of
it. Every connection is checked to have got every byte that it should, and no more. Servers in Node.js run with
\`--single-threaded-gc\`: each has one core, on which the threads of V8's collector would only take turns with it
([OPERATIONS.md](OPERATIONS.md#one-core)).

Measured on ${machine.date}${quick ? ", in a quick run" : ""}: ${machine.cpu}, ${machine.memory}, ${machine.kernel}; ${versions.join(", ")}.
`;
}

/**
 * Writes docs/BENCHMARKS.md and its plots.
 * @param {{ root: string, machine: object, quick: boolean, runs: number, sections: { title: string, markdown: string, goals: object[], images: Record<string, string> }[] }} parts
 */
export function writeDocument({ root, machine, quick, runs, sections }) {
  const images = path.join(root, "docs", "images");
  mkdirSync(images, { recursive: true });
  for (const section of sections) {
    for (const [file, svg] of Object.entries(section.images)) writeFileSync(path.join(images, file), svg);
  }
  const all = sections.flatMap((section) => section.goals);
  const goals = table(
    ["work", "wanted", "measured", ""],
    all.map(({ work, target, measured, isReached }) => [
      work,
      target,
      measured,
      isReached ? "reached" : "**missed**",
    ]),
  );
  const reasons = all
    .filter(({ isReached, ifMissed }) => !isReached && ifMissed !== undefined)
    .map(({ work, ifMissed }) => `- *${work}* is missed: ${ifMissed}\n`);
  const parts = [
    opening({ machine, quick, runs }),
    `## In short\n\n${goals}\n${reasons.length > 0 ? `\n${reasons.join("")}` : ""}`,
    ...sections.map(({ title, markdown }) => `## ${title}\n\n${markdown.trim()}\n`),
  ];
  writeFileSync(path.join(root, "docs", "BENCHMARKS.md"), parts.join("\n"));
}
