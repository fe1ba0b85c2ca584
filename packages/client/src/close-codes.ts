/** Sent by the client where the node answered no ping. */
export const HEARTBEAT_TIMEOUT = 4001;

/**
 * Whether a client whose connection was closed with `code` connects again: to another node if it knows one, since each
 * try takes another address. A lost network (1006) and codes that nobody assigned count as yes.
 *
 * The numbers are those of `closeCodes` in `@websocket-center/protocol`, and a test holds the two together; they are
 * repeated so that no schema gets into the bundle.
 */
export function comesBack(code: number): boolean {
  return code !== 1000 && code !== 1008 && !(code >= 4500 && code <= 4999);
}
