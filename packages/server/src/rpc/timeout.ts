import { MAX_TIMEOUT_MS } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";

const DEFAULT_TIMEOUT_MS = 5000;

/**
 * Checks how long a caller will wait, 5,000 ms unless it says otherwise: timers take what they cannot count for no time at all.
 * @throws CenterError INVALID_PARAMS
 */
export function checkTimeout(timeoutMs: unknown = DEFAULT_TIMEOUT_MS): number {
  if (typeof timeoutMs === "number" && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  throw new CenterError(
    "INVALID_PARAMS",
    `timeoutMs: expected a number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`,
  );
}
