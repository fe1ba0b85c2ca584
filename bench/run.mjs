// npm run bench [-- --quick] [-- ROW...]: measures, keeps the raw samples, and writes docs/BENCHMARKS.md.
import { rmSync, writeFileSync } from "node:fs";
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
  options: { quick: { type: "boolean" } },
});
const quick = values.quick === true;
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`There is no row ${unknown.join(", ")}. The rows are: ${names.join(", ")}.`);
  process.exit(2);
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
  const sections = [];
  for (const row of chosen) {
    const result = await measured(row, (text) => log(`${row.name}: ${text}`));
    const file = path.join(resultsFolder, `${row.name}.json`);
    writeFileSync(file, `${JSON.stringify({ machine, quick, result }, undefined, 2)}\n`);
    const section = row.report(result);
    sections.push(section);
    console.log(`\n${section.title}\n\n${section.markdown.trim()}\n`);
  }
  rmSync(path.join(resultsFolder, "blobs"), { recursive: true, force: true });
  if (chosen.length < rows.length) {
    log("docs/BENCHMARKS.md is only written when all rows were measured in one run");
    return;
  }
  writeDocument({ root, machine, quick, sections });
  log("wrote docs/BENCHMARKS.md and its plots");
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
