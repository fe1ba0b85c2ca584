import { CenterError, type CenterErrorCode, isCenterErrorCode } from "./errors.js";

/**
 * What a call that was not run says: the center is left alone for a while, another may take it, it may come again at once,
 * or nobody would take it.
 */
export type Verdict = "rest" | "elsewhere" | "again" | "final";

/** What came of handing a call to one center. */
export type Attempt<T> =
  | { kind: "answered"; value: T }
  /** Surely not run. */
  | { kind: "not-run"; error: CenterError; verdict: Verdict }
  /** Nodes may have run it or not, and nobody can say. */
  | { kind: "unknown"; error: CenterError; verdict: "rest" | "elsewhere" };

/** The center did not take the call, and is left alone for a while. */
export function notTaken(message: string, cause?: unknown): Attempt<never> {
  return { kind: "not-run", error: new CenterError("NO_CENTER", message, { cause }), verdict: "rest" };
}

export function unknown(message: string, cause?: unknown): Attempt<never> {
  const text = `${message}; whether nodes ran the call is unknown`;
  return { kind: "unknown", error: new CenterError("OUTCOME_UNKNOWN", text, { cause }), verdict: "rest" };
}

export function refused(code: CenterErrorCode, message: string): Attempt<never> {
  return { kind: "not-run", error: new CenterError(code, message), verdict: "final" };
}

/** Judges a failure that a center reports with its code. */
export function reported(code: unknown, message: string): Attempt<never> {
  if (!isCenterErrorCode(code)) return unknown(`a center answered ${String(code)}: ${message}`);
  const error = new CenterError(code, message);
  if (resting.has(code)) return { kind: "not-run", error, verdict: "rest" };
  if (oneCentersWord.has(code)) return { kind: "not-run", error, verdict: "elsewhere" };
  if (ended.has(code)) return { kind: "unknown", error, verdict: "elsewhere" };
  return { kind: "not-run", error, verdict: "final" };
}

const resting: ReadonlySet<CenterErrorCode> = new Set(["CENTER_BUSY", "NO_CENTER"]);
/** A center that has just begun knows few nodes: another may know more. */
const oneCentersWord: ReadonlySet<CenterErrorCode> = new Set(["NO_NODE", "UNKNOWN_NODE", "UNKNOWN_SERVICE"]);
/** Said of calls that had begun. */
const ended: ReadonlySet<CenterErrorCode> = new Set([
  "ABORTED",
  "INTERNAL",
  "INVALID_RESULT",
  "LINK_LOST",
  "METHOD_FAILED",
  "NODE_LEFT",
  "NODE_TIMEOUT",
  "OUTCOME_UNKNOWN",
  "REPLY_DROPPED",
  "REPLY_TOO_LARGE",
]);
