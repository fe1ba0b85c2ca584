// Everything that must hold before a change lands: Debian packages for the tests, build, formatting, lint, types,
// generated documents, tests, the cluster on every living release of Node.js. Ends with a line `N passed, N failed`.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runTests } from "./test.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Programs that tests start, and the Debian packages that have them. */
const programs = [
  { command: "chromium", debian: "chromium" },
  { command: "openssl", debian: "openssl" },
  { command: "curl", debian: "curl" },
  { command: "jq", debian: "jq" },
  { command: "php", debian: "php-cli" },
  { command: "nginx", debian: "nginx-light" },
  { command: "python3", debian: "python3" },
  { command: "zsh", debian: "zsh" },
  { command: "fish", debian: "fish" },
];

const steps = [
  ["build", "npm run --silent build"],
  ["formatting", "npm run --silent format:check"],
  ["lint", "npm run --silent lint"],
  ["types of the tests", "npm run --silent types:test"],
  ["generated documents", "node scripts/generate-docs.mjs --check"],
];

const run = (command) => spawnSync(command, { cwd: root, shell: true, stdio: "inherit" }).status === 0;
const isInstalled = (command) =>
  spawnSync("command", ["-v", command], { shell: true, stdio: "ignore" }).status === 0;

function installPrograms() {
  const missing = programs.filter(({ command }) => !isInstalled(command)).map(({ debian }) => debian);
  if (missing.length === 0) return true;
  const install = `apt-get install --yes --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid?.() !== 0 || !isInstalled("apt-get")) {
    console.error(`The tests need these Debian packages, which only root can install: ${missing.join(" ")}`);
    console.error(`Run as root: apt-get update && ${install}`);
    return false;
  }
  console.log(`The tests need Debian packages that are not installed; installing: ${missing.join(" ")}`);
  return run(`apt-get update --quiet --quiet && DEBIAN_FRONTEND=noninteractive ${install}`);
}

let passed = 0;
let failed = 0;
const count = (name, ok) => {
  if (ok) passed += 1;
  else failed += 1;
  console.log(`${ok ? "ok" : "FAILED"}: ${name}`);
  return ok;
};

let canTest = count("programs for the tests", installPrograms());
for (const [name, command] of steps) {
  const ok = count(name, run(command));
  if (name === "build") canTest &&= ok;
}
if (canTest) {
  const tests = runTests({ all: true });
  passed += tests.passed;
  failed += tests.failed;
  if (process.platform === "linux" && process.arch === "x64") {
    count("every living release of Node.js", run("node scripts/verify-nodes.mjs"));
  } else {
    console.log("Not run: the binaries of other Node.js releases are for Linux on x64.");
  }
} else {
  console.error("The tests were not run.");
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
