import type { ErrorCode, errorCodes } from "@websocket-center/protocol";

/** The codes of centers and nodes; the types hold them equal to those of the protocol. */
export const centerCodes = {
  INVALID_PARAMS: { status: 400, retryable: false },
  SCOPE_MISSING: { status: 403, retryable: false },
  UNKNOWN_COMMAND: { status: 404, retryable: false },
  UNKNOWN_SERVICE: { status: 404, retryable: false },
  UNKNOWN_METHOD: { status: 404, retryable: false },
  METHOD_BUSY: { status: 503, retryable: true },
  METHOD_FAILED: { status: 502, retryable: false },
  INVALID_RESULT: { status: 502, retryable: false },
  NO_CENTER: { status: 503, retryable: true },
  CENTER_BUSY: { status: 503, retryable: true },
  OUTCOME_UNKNOWN: { status: 504, retryable: false },
  UNKNOWN_NODE: { status: 404, retryable: true },
  UNKNOWN_CONNECTION: { status: 404, retryable: false },
  NO_NODE: { status: 503, retryable: true },
  AMBIGUOUS_NODE: { status: 409, retryable: false },
  NODE_DRAINING: { status: 409, retryable: true },
  NODE_TIMEOUT: { status: 504, retryable: true },
  NODE_LEFT: { status: 503, retryable: true },
  NODE_OVERLOADED: { status: 503, retryable: true },
  CALL_TOO_LARGE: { status: 413, retryable: false },
  REPLY_TOO_LARGE: { status: 500, retryable: false },
  REPLY_DROPPED: { status: 503, retryable: false },
  ABORTED: { status: 499, retryable: true },
  INTERNAL: { status: 500, retryable: false },
  LINK_AUTH_FAILED: { status: 403, retryable: false },
  LINK_CERT_REFUSED: { status: 403, retryable: false },
  LINK_UNTRUSTED: { status: 403, retryable: false },
  LINK_VERSION: { status: 400, retryable: false },
  LINK_PROTOCOL: { status: 400, retryable: false },
  LINK_LOST: { status: 503, retryable: true },
  NODE_KEY_TAKEN: { status: 409, retryable: false },
  CONFIG_INVALID: { status: 400, retryable: false },
  LISTEN_REFUSED: { status: 403, retryable: false },
  START_REFUSED: { status: 409, retryable: false },
  KEYS_UNAVAILABLE: { status: 503, retryable: true },
  PORT_TAKEN: { status: 409, retryable: false },
} as const satisfies {
  readonly [C in ErrorCode]: Readonly<Pick<(typeof errorCodes)[C], "status" | "retryable">>;
};

/** What only a caller over HTTP meets. Nothing was run. */
const callerCodes = {
  /** The center wants a token, or another one. */
  TOKEN_REQUIRED: { status: 401, retryable: false },
  /** The `token` function failed. */
  TOKEN_FAILED: { status: 500, retryable: true },
  /** What answers at the address is no center's HTTP port. */
  NOT_A_CENTER: { status: 502, retryable: false },
  /** As many calls as `maxInFlight` allows are under way. */
  QUEUE_FULL: { status: 503, retryable: true },
  /** The back end was closed. */
  CLOSED: { status: 409, retryable: false },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

const allCodes = { ...centerCodes, ...callerCodes };

export type CenterErrorCode = keyof typeof allCodes;

/** Every failure of a call, by its stable code. `retryable`: the same call may succeed later without being changed. */
export class CenterError extends Error {
  override readonly name = "CenterError";
  readonly code: CenterErrorCode;

  constructor(code: CenterErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get status(): number {
    return allCodes[this.code].status;
  }

  get retryable(): boolean {
    return allCodes[this.code].retryable;
  }
}

export function isCenterErrorCode(code: unknown): code is CenterErrorCode {
  return typeof code === "string" && Object.hasOwn(allCodes, code);
}

export function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}
