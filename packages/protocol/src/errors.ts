/**
 * Every error that leaves a process, by its stable code.
 *
 * `status` is the HTTP status of endpoints of our own (the classic API keeps 200); `retryable` says whether the
 * same request may succeed later without being changed.
 */
export const errorCodes = {
  INVALID_PARAMS: {
    status: 400,
    retryable: false,
    doc: "A parameter is missing or not what the command takes.",
  },
  SCOPE_MISSING: { status: 403, retryable: false, doc: "The token does not allow that. Nothing was run." },
  UNKNOWN_COMMAND: { status: 404, retryable: false, doc: "No command has that name." },
  UNKNOWN_SERVICE: { status: 404, retryable: false, doc: "No linked node has a service of that name." },
  UNKNOWN_METHOD: { status: 404, retryable: false, doc: "The service declares no method of that name." },
  METHOD_BUSY: {
    status: 503,
    retryable: true,
    doc: "As many calls of the method run as it allows. The call was not run.",
  },
  METHOD_FAILED: { status: 502, retryable: false, doc: "The method threw an error." },
  INVALID_RESULT: {
    status: 502,
    retryable: false,
    doc: "The method ran, but returned what its declaration does not allow.",
  },
  NO_CENTER: { status: 503, retryable: true, doc: "No center is linked. The request was not sent." },
  CENTER_BUSY: {
    status: 503,
    retryable: true,
    doc: "The center stops, has too many requests of this node, or too many bytes wait for it. The request was not run.",
  },
  OUTCOME_UNKNOWN: {
    status: 504,
    retryable: false,
    doc: "The center that had the request gave no answer. Whether nodes ran it is unknown.",
  },
  UNKNOWN_NODE: { status: 404, retryable: true, doc: "No node with that id is linked to the center." },
  UNKNOWN_CONNECTION: {
    status: 404,
    retryable: false,
    doc: "No linked node has a connection with that id.",
  },
  NO_NODE: {
    status: 503,
    retryable: true,
    doc: "No node is known that takes clients: all are full, draining or gone.",
  },
  AMBIGUOUS_NODE: {
    status: 409,
    retryable: false,
    doc: "Several linked nodes have an id that begins so. More characters of it are needed.",
  },
  NODE_DRAINING: {
    status: 409,
    retryable: true,
    doc: "The node goes on draining: it stops, or its own program asked for it.",
  },
  NODE_TIMEOUT: {
    status: 504,
    retryable: true,
    doc: "The node gave no reply in time. Whether it ran the command is unknown.",
  },
  NODE_LEFT: {
    status: 503,
    retryable: true,
    doc: "The node's link ended during the call. Whether it ran the command is unknown.",
  },
  NODE_OVERLOADED: {
    status: 503,
    retryable: true,
    doc: "Too many bytes wait for the node. The call was not sent to it.",
  },
  CALL_TOO_LARGE: {
    status: 413,
    retryable: false,
    doc: "The call is larger than what the other end of the link takes in. It was not sent.",
  },
  REPLY_TOO_LARGE: {
    status: 500,
    retryable: false,
    doc: "The command ran, but its result is over the size limit.",
  },
  REPLY_DROPPED: {
    status: 503,
    retryable: false,
    doc: "The command ran, but too many bytes wait for the center to take its result.",
  },
  ABORTED: {
    status: 499,
    retryable: true,
    doc: "The caller gave up. Whether nodes ran the command is unknown.",
  },
  INTERNAL: { status: 500, retryable: false, doc: "A fault of ours. It is logged where it happened." },
  LINK_AUTH_FAILED: {
    status: 403,
    retryable: false,
    doc: "The peer of a link does not know the link secret.",
  },
  LINK_CERT_REFUSED: {
    status: 403,
    retryable: false,
    doc: "The center wants a client certificate of its authority, and the node showed none or another.",
  },
  LINK_UNTRUSTED: {
    status: 403,
    retryable: false,
    doc: "The TLS certificate of the center's link port is not trusted, or is for another host.",
  },
  LINK_VERSION: { status: 400, retryable: false, doc: "The peer of a link speaks another protocol version." },
  LINK_PROTOCOL: {
    status: 400,
    retryable: false,
    doc: "The peer of a link sent what the protocol does not allow.",
  },
  LINK_LOST: { status: 503, retryable: true, doc: "A link ended." },
  NODE_KEY_TAKEN: {
    status: 409,
    retryable: false,
    doc: "Another living node has an id with the same first 12 characters.",
  },
  CONFIG_INVALID: { status: 400, retryable: false, doc: "An option has a value that is not allowed." },
  LISTEN_REFUSED: {
    status: 403,
    retryable: false,
    doc: "Listening there needs a secret, a token or TLS that is not set.",
  },
  KEYS_UNAVAILABLE: {
    status: 503,
    retryable: true,
    doc: "The keys that verify tokens of clients cannot be had from their address.",
  },
  START_REFUSED: {
    status: 409,
    retryable: false,
    doc: "The center or node was started before, or stopped while it started. Each starts once.",
  },
  PORT_TAKEN: { status: 409, retryable: false, doc: "Another program listens on that port." },
} as const satisfies Record<string, { status: number; retryable: boolean; doc: string }>;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}
