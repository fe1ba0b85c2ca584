// Runs the tests, names those that were skipped and why, and ends with a line `N passed, N failed`.
// With --all, a skipped test counts as failed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * @param {{ all: boolean }} options
 * @returns {{ passed: number, failed: number }}
 */
export function runTests({ all }) {
  const folder = mkdtempSync(path.join(tmpdir(), "wsc-tests-"));
  const report = path.join(folder, "report.json");
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  const run = spawnSync(
    process.execPath,
    [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    { cwd: root, stdio: "inherit" },
  );
  const { testResults, numPassedTests, numFailedTests, numFailedTestSuites } = readReport(report);
  rmSync(folder, { recursive: true, force: true });
  const skipped = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === "pending" || status === "skipped" || status === "todo")
      .map(({ fullName }) => `${path.relative(root, name)}: ${fullName}`),
  );
  if (skipped.length > 0) {
    console.log(
      `\nSkipped, because a program that they need is not installed (npm run verify installs them):`,
    );
    for (const name of skipped) console.log(`  ${name}`);
  }
  // A file that cannot be loaded has no failed test to show for it.
  const failedToRun = run.status !== 0 && numFailedTests === 0 ? Math.max(1, numFailedTestSuites) : 0;
  return {
    passed: numPassedTests,
    failed: numFailedTests + failedToRun + (all ? skipped.length : 0),
  };
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    console.error(`The test runner left no report: ${error.message}`);
    return { testResults: [], numPassedTests: 0, numFailedTests: 0, numFailedTestSuites: 1 };
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = runTests({ all: process.argv.includes("--all") });
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
