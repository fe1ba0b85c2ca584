// Everything that must hold before a change lands: Debian packages for the tests, build, formatting, lint, types,
// generated documents, tests, the cluster on every living release of Node.js. Ends with a line `N passed, N failed`.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
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

/** Asked by Debian before it starts a service; exit code 101 forbids it. */
const SERVICE_POLICY = "/usr/sbin/policy-rc.d";

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
  return run(withoutServices(`apt-get update --quiet --quiet && DEBIAN_FRONTEND=noninteractive ${install}`));
}

/**
 * The tests start programs themselves. Debian would start the service of nginx, on port 80 of every address, now and at
 * each boot; `policy-rc.d` tells it not to. A policy that this machine has already stays as it is.
 */
function withoutServices(install) {
  if (existsSync(SERVICE_POLICY) || isInstalled("nginx")) return install;
  console.log(`Services that come with them are not started: ${SERVICE_POLICY} says so meanwhile.`);
  return [
    `trap 'rm -f ${SERVICE_POLICY}' EXIT`,
    "trap 'exit 130' HUP INT TERM",
    `printf '#!/bin/sh\\nexit 101\\n' > ${SERVICE_POLICY}`,
    `chmod 755 ${SERVICE_POLICY}`,
    `${install} && update-rc.d nginx disable`,
  ].join("\n");
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
