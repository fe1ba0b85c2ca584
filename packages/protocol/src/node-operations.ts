import { z } from "zod";
import { change, commands } from "./commands.js";
import { hexId } from "./ids.js";

/**
 * The service of every node through which centers look at it, for operators. It is not listed, and no back end can
 * call it: a center does, for `/ops/…`. A node of an older release answers UNKNOWN_SERVICE.
 */
export const OPERATIONS_SERVICE = "wsc.operations";

/** How many items a page has at most. */
export const MAX_PAGE_ITEMS = 500;

const count = z.int().nonnegative();
/** Milliseconds since the Unix epoch. */
const timeMs = z.int().nonnegative();
const key = z.string().max(65_536);

/** How a browser reaches the HTTP API of a center, and which it is. */
export const centerAbout = z.object({
  id: hexId,
  version: z.string().max(64),
  startedAt: timeMs,
  /** http(s)://host:port, with a path where a proxy adds one. */
  url: z.string().max(2048),
});
export type CenterAbout = z.infer<typeof centerAbout>;

/** What only grows while the process lives; who asks takes differences. */
export const nodeCounters = z.object({
  /** Messages from clients, and their bytes. */
  messagesIn: count,
  bytesIn: count,
  /** Frames queued on connections, and their bytes. */
  messagesOut: count,
  bytesOut: count,
  opened: count,
  closed: count,
  refused: count,
  slowConsumers: count,
  handlerErrors: count,
  /** Commands that were run on the hub, for whomever. */
  commands: count,
});
export type NodeCounters = z.infer<typeof nodeCounters>;

/** How a process does. `cpuMs` only grows; `loopDelayMs`: the 99th percentile of the last seconds. */
export const runtimeVitals = z.object({
  cpuMs: z.number().nonnegative(),
  rssBytes: count,
  loopDelayMs: z.number().nonnegative(),
});
export type RuntimeVitals = z.infer<typeof runtimeVitals>;

export const nodeVitals = z.object({
  at: timeMs,
  connections: count,
  users: count,
  groups: count,
  /** Memory that waits for clients that do not read fast enough. */
  waitingBytes: count,
  counters: nodeCounters,
  runtime: runtimeVitals,
  /** Every center that the node shall be linked to, `host:port`, with what that center told of itself. */
  centers: z
    .array(
      z.object({
        address: z.string(),
        linked: z.boolean(),
        centerId: hexId.optional(),
        about: centerAbout.optional(),
      }),
    )
    .max(1000),
});
export type NodeVitals = z.infer<typeof nodeVitals>;

export const connectionSummary = z.object({
  id: z.string(),
  userId: z.string().nullable(),
  groups: count,
  remoteAddress: z.string(),
  openedAt: timeMs,
  /** Bytes on the socket, handshake and frame heads included. */
  bytesIn: count,
  bytesOut: count,
  bufferedBytes: count,
});
export type ConnectionSummary = z.infer<typeof connectionSummary>;

export const connectionDetail = connectionSummary.extend({
  /** The first thousand of them. */
  groupIds: z.array(z.string()),
  /** The parameters of the handshake's query, without a token. */
  data: z.record(z.string(), z.unknown()),
  origin: z.string().nullable(),
  userAgent: z.string().nullable(),
  messagesIn: count,
  messagesOut: count,
  /** Whether permessage-deflate is in use. */
  compressed: z.boolean(),
});
export type ConnectionDetail = z.infer<typeof connectionDetail>;

export const userSummary = z.object({ userId: z.string(), connections: count, groups: count });
export type UserSummary = z.infer<typeof userSummary>;
export const groupSummary = z.object({ groupId: z.string(), connections: count, users: count });
export type GroupSummary = z.infer<typeof groupSummary>;

/** What is live at a node, as it happens. `detail` is text for people; it never holds a message body. */
export const nodeEventTypes = [
  "open",
  "close",
  "refused",
  "bind",
  "unbind",
  "join",
  "leave",
  "message",
  "send",
  "slow-consumer",
  "error",
  "link",
  "drain",
] as const;
export const nodeEvent = z.object({
  /** Grows by one with each event at this node that is kept. */
  number: count,
  at: timeMs,
  type: z.enum(nodeEventTypes),
  connectionId: z.string().optional(),
  userId: z.string().optional(),
  groupId: z.string().optional(),
  /** Close code, bytes, or how many connections queued a message. */
  value: z.number().optional(),
  detail: z.string().max(300).optional(),
});
export type NodeEvent = z.infer<typeof nodeEvent>;

/**
 * What a node remembers of a command, or of a connection's life, for those who ask later. Bounded; the oldest go first.
 * `matched`: connections that the command concerned; `queued`: those that took the message.
 */
