import { z } from "zod";
import { scopes } from "./commands.js";
import { hexId } from "./ids.js";
import { MAX_INTEREST_ID_LENGTH } from "./interest.js";

/** The last moment that a Date can tell (ECMA-262, 21.4.1.1). */
const MAX_DATE_MS = 8_640_000_000_000_000;
/** The longest time that timers count. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * What a node tells a center about itself when it registers.
 *
 * `startedAt` is milliseconds since the Unix epoch; `publicUrl` is the ws(s):// address for clients. `members`: what it
 * wants to be told of other nodes, which old releases do not know of; with `connections`, also when only counts change.
 */
export const nodeInfo = z.object({
  version: z.string().max(64),
  publicUrl: z.string().max(2048),
  startedAt: z.int().nonnegative().max(MAX_DATE_MS),
  members: z.enum(["addresses", "connections"]).optional(),
});
export type NodeInfo = z.infer<typeof nodeInfo>;

/**
 * What a node holds right now. `draining`: it takes no new connections. `full`: nor can it, for now. `centerIds`: the
 * centers that it is linked to; the center of a link that is being made may not be among them yet.
 */
export const nodeStatus = z.object({
  connections: z.int().nonnegative(),
  users: z.int().nonnegative(),
  groups: z.int().nonnegative(),
  draining: z.boolean(),
  full: z.boolean().optional(),
  centerIds: z.array(hexId).max(1000).optional(),
});
export type NodeStatus = z.infer<typeof nodeStatus>;

/** Methods of a call, and outcomes of a reply. */
const MAX_OUTCOMES = 10_000;
const MAX_SERVICE_LENGTH = 512;
const MAX_METHOD_LENGTH = 128;

const nonce = z.string().regex(/^[0-9a-f]{64}$/);
/** Hex HMAC-SHA256; docs/PROTOCOL.md says over what. */
const proof = z.string().regex(/^[0-9a-f]{64}$/);
/** `host:port`, or a bare `port` that means the host at which the node reached the center. */
const address = z.string().min(1).max(300);
const callId = z.int().nonnegative();
const remainingMs = z.int().nonnegative().max(MAX_TIMEOUT_MS);
/** Counts the `interest` frames of one link, from 1. */
const interestNumber = z.int().nonnegative();
const interestIds = z.array(z.string().min(1).max(MAX_INTEREST_ID_LENGTH)).max(10_000).optional();
const transferId = z.int().nonnegative();

/** One result: `[true, value]`, or `[false, code, message]` with a code of errors.ts. */
export const outcome = z.union([
  z.tuple([z.literal(true), z.unknown()]),
  z.tuple([z.literal(false), z.string().max(64), z.string().max(2000)]),
]);
export type WireOutcome = z.infer<typeof outcome>;

const serviceName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const methodName = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/);

/**
 * A service of a node. `params` and `result` of its methods are JSON Schema, for people and tools; `scope` is what a
 * token must allow.
 */
export const serviceInfo = z.object({
  name: serviceName,
  metadata: z.record(z.string(), z.unknown()),
  methods: z
    .array(
      z.object({
        name: methodName,
        doc: z.string().max(2000),
        scope: z.enum(scopes).default("manage"),
        params: z.unknown(),
        result: z.unknown(),
      }),
    )
    .max(1000),
});
export type ServiceInfo = z.infer<typeof serviceInfo>;

/** A node as clients find it: `[id, address, takesClients, connections]`. */
export const memberInfo = z.tuple([
  hexId,
  z.string().regex(/^wss?:\/\/[!-~]{1,2048}$/),
  z.boolean(),
  z.int().nonnegative(),
]);
export type MemberInfo = z.infer<typeof memberInfo>;

/** What a node asks a center to run on the cluster: commands on the hub, or a method of a service. */
export const clusterRequest = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("commands"),
    commands: z.array(z.tuple([z.string().max(128), z.unknown()])).max(10_000),
  }),
  z.object({
    kind: z.literal("service"),
    service: z.string().max(64),
    method: z.string().max(64),
    params: z.unknown(),
    mode: z.enum(["one", "all"]),
    nodeId: hexId.optional(),
  }),
]);
export type ClusterRequest = z.infer<typeof clusterRequest>;

/**
 * Every frame between a center and a node, by its first element. docs/PROTOCOL.md tells their order.
 *
 * Handshake, the center proving first: `hello` (node), `hello` with proof (center), `auth` (node),
 * `welcome` or `refuse` (center).
 */
