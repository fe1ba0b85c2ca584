import type { ErrorCode } from "@websocket-center/protocol";

/** An error whose `code` callers may rely on. Its message is for people; its cause is kept. */
export class CenterError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "CenterError";
    this.code = code;
  }
}

/** What `start` of a center or node rejects with the second time. */
export function startRefused(what: "center" | "node"): CenterError {
  return new CenterError("START_REFUSED", `a ${what} starts once: to run it again, create another one`);
}

/** What `start` rejects with where `drain` or `stop` came before it had ended. */
export function startOvertaken(what: "center" | "node"): CenterError {
  return new CenterError("START_REFUSED", `the ${what} was stopped while it started`);
}

/** The code of whatever was thrown. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof CenterError ? error.code : "INTERNAL";
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
