import { CenterError } from "../errors.js";
import { CommandFailure } from "./command-failure.js";

/** The command line or the configuration is wrong. */
export const EXIT_USAGE = 2;
/** Everything else that went wrong. */
export const EXIT_FAILURE = 1;

/**
 * Writes to stderr why a process cannot go on: plain text for what the user can mend, a stack for faults of ours.
 *
 * @returns the exit code.
 */
export function reportFailure(error: unknown): number {
  if (error instanceof CommandFailure) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof CenterError) {
    process.stderr.write(
      `${headings[error.code] ?? "websocket-center failed"}:\n${indented(error.message)}\n`,
    );
    return error.code === "CONFIG_INVALID" ? EXIT_USAGE : EXIT_FAILURE;
  }
  if (isSystemError(error)) process.stderr.write(`websocket-center failed: ${error.message}\n`);
  else process.stderr.write(`websocket-center failed: ${stackOf(error)}\n`);
  return EXIT_FAILURE;
}

const headings: Partial<Record<CenterError["code"], string>> = {
  CONFIG_INVALID: "The configuration is wrong",
  LISTEN_REFUSED: "Not started, because it would not be safe",
  PORT_TAKEN: "Not started",
};

function indented(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}

/** What the operating system refused, such as EACCES for a port below 1024. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
