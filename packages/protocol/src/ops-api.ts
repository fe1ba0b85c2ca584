import { z } from "zod";
import { scopes } from "./commands.js";
import { hexId } from "./ids.js";
import {
  centerAbout,
  connectionDetail,
  connectionSummary,
  frameEvent,
  groupSummary,
  nodeEvent,
  nodeTrace,
  nodeVitals,
  runtimeVitals,
  userSummary,
} from "./node-operations.js";

/*
 * What a center answers under `/ops/…`: how operators, and the console, look at a cluster. Failures are problem
 * documents (RFC 9457) with a code of errors.ts. All of it needs the scope `read`; what changes something goes through
 * `POST /services/websocket/{command}`, `/nodes/{id}/drain` and the like, each with its own scope.
 *
 * Times are milliseconds since the Unix epoch.
 */

const count = z.int().nonnegative();
const timeMs = z.int().nonnegative();

/** A node, as this center sees it. `vitals` is null where its release does not tell, or it has not answered yet. */
export const opsNode = z.object({
  id: hexId,
  version: z.string(),
  publicUrl: z.string(),
  /** Where its link comes from, `host:port`. */
  address: z.string(),
  startedAt: timeMs,
  linkedAt: timeMs,
  state: z.enum(["linked", "suspect"]),
  draining: z.boolean(),
  full: z.boolean(),
  connections: count,
  users: count,
  groups: count,
  vitals: nodeVitals.nullable(),
});
export type OpsNode = z.infer<typeof opsNode>;

/**
 * A center of the cluster: this one, those that nodes are linked to, and those that nodes try to reach. `id` is absent
 * where no node reaches it; `about` where it has told no node of itself.
 */
export const opsCenter = z.object({
  id: hexId.optional(),
  about: centerAbout.optional(),
  /** `host:port` of its link port, as nodes dial it. */
  addresses: z.array(z.string()),
  /** Nodes of this center that are linked to that one, and that should be and are not. */
  linkedNodeIds: z.array(hexId),
  lostNodeIds: z.array(hexId),
});
export type OpsCenter = z.infer<typeof opsCenter>;

/** GET /ops/state */
export const opsState = z.object({
  at: timeMs,
  /** Who answers. */
  centerId: hexId,
  version: z.string(),
  startedAt: timeMs,
  /** Whether calls need a token, and what the caller's allows. */
  access: z.object({ needsToken: z.boolean(), name: z.string(), scopes: z.array(z.enum(scopes)) }),
  runtime: runtimeVitals,
  centers: z.array(opsCenter),
  nodes: z.array(opsNode),
});
export type OpsState = z.infer<typeof opsState>;

/**
 * One moment of the history. Rates are per second, over the time since the moment before; null where there was nothing to
 * compare with. `calls`: commands of back ends and nodes that ended at this center in that time, each one of a batch or
 * of several events. Latencies are of requests to its classic API, to a tenth, null where there were none.
 */
export const opsPoint = z.object({
  at: timeMs,
  connections: count,
  /** Users and groups count once, however many nodes hold them. */
  users: count,
  groups: count,
  messagesIn: z.number().nullable(),
  messagesOut: z.number().nullable(),
  bytesIn: z.number().nullable(),
  bytesOut: z.number().nullable(),
  opened: z.number().nullable(),
  closed: z.number().nullable(),
  slowConsumers: z.number().nullable(),
  waitingBytes: count,
  calls: z.number().nullable(),
  callP50Ms: z.number().nullable(),
  callP99Ms: z.number().nullable(),
  nodes: z.record(
    z.string(),
    z.object({
      connections: count,
      messagesIn: z.number().nullable(),
      messagesOut: z.number().nullable(),
      bytesIn: z.number().nullable(),
      bytesOut: z.number().nullable(),
      /** Of one core, 0 to 1 and above. */
      cpu: z.number().nullable(),
      rssBytes: count,
      loopDelayMs: z.number(),
    }),
  ),
});
export type OpsPoint = z.infer<typeof opsPoint>;

/** GET /ops/history: the last 15 minutes, oldest first. */
export const opsHistory = z.object({ intervalMs: count, points: z.array(opsPoint) });
export type OpsHistory = z.infer<typeof opsHistory>;

/**
 * GET /ops/live: a line of JSON (NDJSON) each second for as long as the caller reads. `isKept`: the point is one of the
 * history, `intervalMs` after the one before.
 */
export const opsLiveLine = z.object({ state: opsState, point: opsPoint, isKept: z.boolean() });
export type OpsLiveLine = z.infer<typeof opsLiveLine>;

/**
 * A page of a listing. Items are in order of node id, then of key. `cursor` goes into the next request, with everything
 * else as it was; absent at the end. `failed`: nodes that could not be asked, whose items are missing.
 */
