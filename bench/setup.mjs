// What must be there before anything is measured: the peers from npm, the load programs, the build of this project.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = path.dirname(fileURLToPath(import.meta.url));

/** The folder of the repository. */
export const root = path.dirname(folder);
export const resultsFolder = path.join(folder, "results");

const binaries = path.join(resultsFolder, "bin");
/** The compiled programs of `load/`. */
export const programs = {
  wsLoad: path.join(binaries, "ws-load"),
  batchLoad: path.join(binaries, "batch-load"),
  httpLoad: path.join(binaries, "http-load"),
  writeLoop: path.join(binaries, "write-loop"),
};

export const peerFile = (name) => path.join(folder, "peers", name);

/** @returns the path of a program, undefined where it is not installed. */
export function findCommand(name) {
  const { status, stdout } = spawnSync("sh", [
    "-c",
    `PATH="$PATH:/usr/sbin:/sbin" command -v "$1"`,
    "sh",
    name,
  ]);
  return status === 0 ? String(stdout).trim() : undefined;
}

/** @throws Error that says what is missing and how to get it. */
export function setUp(log) {
  if (process.platform !== "linux")
    throw new Error("the benchmark needs Linux: it reads /proc and uses epoll");
  for (const [command, debian] of [
    ["cc", "gcc and libc6-dev"],
    ["taskset", "util-linux"],
  ]) {
    if (findCommand(command) === undefined) throw new Error(`${command} is missing (Debian: ${debian})`);
  }
  if (!existsSync(path.join(root, "node_modules", "ws"))) {
    log("installing this project's packages");
    npm(["ci"], root);
  }
  log("building this project");
  npm(["run", "--silent", "build"], root);
  if (!existsSync(path.join(folder, "node_modules", "ws"))) {
    log("installing the peers from npm, without their install scripts");
    npm(["ci", "--ignore-scripts", "--no-workspaces"], folder);
  }
  mkdirSync(binaries, { recursive: true });
  for (const output of Object.values(programs)) {
    const source = path.join(folder, "load", `${path.basename(output)}.c`);
    execFileSync("cc", ["-O2", "-Wall", "-Wextra", "-o", output, source], { stdio: "inherit" });
  }
}

function npm(args, cwd) {
  execFileSync("npm", args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
}
