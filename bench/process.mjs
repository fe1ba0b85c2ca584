// Processes of a measurement: pinned, spoken with in lines of JSON, counted by what /proc says of them, and ended.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readFileSync, readdirSync, rmSync, writeSync } from "node:fs";
import { connect, createServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as setTimeoutPromise } from "node:timers/promises";

/** Servers have a core of their own; the load has another, which it shares with the rest where there are only two. */
export const cores = {
  server: 0,
  load: cpus().length > 1 ? 1 : 0,
  others: cpus().length > 2 ? 2 : cpus().length - 1,
};

/**
 * Node.js for a program that has a core to itself: on one core, the threads of V8's collector only take turns with the
 * program that waits for them.
 */
export const nodeCommand = [process.execPath, "--single-threaded-gc"];

const LINE_TIMEOUT_MS = 90_000;
const running = new Set();
let fifoCount = 0;

/** A process that answers in lines of JSON on its standard output. */
export class Program {
  /** Where single bytes for it can be written to, also by other processes. */
  fifo;
  #child;
  #lines = [];
  #waiting = [];
  #errors = "";
  #fifoEnd;
  #isEnding = false;

  /**
   * @param {string[]} command - the program and its arguments
   * @param {{ core: number, fifo?: boolean, cwd?: string, env?: NodeJS.ProcessEnv, name?: string }} options
   */
  constructor(command, { core, fifo = false, cwd, env, name = path.basename(command.at(-1)) }) {
    this.name = name;
    let input = "pipe";
    if (fifo) {
      this.fifo = path.join(tmpdir(), `wsc-bench-${process.pid}-${(fifoCount += 1)}`);
      execFileSync("mkfifo", [this.fifo]);
      input = openSync(this.fifo, constants.O_RDONLY | constants.O_NONBLOCK);
      this.#fifoEnd = openSync(this.fifo, constants.O_WRONLY);
    }
    this.#child = spawn("taskset", ["-c", String(core), ...command], {
      cwd,
      env: { ...process.env, ...env },
      stdio: [input, "pipe", "pipe"],
    });
    running.add(this);
    if (typeof input === "number") closeSync(input);
    this.#child.stderr.on("data", (text) => (this.#errors = (this.#errors + text).slice(-2000)));
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#take(line));
    this.#child.on("error", (error) => this.#ended(error.message));
    this.#child.on("close", (code, signal) => this.#ended(`ended with ${code ?? signal}`));
  }

  get pid() {
    return this.#child.pid;
  }

  /** What it wrote last to its standard error. */
  get errors() {
    return this.#errors.trim();
  }

  /** Resident bytes, its children's included. */
  get residentBytes() {
    return withChildren(this.pid).reduce((sum, pid) => sum + residentBytesOf(pid), 0);
  }

  /** The next line that it says. */
  answer() {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.name} said nothing for ${LINE_TIMEOUT_MS} ms`)),
        LINE_TIMEOUT_MS,
      );
      this.#waiting.push({ resolve, reject, timer });
    });
  }

  /** Sends it a line, and waits for its answer. */
  ask(line) {
    const answer = this.answer();
    this.#child.stdin.write(`${line}\n`);
    return answer;
  }

  /** Sends it bytes through its fifo. */
  tell(bytes) {
    writeSync(this.#fifoEnd, bytes);
  }

  async stop() {
    if (!running.has(this)) return;
    this.#isEnding = true;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3000);
    await closed;
    clearTimeout(timer);
  }

  #take(line) {
    if (!line.startsWith("{")) return;
    const value = JSON.parse(line);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) {
      this.#lines.push(value);
      return;
    }
    clearTimeout(waiting.timer);
    waiting.resolve(value);
  }

  #ended(how) {
    if (!running.delete(this)) return;
    if (this.#fifoEnd !== undefined) {
      closeSync(this.#fifoEnd);
      rmSync(this.fifo, { force: true });
    }
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(new Error(`${this.name} ${how}${this.#isEnding ? "" : `: ${this.#errors.trim()}`}`));
    }
  }
}

/** Ends whatever still runs. */
export async function stopAll() {
  await Promise.all([...running].map((program) => program.stop()));
}

/** User and system time of a process until now, in seconds, exact to a hundredth; the load programs know it to the nanosecond. */
export function cpuSecondsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // What follows the name, which may hold spaces; utime and stime are in hundredths of a second.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentBytesOf(pid) {
  return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096;
}

/** A process and those that it started, for servers that have workers. */
export function withChildren(pid) {
  const children = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && parentOf(entry) === pid);
  return [pid, ...children.flatMap((child) => withChildren(Number(child)))];
}

function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    // It has gone meanwhile.
    return undefined;
  }
}

/** A port that was free just now, for servers that cannot say which one they got. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Waits until somebody listens on the port. */
export async function listening(port) {
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = connect(port, "127.0.0.1");
    const isThere = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
    await setTimeoutPromise(25);
  }
  throw new Error(`nobody listens on port ${port}`);
}

/** Pins this process, which only orders others about, to the core of the load. */
export function pinSelf() {
  execFileSync("taskset", ["-a", "-cp", String(cores.load), String(process.pid)], { stdio: "ignore" });
}
