/**
 * What a close code asks of a client. The numbers are those of `closeCodes` in `@websocket-center/protocol`, and a test
 * holds the two together; they are repeated so that no schema gets into the bundle.
 *
 * - `return`: come back; a lost network (1006) and codes that nobody assigned count so.
 * - `elsewhere`: come back, to another node if there is one: this one is going away or is full.
 * - `never`: stay away.
 */
export type AfterClose = "return" | "elsewhere" | "never";

/** Sent by the client where the node answered no ping. */
export const HEARTBEAT_TIMEOUT = 4001;

export function afterClose(code: number): AfterClose {
  if (code === 1000 || code === 1008 || (code >= 4500 && code <= 4999)) return "never";
  return code === 1001 || code === 1012 || code === 1013 ? "elsewhere" : "return";
}