function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    cursor: z.string().optional(),
    failed: z.array(z.object({ nodeId: hexId, code: z.string(), message: z.string() })),
  });
}

const onNode = { nodeId: hexId };

/** GET /ops/connections?nodeId=&userId=&groupId=&search=&limit=&cursor= */
export const opsConnections = pageOf(connectionSummary.extend(onNode));
export type OpsConnections = z.infer<typeof opsConnections>;
/** GET /ops/connections/{id}: 404 UNKNOWN_CONNECTION where it is not there. */
export const opsConnection = connectionDetail.extend(onNode);
export type OpsConnection = z.infer<typeof opsConnection>;
/** GET /ops/users?nodeId=&groupId=&search=&limit=&cursor=; a user with connections on several nodes is there for each. */
export const opsUsers = pageOf(userSummary.extend(onNode));
export type OpsUsers = z.infer<typeof opsUsers>;
/** GET /ops/groups?nodeId=&userId=&search=&limit=&cursor=; likewise. */
export const opsGroups = pageOf(groupSummary.extend(onNode));
export type OpsGroups = z.infer<typeof opsGroups>;

/** What happens at the center itself. */
export const centerEventTypes = [
  "call",
  "call-failed",
  "node-joined",
  "node-left",
  "node-suspect",
  "link-refused",
] as const;

/**
 * GET /ops/events?types=open,close: NDJSON, for as long as the caller reads. Of too many events some are left out, and
 * a `skipped` line says how many, by type. An empty line now and then shows that the stream lives.
 */
export const opsEventLine = z.union([
  z.object({ kind: z.literal("event"), source: z.literal("node"), nodeId: hexId, event: nodeEvent }),
  z.object({
    kind: z.literal("event"),
    source: z.literal("center"),
    event: z.object({
      at: timeMs,
      type: z.enum(centerEventTypes),
      callId: z.string().optional(),
      nodeId: z.string().optional(),
      userId: z.string().optional(),
      groupId: z.string().optional(),
      connectionId: z.string().optional(),
      /** Milliseconds that a call took. */
      value: z.number().optional(),
      detail: z.string().optional(),
    }),
  }),
  z.object({
    kind: z.literal("skipped"),
    at: timeMs,
    nodeId: hexId.optional(),
    counts: z.record(z.string(), count),
  }),
]);
export type OpsEventLine = z.infer<typeof opsEventLine>;

/** One command of a call, as the center that took it remembers it. */
export const centerTrace = z.object({
  at: timeMs,
  callId: z.string(),
  /** How it came: the classic API, a line of a batch, a service call, a node's own request, or the center's own process. */
  via: z.enum(["classic", "batch", "service", "node", "process"]),
  /** The token's name. */
  principal: z.string().optional(),
  command: z.string(),
  connectionId: z.string().optional(),
  userId: z.string().optional(),
  groupId: z.string().optional(),
  ms: z.number(),
  /** How many nodes were linked then. */
  linkedNodes: count,
  /** The numbers of the calls on links that carried it: traces of nodes name theirs. */
  calls: z.array(count),
  /** Those that were asked, and what they answered; `call` where all had the same one. Of very many, not all are kept. */
  asked: z.array(
    z.object({
      nodeId: hexId,
      call: count.optional(),
      ok: z.boolean(),
      /** A number or boolean, where that was the answer; the length of a list. */
      value: z.union([z.number(), z.boolean(), z.string()]).optional(),
      code: z.string().optional(),
      message: z.string().optional(),
    }),
  ),
});
export type CenterTrace = z.infer<typeof centerTrace>;

/** GET /ops/trace?callId=|connectionId=|userId=|groupId=, exactly one of them: newest first. */
export const opsTrace = z.object({
  /** What this center took; other centers are asked by asking them. */
  center: z.object({ since: timeMs.nullable(), items: z.array(centerTrace) }),
  nodes: z.array(z.object({ nodeId: hexId, since: timeMs.nullable(), items: z.array(nodeTrace) })),
  failed: z.array(z.object({ nodeId: hexId, code: z.string(), message: z.string() })),
});
export type OpsTrace = z.infer<typeof opsTrace>;

/** GET /ops/watch?connectionId=|userId=&seconds=60: NDJSON, until the time is over or the caller leaves. */
export const opsWatchLine = z.union([
  z.object({ kind: z.literal("frame"), nodeId: hexId, event: frameEvent }),
  z.object({ kind: z.literal("skipped"), nodeId: hexId, counts: z.record(z.string(), count) }),
  z.object({ kind: z.literal("end") }),
]);
export type OpsWatchLine = z.infer<typeof opsWatchLine>;
