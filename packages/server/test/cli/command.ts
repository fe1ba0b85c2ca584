import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** `websocket-center` with arguments, as a process of its own. */
export interface Command {
  stdout: () => string;
  stderr: () => string;
  /** Resolves when stdout matches; rejects when the process ends before. */
  prints: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** The same for stderr. */
  says: (pattern: RegExp) => Promise<RegExpExecArray>;
  signal: (name: NodeJS.Signals) => void;
  /** The exit code; null where a signal ended it. */
  exited: Promise<number | null>;
}

const running = new Set<Command>();

/** Starts it without anything of this process's environment but what is needed to run. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const until = (
    pattern: RegExp,
    stream: NodeJS.ReadableStream,
    text: () => string,
  ): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(text());
        if (match !== null) resolve(match);
      };
      stream.on("data", look);
      child.once("close", () =>
        reject(new Error(`it ended before it printed ${pattern}:\n${stdout}${stderr}`)),
      );
      look();
    });
  const command: Command = {
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (name) => void child.kill(name),
    exited: once(child, "close").then(([code]) => {
      running.delete(command);
      return code as number | null;
    }),
    prints: (pattern) => until(pattern, child.stdout, () => stdout),
    says: (pattern) => until(pattern, child.stderr, () => stderr),
  };
  running.add(command);
  return command;
}

/** Starts it and waits for its end. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const command = start(args, env);
  const code = await command.exited;
  return { code, stdout: command.stdout(), stderr: command.stderr() };
}

/** Ends what a failed test left running. */
export async function endAll(): Promise<void> {
  await Promise.all(
    [...running].map((command) => {
      command.signal("SIGKILL");
      return command.exited;
    }),
  );
}

/** Listens on a port of 127.0.0.1, 0 for any free one. Rejects where it is taken. */
export async function occupy(port: number): Promise<{ port: number; free: () => Promise<void> }> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    free: async () => {
      server.close();
      await once(server, "close");
    },
  };
}
