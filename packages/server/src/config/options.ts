import { steeringStrategies } from "@websocket-center/protocol";
import {
  addressList,
  addressRangeList,
  boolean,
  countOrAuto,
  enumeration,
  filePath,
  host,
  httpUrl,
  integer,
  jwksUrl,
  list,
  originList,
  port,
  secretList,
  text,
  webSocketUrl,
  webSocketUrlList,
  webSocketUrlTemplate,
  type OptionKind,
} from "./kinds.js";
import { option, optional, type OptionSpec, type ProcessKind } from "./option-spec.js";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const HOUR_MS = 3_600_000;
/** The longest that a request over HTTP may give nodes to answer. */
export const MAX_CALL_TIMEOUT_MS = 60_000;

const both = ["center", "node"] as const;
const center = ["center"] as const;
const node = ["node"] as const;
const bytes = (min: number, max: number): OptionKind<number> => integer({ min, max, unit: "bytes" });
const ms = (min: number, max: number): OptionKind<number> => integer({ min, max, unit: "ms" });

/**
 * THE table of options: flags, variables, configuration files, `--help`, the types of library callers and
 * docs/CONFIGURATION.md are all made from it.
 */
export const options = {
  host: option({
    processes: both,
    group: "Addresses",
    kind: host(),
    default: "127.0.0.1",
    doc: "Address to listen on. Beyond loopback a process asks for secrets and TLS first.",
  }),
  linkPort: option({
    processes: center,
    group: "Addresses",
    kind: port(),
    default: 8010,
    env: "REGISTER_CENTER_PORT",
    doc: "Port where nodes register.",
  }),
  httpPort: option({
    processes: center,
    group: "Addresses",
    kind: port(),
    default: 8011,
    env: "HTTP_PORT",
    doc: "Port of the HTTP API.",
  }),
  httpUrl: optional({
    processes: center,
    group: "Addresses",
    kind: httpUrl(),
    doc: "How browsers reach the HTTP API: consoles of other centers go on here when theirs is lost. Not set: `host` and `httpPort`; where `host` is a wildcard, an address of this machine, or with TLS its name.",
  }),
  otherCenters: option({
    processes: center,
    group: "Addresses",
    kind: addressList(),
    default: [],
    env: "OTHER_REGISTER_CENTER_PORT",
    doc: "Other centers that nodes shall register with too. A bare port means the host at which the node reached this center.",
  }),
  port: option({
    processes: node,
    group: "Addresses",
    kind: port(),
    default: 8090,
    env: "PORT",
    doc: "Client port: WebSocket, and the node's own HTTP API.",
  }),
  centers: option({
    processes: node,
    group: "Addresses",
    kind: addressList(),
    default: ["8010"],
    env: "REGISTER_CENTER_PORT",
    doc: "Centers to register with first; they tell the others. A bare port means 127.0.0.1.",
  }),
  publicUrl: optional({
    processes: node,
    group: "Addresses",
    kind: webSocketUrl(),
    doc: "The address that clients use for this node, where it differs from the one it listens on.",
  }),
  workerPort: optional({
    processes: node,
    group: "Addresses",
    kind: port(),
    doc: "First of the workers' own ports, which follow one another. Not set: `port` + 100, or any free ones where `port` is 0.",
  }),
  workerPublicUrl: optional({
    processes: node,
    group: "Addresses",
    kind: webSocketUrlTemplate(),
    doc: "The address that clients use for a worker, with its own port for `{port}` and its number for `{worker}`. Not set: that of `publicUrl` with the worker's own port.",
  }),
  assignStrategy: option({
    processes: both,
    group: "Addresses",
    kind: enumeration(steeringStrategies),
    default: "rendezvous",
    doc: "How `/assign` finds a user's node; see STEERING.md. Set it alike at centers and nodes.",
  }),
  assignNodes: option({
    processes: both,
    group: "Addresses",
    kind: webSocketUrlList(),
    default: [],
    doc: "The public addresses of all nodes, in order, for the strategy `modulo`. Set it alike at centers and nodes.",
  }),
  adminPort: optional({
    processes: node,
    group: "Addresses",
    kind: port(),
    doc: "Port of the node's metrics and health. Off unless set.",
  }),
  adminHost: option({
    processes: node,
    group: "Addresses",
    kind: host(),
    default: "127.0.0.1",
    doc: "Address that the admin port listens on. Beyond loopback it needs a token.",
  }),

  token: option({
    processes: both,
    group: "Security",
    kind: secretList({ minBytes: 1, maxItems: 1000 }),
    default: [],
    env: "TOKEN",
    doc: "Tokens of the HTTP API; any of them is accepted. Without one the API answers on loopback only.",
  }),
  tokensFile: optional({
    processes: both,
    group: "Security",
    kind: filePath("the path of a JSON file"),
    doc: "Tokens with names, scopes and expiry, by their SHA-256. It is read again when it changes, and an empty list lets nobody in. See SECURITY.md.",
  }),
  auditLog: option({
    processes: both,
    group: "Security",
    kind: filePath("`-`, `off`, or the path of a file"),
    default: "-",
    doc: "Where lines go that say who changed what over HTTP: `-` the ordinary log, `off` nowhere, else the end of that file.",
  }),
  auditSends: option({
    processes: both,
    group: "Security",
    kind: boolean(),
    default: false,
    doc: "Has lines for messages that were sent too, in the audit log. They name whom, not what.",
  }),
  linkSecret: option({
    processes: both,
    group: "Security",
    kind: secretList({ minBytes: 32, maxItems: 2 }),
    default: [],
    doc: "Secret that centers and nodes share. Of two, the first proves and both are accepted.",
  }),
  insecureLink: option({
    processes: both,
    group: "Security",
    kind: boolean(),
    default: false,
    doc: "Allows links beyond loopback without TLS. Only for a network that you trust: frames can be read there.",
  }),
  tlsCert: optional({
    processes: both,
    group: "Security",
    kind: filePath(),
    doc: "Certificate (PEM, chain included) of a center's HTTP port or a node's client port. Goes with `tlsKey`.",
  }),
  tlsKey: optional({
    processes: both,
    group: "Security",
    kind: filePath(),
    doc: "Private key (PEM) of `tlsCert`.",
  }),
  linkTlsCert: optional({
    processes: both,
    group: "Security",
    kind: filePath(),
    doc: "Certificate (PEM, chain included) of a center's link port, or the one that a node shows to centers. Goes with `linkTlsKey`; at a node it implies `linkTls`.",
  }),
  linkTlsKey: optional({
    processes: both,
    group: "Security",
    kind: filePath(),
    doc: "Private key (PEM) of `linkTlsCert`.",
  }),
  linkTlsClientCa: optional({
    processes: center,
    group: "Security",
    kind: filePath(),
    doc: "Certificate authority (PEM) that signed the nodes' link certificates. Nodes without one are refused, and a link secret is not needed. Goes with `linkTlsCert`.",
  }),
  linkTls: option({
    processes: node,
    group: "Security",
    kind: boolean(),
    default: false,
    doc: "Dials centers with TLS.",
  }),
  linkTlsCa: optional({
    processes: node,
    group: "Security",
    kind: filePath(),
    doc: "Certificate authority (PEM) that signed the centers' link certificates, where it is not a public one. Implies `linkTls`.",
  }),
  allowedOrigins: option({
    processes: both,
    group: "Security",
    kind: originList(),
    default: [],
    doc: "Origins of web pages that may call an HTTP API without a token, besides those on loopback.",
  }),
  clientOrigins: option({
    processes: node,
    group: "Security",
    kind: originList(),
    default: [],
    doc: "Origins of web pages that may open a WebSocket. Empty: any.",
  }),
  trustedProxies: option({
    processes: both,
    group: "Security",
    kind: addressRangeList(),
    default: [],
    doc: "Proxies whose `X-Forwarded-For` and `Forwarded` headers are believed.",
  }),

  clientJwtSecret: option({
    processes: node,
    group: "Tokens of clients",
    kind: secretList({ minBytes: 32, maxItems: 2 }),
    default: [],
    doc: "Secret with which your back end signs tokens of clients (HS256). With this or one of the next two set, nobody connects without a token; see CLIENT-TOKENS.md.",
  }),
  clientJwtPublicKey: optional({
    processes: node,
    group: "Tokens of clients",
    kind: filePath(),
    doc: "Public keys (PEM, one or several) that verify tokens of clients: RSA of 2048 bits or more (RS256), P-256 (ES256), Ed25519 (EdDSA).",
  }),
  clientJwks: optional({
    processes: node,
    group: "Tokens of clients",
    kind: jwksUrl(),
    doc: "Address of a JSON Web Key Set whose public keys verify tokens of clients.",
  }),
  clientJwtAudience: option({
    processes: node,
    group: "Tokens of clients",
    kind: list({ placeholder: "audiences", allowed: "a list of texts", isRight: () => true }),
    default: [],
    doc: "A token's `aud` must be, or hold, one of these. Empty: any, or none.",
  }),
  clientJwtIssuer: option({
    processes: node,
    group: "Tokens of clients",
    kind: list({ placeholder: "issuers", allowed: "a list of texts", isRight: () => true }),
    default: [],
    doc: "A token's `iss` must be one of these. Empty: any, or none.",
  }),
  clientJwtGroupsClaim: option({
    processes: node,
    group: "Tokens of clients",
    kind: text({ placeholder: "claim", allowed: "the name of a claim", isRight: () => true }),
    default: "groups",
    doc: "The claim whose groups a client joins: a list of texts, or one.",
  }),
  clientJwtLeewayMs: option({
    processes: node,
    group: "Tokens of clients",
    kind: ms(0, 300_000),
    default: 30_000,
    doc: "How far the clocks of those who make tokens may be off: `exp` counts that much later, `nbf` that much earlier.",
  }),

  maxPayloadBytes: option({
    processes: node,
    group: "Clients",
    kind: bytes(1, 256 * MiB),
    default: MiB,
    doc: "Largest message that a client may send. A larger one closes its connection with 1009.",
  }),
  maxBufferedBytes: option({
    processes: node,
    group: "Clients",
    kind: bytes(KiB, GiB),
    default: 4 * MiB,
    doc: "Bytes that may wait for one connection; four times as much for up to a second. A slower consumer is closed with 4002.",
  }),
  maxTotalBufferedBytes: option({
    processes: node,
    group: "Clients",
    kind: bytes(MiB, 1024 * GiB),
    default: GiB,
    doc: "Memory that may wait for all slow connections of a process together; a buffer that several wait for counts once. Over it, those for whom most waits are dropped.",
  }),
  coalesceMs: option({
    processes: node,
    group: "Clients",
    kind: ms(0, 100),
    default: 0,
    doc: "Time that messages to a connection may wait for others, where they come faster than one a millisecond: they leave in one write then. 1 saves much CPU under such load. 0: not at all.",
  }),
  maxConnections: option({
    processes: node,
    group: "Clients",
    kind: integer({ min: 0, max: 10_000_000, unit: "connections" }),
    default: 0,
    doc: "Connections that the node takes. 0: no limit.",
  }),
  maxConnectionsPerAddress: option({
    processes: node,
    group: "Clients",
    kind: integer({ min: 0, max: 10_000_000, unit: "connections" }),
    default: 0,
    doc: "Connections that the node takes from one IP address. 0: no limit.",
  }),
  maxConnectionsPerUser: option({
    processes: node,
    group: "Clients",
    kind: integer({ min: 0, max: 10_000_000, unit: "connections" }),
    default: 0,
    doc: "Connections that one user may have at the node when a client comes whose token or `authorize` names that user. 0: no limit.",
  }),
  userOverflow: option({
    processes: node,
    group: "Clients",
    kind: enumeration(["refuse", "close-oldest"]),
    default: "refuse",
    doc: "What happens over `maxConnectionsPerUser`: the new client gets 429, or the user's oldest connection is closed with 4501.",
  }),
  handshakeTimeoutMs: option({
    processes: node,
    group: "Clients",
    kind: ms(100, HOUR_MS),
    default: 10_000,
    doc: "Time that a client has to send its handshake, and then the node to judge it.",
  }),
  heartbeatIntervalMs: option({
    processes: node,
    group: "Clients",
    kind: ms(100, HOUR_MS),
    default: 25_000,
    doc: "How often a client is sent a WebSocket ping.",
  }),
  heartbeatTimeoutMs: option({
    processes: node,
    group: "Clients",
    kind: ms(100, HOUR_MS),
    default: 10_000,
    doc: "Time that a client has to answer a ping. Then its connection is closed with 4001.",
  }),
  perMessageDeflate: option({
    processes: node,
    group: "Clients",
    kind: boolean(),
    default: false,
    doc: "Compresses messages where clients offer it. Costs memory and CPU for each connection.",
  }),
  openMessage: option({
    processes: node,
    group: "Clients",
    kind: boolean(),
    default: true,
    doc: 'Sends `{"cmd":"open","_id":"<connection id>"}` to a client that connects.',
  }),
  pingMessage: option({
    processes: node,
    group: "Clients",
    kind: boolean(),
    default: true,
    doc: 'Answers the message `ping` with `{"cmd":"pong","_id":"<connection id>"}`.',
  }),
  closeSpreadMs: option({
    processes: node,
    group: "Clients",
    kind: ms(0, HOUR_MS),
    default: 1000,
    doc: "Time over which a node that stops closes its clients with 1012, so that they do not come back all at once.",
  }),

  maxBodyBytes: option({
    processes: both,
    group: "Limits",
    kind: bytes(KiB, 256 * MiB),
    default: 8 * MiB,
    doc: "Largest body of an HTTP request. Larger ones get 413.",
  }),
  maxHeaderBytes: option({
    processes: both,
    group: "Limits",
    kind: bytes(KiB, 16 * MiB),
    default: 64 * KiB,
    doc: "Largest URL and headers of an HTTP request together. Larger ones get 431.",
  }),
  maxMessageBytes: option({
    processes: both,
    group: "Limits",
    kind: bytes(1, 256 * MiB),
    default: MiB,
    doc: "Largest message that a back end may send.",
  }),
  maxIdBytes: option({
    processes: both,
    group: "Limits",
    kind: bytes(32, 64 * KiB),
    default: 512,
    doc: "Longest user, group or connection id.",
  }),

  callTimeoutMs: option({
    processes: center,
    group: "Links and calls",
    kind: ms(1, MAX_CALL_TIMEOUT_MS),
    default: 5000,
    doc: "Time that nodes have to answer a call. A request may ask for another with `timeoutMs`.",
  }),
  heartbeatMs: option({
    processes: center,
    group: "Links and calls",
    kind: ms(10, 500),
    default: 250,
    doc: "How often a center pings its nodes. A node that answers none for a second is suspect.",
  }),
  linkSilenceMs: option({
    processes: both,
    group: "Links and calls",
    kind: ms(1000, HOUR_MS),
    default: 15_000,
    doc: "Silence after which the other end of a link is given up.",
  }),
  maxLinkBufferedBytes: option({
    processes: both,
    group: "Links and calls",
    kind: bytes(64 * KiB, 2 * GiB),
    default: 16 * MiB,
    doc: "Bytes that may wait for one link. Over it, calls fail at once with NODE_OVERLOADED, requests of a node with CENTER_BUSY.",
  }),
  maxReplyBytes: option({
    processes: both,
    group: "Links and calls",
    kind: bytes(64 * KiB, 2 * GiB),
    default: 64 * MiB,
    doc: "Largest reply of one node to one call; a larger one fails with REPLY_TOO_LARGE. Set it and maxBodyBytes alike at centers and nodes.",
  }),

  traceEntries: option({
    processes: both,
    group: "Running",
    kind: integer({ min: 0, max: 1_000_000, unit: "entries" }),
    default: 10_000,
    doc: "How many calls, and comings and goings of connections, are remembered for those who ask what became of a message. No message is kept. 0: none.",
  }),
  workers: option({
    processes: node,
    group: "Running",
    kind: countOrAuto({ max: 256, unit: "workers" }),
    default: 1,
    doc: "Processes behind the client port, each a node of its own with a port of its own; `auto` is one for each CPU. With more than one, maxConnections and maxConnectionsPerAddress count over all; other limits are each worker's own. See OPERATIONS.md.",
  }),
  shutdownGraceMs: option({
    processes: both,
    group: "Running",
    kind: ms(1, HOUR_MS),
    default: 10_000,
    doc: "Time that a process has to stop in order after SIGTERM or SIGINT.",
  }),
  logLevel: option({
    processes: both,
    group: "Running",
    kind: enumeration(logLevels),
    default: "info",
    doc: "Least level that is logged.",
  }),
  logFormat: option({
    processes: both,
    group: "Running",
    kind: enumeration(["auto", "json", "pretty"]),
    default: "auto",
    doc: "`json` writes a JSON object a line, `pretty` is for people, `auto` is pretty on a terminal.",
  }),
};

type Options = typeof options;
export type OptionKey = keyof Options;

/** The keys of one kind of process. */
export type KeyOf<P extends ProcessKind> = {
  [K in OptionKey]: P extends Options[K]["processes"][number] ? K : never;
}[OptionKey];

/** A configuration with every default filled in. Undefined means "off". */
export type ConfigOf<P extends ProcessKind> = { readonly [K in KeyOf<P>]: Options[K]["default"] };
/** What a caller may set; undefined means "not set". */
export type OptionsOf<P extends ProcessKind> = {
  readonly [K in KeyOf<P>]?: Options[K]["default"] | undefined;
};

export interface CenterConfig extends ConfigOf<"center"> {}
export interface NodeConfig extends ConfigOf<"node"> {}
export interface CenterOptions extends OptionsOf<"center"> {}
export interface NodeOptions extends OptionsOf<"node"> {}

/** The options of one kind of process, in the table's order. */
export function optionsOf(processKind: ProcessKind): [key: OptionKey, spec: OptionSpec][] {
  return (Object.entries(options) as [OptionKey, OptionSpec][]).filter(([, spec]) =>
    spec.processes.includes(processKind),
  );
}