export const linkFrames = {
  hello: z.tuple([
    z.literal("hello"),
    z.object({
      version: z.int(),
      role: z.enum(["center", "node"]),
      id: hexId,
      nonce,
      proof: proof.optional(),
      maxFrameBytes: z.int().positive().optional(),
    }),
  ]),
  auth: z.tuple([z.literal("auth"), z.object({ proof, info: nodeInfo, status: nodeStatus })]),
  welcome: z.tuple([z.literal("welcome")]),
  refuse: z.tuple([z.literal("refuse"), z.string().max(64), z.string().max(2000)]),

  /** Center to node, with a number that only grows. */
  ping: z.tuple([z.literal("ping"), z.int().nonnegative()]),
  /**
   * Node to center: the number of the ping that it answers, what the node holds, and the number of the last
   * `interest` frame that it sent on this link, 0 before the first.
   */
  pong: z.tuple([z.literal("pong"), z.int().nonnegative(), nodeStatus, interestNumber]),

  /**
   * Node to center, numbered 1, 2, 3 on each link: users and groups that the node holds from now on, and those that it
   * does not hold any more, none in both lists. `whole`: with this frame everything has been told that the
   * node held when it linked.
   */
  interest: z.tuple([
    z.literal("interest"),
    z.int().positive(),
    z.object({
      users: interestIds,
      groups: interestIds,
      goneUsers: interestIds,
      goneGroups: interestIds,
      whole: z.literal(true).optional(),
    }),
  ]),
  /** Center to node: every `interest` frame up to that number has taken effect. */
  ack: z.tuple([z.literal("ack"), z.int().positive()]),

  /** `["call", id, service, remainingMs, [[method, params], ...]]`: run these in order. */
  call: z.tuple([
    z.literal("call"),
    callId,
    z.string().min(1).max(MAX_SERVICE_LENGTH),
    remainingMs,
    z.array(z.tuple([z.string().max(MAX_METHOD_LENGTH), z.unknown()])).max(MAX_OUTCOMES),
  ]),
  /** `["reply", id, outcomes]`: one outcome for each command of the call, in order. */
  reply: z.tuple([z.literal("reply"), callId, z.array(outcome).max(MAX_OUTCOMES)]),
  /** Nobody waits for that call, or request, any more. What was not yet read or answered of it may be dropped. */
  cancel: z.tuple([z.literal("cancel"), callId]),

  /** Node to center: all of the node's services, but for the hub, each time that they change. */
  services: z.tuple([z.literal("services"), z.array(serviceInfo).max(1000)]),

  /** Node to center: `["request", id, remainingMs, what]`: run this on the cluster, and answer with that id. */
  request: z.tuple([z.literal("request"), callId, remainingMs, clusterRequest]),
  /** Center to node: `[true, nodeIds, outcomes]`, outcomes by command and node, or `[false, code, message]`. */
  answer: z.tuple([
    z.literal("answer"),
    callId,
    z.union([
      z.tuple([z.literal(true), z.array(hexId), z.array(z.array(outcome))]),
      z.tuple([z.literal(false), z.string().max(64), z.string().max(2000)]),
    ]),
  ]),

  /** Center to node: register with these centers too, or leave them. */
  register: z.tuple([z.literal("register"), z.array(address).max(1000)]),
  remove: z.tuple([z.literal("remove"), z.array(address).max(1000)]),

  /**
   * Center to node: `["members", isWhole, members, goneIds]`. A whole list replaces what that center told before;
   * else members are added or changed. Those that are gone are taken off.
   */
  members: z.tuple([
    z.literal("members"),
    z.boolean(),
    z.array(memberInfo).max(10_000),
    z.array(hexId).max(10_000),
  ]),

  /** Center to node: take no new clients and close the present ones, but go on answering; or take clients again. */
  drain: z.tuple([z.literal("drain")]),
  undrain: z.tuple([z.literal("undrain")]),

  /** `["piece", transferId, totalBytes, bytes]`: the next bytes of a frame that is too large to go at once. */
  piece: z.tuple([
    z.literal("piece"),
    transferId,
    z.int().positive(),
    z.instanceof(Uint8Array as typeof Uint8Array<ArrayBufferLike>),
  ]),
  /** The rest of that transfer will not come. */
  abandon: z.tuple([z.literal("abandon"), transferId]),
} as const;

export type LinkFrameType = keyof typeof linkFrames;
export type LinkFrame = { [T in LinkFrameType]: z.infer<(typeof linkFrames)[T]> }[LinkFrameType];
export type FrameOf<T extends LinkFrameType> = z.infer<(typeof linkFrames)[T]>;

/** Checks a decoded frame. Its error says which frame and what was wrong, and holds none of its values. */
export function parseLinkFrame(
  value: unknown,
): { ok: true; frame: LinkFrame } | { ok: false; error: string } {
  if (!Array.isArray(value) || typeof value[0] !== "string" || !Object.hasOwn(linkFrames, value[0])) {
    return { ok: false, error: "not a frame of this protocol" };
  }
  if (isReply(value) || isCall(value)) return { ok: true, frame: value };
  const type = value[0] as LinkFrameType;
  const parsed = linkFrames[type].safeParse(value);
  if (parsed.success) return { ok: true, frame: parsed.data };
  const issue = parsed.error.issues[0];
  return { ok: false, error: `${type} frame: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "invalid"}` };
}

/*
 * The frames that each call has, checked by hand: zod takes as long for them as all else on their way. These say yes to
 * nothing that the schemas refuse; what they say no to, the schemas judge.
 */

function isReply(frame: readonly unknown[]): frame is FrameOf<"reply"> {
  const [type, id, outcomes] = frame;
  if (type !== "reply" || frame.length !== 3 || !isNatural(id)) return false;
  return Array.isArray(outcomes) && outcomes.length <= MAX_OUTCOMES && outcomes.every(isSuccess);
}

function isSuccess(outcome: unknown): boolean {
  return Array.isArray(outcome) && outcome.length === 2 && outcome[0] === true;
}

function isCall(frame: readonly unknown[]): frame is FrameOf<"call"> {
  const [type, id, service, remaining, methods] = frame;
  if (type !== "call" || frame.length !== 5 || !isNatural(id)) return false;
  if (typeof service !== "string" || service === "" || service.length > MAX_SERVICE_LENGTH) return false;
  if (!isNatural(remaining) || remaining > MAX_TIMEOUT_MS) return false;
  return Array.isArray(methods) && methods.length <= MAX_OUTCOMES && methods.every(isMethod);
}

function isMethod(method: unknown): boolean {
  if (!Array.isArray(method) || method.length !== 2) return false;
  return typeof method[0] === "string" && method[0].length <= MAX_METHOD_LENGTH;
}

function isNatural(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
