// npm run bench [-- --quick] [-- ROW...]: measures, keeps the raw samples, and writes docs/BENCHMARKS.md.
// npm run bench -- --report: writes it again from the samples that are kept of each row.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.mjs";
import { pinSelf, stopAll } from "./process.mjs";
import { writeDocument } from "./report/document.mjs";
import { rows } from "./rows/index.mjs";
import { resultsFolder, root, setUp } from "./setup.mjs";

const names = rows.map(({ name }) => name);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean" }, report: { type: "boolean" } },
});
const quick = values.quick === true;
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`There is no row ${unknown.join(", ")}. The rows are: ${names.join(", ")}.`);
  process.exit(2);
}

if (values.report === true) {
  reportAgain();
  process.exit();
}
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => void stopAll().then(() => process.exit(1)));

try {
  await measureRows(rows.filter(({ name }) => positionals.length === 0 || positionals.includes(name)));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await stopAll();
}

async function measureRows(chosen) {
  const startedAt = performance.now();
  const log = (text) => console.log(`${minutes(performance.now() - startedAt)}  ${text}`);
  setUp(log);
  pinSelf();
  const machine = describeMachine();
  const run = new Date().toISOString();
  const sections = [];
  for (const row of chosen) {
    const result = await measured(row, (text) => log(`${row.name}: ${text}`));
    writeFileSync(resultsOf(row), `${JSON.stringify({ run, machine, quick, result }, undefined, 2)}\n`);
    const section = row.report(result);
    sections.push(section);
    console.log(`\n${section.title}\n\n${section.markdown.trim()}\n`);
  }
  rmSync(path.join(resultsFolder, "blobs"), { recursive: true, force: true });
  if (chosen.length < rows.length) {
    log("docs/BENCHMARKS.md is only written when all rows were measured in one run");
    return;
  }
  writeDocument({ root, machine, quick, runs: 1, sections });
  log("wrote docs/BENCHMARKS.md and its plots");
}

function resultsOf({ name }) {
  return path.join(resultsFolder, `${name}.json`);
}

function reportAgain() {
  const kept = rows.map((row) => ({ row, ...JSON.parse(readFileSync(resultsOf(row), "utf8")) }));
  const [{ machine, quick: wasQuick }] = kept;
  const circumstances = (one) => JSON.stringify([one.machine, one.quick]);
  const other = kept.find((one) => circumstances(one) !== circumstances(kept[0]));
  if (other !== undefined) {
    throw new Error(`${other.row.name} was not measured as ${kept[0].row.name} was, or on another day`);
  }
  const runs = new Set(kept.map(({ run }) => run)).size;
  const sections = kept.map(({ row, result }) => row.report(result));
  writeDocument({ root, machine, quick: wasQuick, runs, sections });
}

/** A row's result. One that was disturbed is measured again, once. */
async function measured(row, log) {
  try {
    return await row.run({ quick, log });
  } catch (error) {
    log(`failed, and is tried once more: ${error.message}`);
    await stopAll();
    return row.run({ quick, log });
  }
}

function minutes(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, "0")}`;
}
