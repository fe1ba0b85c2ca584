/**
 * How deep a frame may nest. What clients and back ends may put into one nests less by as much as frames nest around
 * it: a handshake query 65 levels, other JSON values 48, see rpc/json.ts.
 */
export const MAX_DEPTH = 96;