export const nodeTrace = z.object({
  at: timeMs,
  /** A name of the command table, or `open`, `close`, `slow-consumer`. */
  what: z.string().max(64),
  /** The center's id and its number for the call, where a center asked. */
  centerId: hexId.optional(),
  call: count.optional(),
  connectionId: z.string().optional(),
  userId: z.string().optional(),
  groupId: z.string().optional(),
  matched: count.optional(),
  queued: count.optional(),
  /** What a change came to: `done`, `unchanged` or `absent`. */
  change: change.optional(),
  /** The first of those that matched and did not queue it, with why. */
  failures: z
    .array(z.object({ connectionId: z.string(), reason: z.string().max(100) }))
    .max(10)
    .optional(),
  closeCode: z.int().optional(),
  /** A code of errors.ts, where the command failed. */
  error: z.string().max(64).optional(),
});
export type NodeTrace = z.infer<typeof nodeTrace>;

/**
 * What happened to frames of a watched connection. `queued`: taken into the send queue; `written`: handed to the socket;
 * `drained`: the kernel has taken everything; `dropped`: not taken, or let go.
 */
export const frameEvent = z.object({
  number: count,
  at: timeMs,
  connectionId: z.string(),
  type: z.enum(["open", "queued", "written", "drained", "dropped", "received", "close"]),
  bytes: count.optional(),
  /** What still waits for the network after that. */
  bufferedBytes: count.optional(),
  opcode: z.enum(["text", "binary", "ping", "pong"]).optional(),
  closeCode: z.int().optional(),
  detail: z.string().max(300).optional(),
});
export type FrameEvent = z.infer<typeof frameEvent>;

const limit = z.int().min(1).max(MAX_PAGE_ITEMS);
/** Exclusive: the page begins with the first key after it, in code-unit order. */
const after = key.optional();
/** Keys that contain it. */
const search = key.optional();

function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    /** Whether there are more. The last item's key is the next page's `after`. */
    more: z.boolean(),
  });
}

/**
 * Events since `after`, oldest first. `dropped`: those since then that were more than can be told, by type; as `missed`
 * those that were not fetched in time.
 */
function eventsOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    /** What to ask for next. */
    next: count,
    dropped: z.record(z.string(), count),
  });
}

/** The methods of the service. All of them only look. */
export const nodeOperations = {
  vitals: {
    params: z.object({ center: centerAbout.optional() }),
    result: nodeVitals,
    doc: "How the node does. The node remembers who asked, and tells others.",
  },
  listConnections: {
    params: z.object({ after, search, userId: key.optional(), groupId: key.optional(), limit }),
    result: pageOf(connectionSummary),
    doc: "Connections by id. `search` looks at ids, users and addresses.",
  },
  getConnection: {
    params: z.object({ connectionId: key }),
    result: connectionDetail.nullable(),
    doc: "One connection, null where it is not here.",
  },
  listUsers: {
    params: z.object({ after, search, groupId: key.optional(), limit }),
    result: pageOf(userSummary),
    doc: "Users by id.",
  },
  listGroups: {
    params: z.object({ after, search, userId: key.optional(), limit }),
    result: pageOf(groupSummary),
    doc: "Groups by id.",
  },
  events: {
    params: z.object({ after: count.optional(), limit: z.int().min(1).max(1000) }),
    result: eventsOf(nodeEvent),
    doc: "What happened since; without `after`, from now on. Events are kept only while somebody asks every few seconds.",
  },
  trace: {
    params: z.object({
      /** Calls of one center. */
      calls: z.object({ centerId: hexId, numbers: z.array(count).max(1000) }).optional(),
      connectionId: key.optional(),
      userId: key.optional(),
      groupId: key.optional(),
      limit: z.int().min(1).max(1000),
    }),
    result: z.object({
      items: z.array(nodeTrace),
      /** Nothing older is remembered; null where nothing was forgotten yet. */
      since: timeMs.nullable(),
    }),
    doc: "What is remembered of those calls, or of that connection, user or group, newest first.",
  },
  watch: {
    params: z.object({
      watchId: z.string().min(1).max(64),
      connectionId: key.optional(),
      userId: key.optional(),
      after: count.optional(),
      limit: z.int().min(1).max(1000),
    }),
    result: eventsOf(frameEvent),
    doc: "Every frame of a connection, or of a user's, from the first call with that id until nobody has asked for 10 s.",
  },
} as const;

export type NodeOperation = keyof typeof nodeOperations;
export type NodeOperationParams<O extends NodeOperation> = z.infer<(typeof nodeOperations)[O]["params"]>;
export type NodeOperationResult<O extends NodeOperation> = z.infer<(typeof nodeOperations)[O]["result"]>;

/** Whom a command is for, as traces name it. */
export function subjectOf(command: { name: string; params: unknown }): {
  connectionId?: string;
  userId?: string;
  groupId?: string;
} {
  if (!Object.hasOwn(commands, command.name)) return {};
  const { connectionId, userId, groupId } = command.params as Record<string, unknown>;
  const subject: ReturnType<typeof subjectOf> = {};
  if (typeof connectionId === "string") subject.connectionId = connectionId;
  if (typeof userId === "string") subject.userId = userId;
  if (typeof groupId === "string") subject.groupId = groupId;
  return subject;
}
