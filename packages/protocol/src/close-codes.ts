/**
 * WebSocket close codes that a node sends to clients.
 *
 * 1000 to 1015 are those of RFC 6455 (7.4.1) and the IANA registry. Ours are 4000 to 4499 where the client may
 * come back, and 4500 to 4999 where it must not.
 */
export const closeCodes = {
  NORMAL: { code: 1000, reconnect: false, reason: "" },
  GOING_AWAY: { code: 1001, reconnect: true, reason: "going away" },
  POLICY: { code: 1008, reconnect: false, reason: "policy violation" },
  MESSAGE_TOO_BIG: { code: 1009, reconnect: true, reason: "message too big" },
  INTERNAL_ERROR: { code: 1011, reconnect: true, reason: "internal error" },
  SERVICE_RESTART: { code: 1012, reconnect: true, reason: "service restart" },
  TRY_AGAIN_LATER: { code: 1013, reconnect: true, reason: "try again later" },
  HEARTBEAT_TIMEOUT: { code: 4001, reconnect: true, reason: "no answer to heartbeat pings" },
  SLOW_CONSUMER: { code: 4002, reconnect: true, reason: "slow consumer" },
  /** Mirrors HTTP's 401: the client may come back with a fresh token. */
  TOKEN_EXPIRED: { code: 4401, reconnect: true, reason: "token expired" },
  CLOSED_BY_BACKEND: { code: 4500, reconnect: false, reason: "" },
  REPLACED: { code: 4501, reconnect: false, reason: "replaced by a newer connection of the user" },
} as const satisfies Record<string, { code: number; reconnect: boolean; reason: string }>;

export type CloseCodeName = keyof typeof closeCodes;

/** Whether a client that saw `code` may connect again. Codes that nobody assigned count as a lost network. */
export function mayReconnect(code: number): boolean {
  for (const entry of Object.values(closeCodes)) {
    if (entry.code === code) return entry.reconnect;
  }
  return !(code >= 4500 && code <= 4999);
}
