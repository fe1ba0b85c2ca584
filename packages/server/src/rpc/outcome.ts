import { type ErrorCode, isErrorCode, type WireOutcome } from "@websocket-center/protocol";
import { CenterError, messageOf } from "../errors.js";

/** As link frames allow. */
const MAX_MESSAGE_LENGTH = 2000;

/** What a command or method came to at one node. */
export type Outcome = { ok: true; value: unknown } | { ok: false; code: ErrorCode; message: string };

export function outcomeOfWire(outcome: WireOutcome | undefined): Outcome {
  if (outcome === undefined) return { ok: false, code: "INTERNAL", message: "an outcome is missing" };
  if (outcome[0]) return { ok: true, value: outcome[1] };
  const [, code, message] = outcome;
  return { ok: false, code: isErrorCode(code) ? code : "INTERNAL", message };
}

/** What an error comes to; `onFault` is told of one that is a fault of ours. */
export function failureToWire(error: unknown, onFault: (error: unknown) => void): [false, string, string] {
  if (error instanceof CenterError) return [false, error.code, error.message.slice(0, MAX_MESSAGE_LENGTH)];
  onFault(error);
  return [false, "INTERNAL", messageOf(error).slice(0, MAX_MESSAGE_LENGTH)];
}

export function outcomeToWire(outcome: Outcome): WireOutcome {
  return outcome.ok
    ? [true, outcome.value]
    : [false, outcome.code, outcome.message.slice(0, MAX_MESSAGE_LENGTH)];
}
