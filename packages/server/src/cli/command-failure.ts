/** What a command exits with. Wrong usage is 2, as everywhere in this command line. */
export const EXIT_FAILED = 1;
export const EXIT_UNREACHABLE = 3;

/** A command could not do what it was asked to. The message is all that a user needs: no stack is shown. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: typeof EXIT_FAILED | typeof EXIT_UNREACHABLE, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "CommandFailure";
    this.exitCode = exitCode;
  }
}

/** The end of a command's `--help`. */
export function exitCodesHelp(failed: string, unreachable = "no center could be reached"): string {
  return ["", "Exit codes:", "  0  done", `  1  ${failed}`, "  2  wrong usage", `  3  ${unreachable}`].join(
    "\n",
  );
}

/** Says something about the course of things, where it disturbs no output. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
