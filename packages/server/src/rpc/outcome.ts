import { type ErrorCode, isErrorCode, type WireOutcome } from "@websocket-center/protocol";

/** What a command or method came to at one node. */
export type Outcome = { ok: true; value: unknown } | { ok: false; code: ErrorCode; message: string };

export function outcomeOfWire(outcome: WireOutcome | undefined): Outcome {
  if (outcome === undefined) return { ok: false, code: "INTERNAL", message: "an outcome is missing" };
  if (outcome[0]) return { ok: true, value: outcome[1] };
  const [, code, message] = outcome;
  return { ok: false, code: isErrorCode(code) ? code : "INTERNAL", message };
}

export function outcomeToWire(outcome: Outcome): WireOutcome {
  return outcome.ok ? [true, outcome.value] : [false, outcome.code, outcome.message.slice(0, 2000)];
}
