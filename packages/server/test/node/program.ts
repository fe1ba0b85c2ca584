import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** A center or node as a process of its own, on free ports. It is killed when the test ends. */
export class Program {
  readonly process: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** All that it wrote, to stdout and stderr. */
  output = "";
  #onOutput: () => void = () => undefined;

  private constructor(part: "center" | "node", env: Record<string, string>, limits: string) {
    // `exec` makes node the process that was started here.
    const args = ["-c", `${limits} exec "$0" "$@"`, process.execPath, main, part];
    const ports = { REGISTER_CENTER_PORT: "0", HTTP_PORT: "0", PORT: "0" };
    this.process = spawn("bash", args, {
      env: { PATH: process.env["PATH"] ?? "", ...ports, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        this.#onOutput();
      });
    }
    this.exited = new Promise((resolve) => {
      this.process.once("close", (code, signal) => {
        resolve({ code, signal });
        this.#onOutput();
      });
    });
    onTestFinished(() => {
      this.process.kill("SIGKILL");
    });
  }

  /** Resolves once it listens. `limits` are shell commands that are run before, such as `ulimit -n 100;`. */
  static async start(
    part: "center" | "node",
    env: Record<string, string> = {},
    limits = "",
  ): Promise<Program> {
    const program = new Program(part, env, limits);
    while (program.line("listening") === undefined) {
      if (program.hasExited) throw new Error(`the ${part} ended\n${program.output}`);
      await new Promise<void>((resolve) => {
        program.#onOutput = resolve;
      });
    }
    return program;
  }

  get hasExited(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** The first log line with this message. */
  line(message: string): Record<string, unknown> | undefined {
    const lines = this.output.split("\n").filter((text) => text.startsWith("{") && text.endsWith("}"));
    return lines
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .find(({ msg }) => msg === message);
  }

  /** `host:port` of one of its listeners. */
  address(listener: "client" | "http" | "link" | "admin"): string {
    return String(this.line("listening")?.[listener]);
  }
}
