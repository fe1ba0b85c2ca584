import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One process of the cluster, known by its own id only. */
export class Child {
  readonly name: string;
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  #output = "";
  #exit: Exit | undefined;

  constructor(name: string, command: "center" | "node", env: Readonly<Record<string, string>>) {
    this.name = name;
    const inherited = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" };
    this.#process = spawn(process.execPath, [main, command], {
      env: { ...inherited, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-6_000);
      });
    }
    this.exited = new Promise((resolve, reject) => {
      this.#process.once("error", reject);
      this.#process.once("exit", (code, signal) => {
        this.#exit = { code, signal };
        process.off("exit", this.#killNow);
        resolve(this.#exit);
      });
    });
    process.on("exit", this.#killNow);
  }

  get pid(): number {
    const pid = this.#process.pid;
    if (pid === undefined) {
      throw new Error(`${this.name} was never started`);
    }
    return pid;
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** What it wrote to stdout and stderr, the last 6,000 characters. */
  get output(): string {
    return this.#output;
  }

  /** Resolves once its output has `text`; rejects when it ends without. */
  wrote(text: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (text.test(this.#output)) {
          resolve();
        }
      };
      this.#process.stdout?.on("data", look);
      this.#process.stderr?.on("data", look);
      void this.exited.then(() => reject(new Error(`${this.name} ended without ${text}: ${this.#output}`)));
      look();
    });
  }

  signal(name: NodeJS.Signals): void {
    if (this.#exit === undefined) {
      this.#process.kill(name);
    }
  }

  async stop(): Promise<Exit> {
    this.signal("SIGCONT");
    this.signal("SIGTERM");
    const patience = new AbortController();
    const late = delay(8_000, undefined, { signal: patience.signal }).then(
      () => this.signal("SIGKILL"),
      () => undefined,
    );
    const exit = await this.exited;
    patience.abort();
    await late;
    return exit;
  }

  readonly #killNow = (): void => this.signal("SIGKILL");
}

/** Asks again until the answer is there: for states of other processes, which send no event. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined>,
  patienceMs = 20_000,
): Promise<T> {
  const end = Date.now() + patienceMs;
  let last: unknown;
  do {
    try {
      const found = await check();
      if (found !== undefined) {
        return found;
      }
    } catch (error) {
      last = error;
    }
    await delay(20);
  } while (Date.now() < end);
  throw new Error(`waited in vain: ${what}`, { cause: last });
}
