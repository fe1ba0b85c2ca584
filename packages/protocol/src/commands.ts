import { z } from "zod";
import { anyId, closeReason, message } from "./ids.js";

/**
 * Whom a command concerns, and so which nodes are asked: the node in the connection's id, the nodes that hold the
 * user or the group, or all.
 */
export type Target = "connection" | "user" | "group" | "all";

/**
 * How the results of nodes become one: their sum, the union of lists, whether any is true, the first that is not the
 * absent value, or the change that went furthest.
 */
export type Merge = "sum" | "union" | "any" | "first" | "change";

/** What a token must allow for the command. */
export const scopes = ["read", "send", "manage"] as const;
export type Scope = (typeof scopes)[number];

/** What a state change did: `absent` says that the user or connection is not on this node. */
export const change = z.enum(["done", "unchanged", "absent"]);
export type Change = z.infer<typeof change>;

const userId = anyId;
const connectionId = anyId;
const groupId = anyId;
const groupIds = z.array(groupId).min(1);
const count = z.int().nonnegative();
const flag = z.boolean();
const idList = z.array(z.string());
const exceptConnectionIds = z.array(anyId).optional();
const exceptUserIds = z.array(anyId).optional();
const none = z.strictObject({});

/**
 * THE table: every operation on a hub. The HTTP APIs, links between centers and nodes, in-process calls and the
 * documentation are all made from it.
 *
 * `absent` is a node's answer when nothing that the command concerns is there: the router gives it for nodes
 * that need not be asked.
 */
export const commands = {
  countConnections: {
    scope: "read",
    target: "all",
    params: none,
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Number of connections.",
  },
  listConnections: {
    scope: "read",
    target: "all",
    params: none,
    result: idList,
    merge: "union",
    absent: [],
    doc: "Connection ids.",
  },
  listUsers: {
    scope: "read",
    target: "all",
    params: none,
    result: idList,
    merge: "union",
    absent: [],
    doc: "Bound user ids.",
  },
  countUsers: {
    scope: "read",
    target: "all",
    params: none,
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Number of bound user ids.",
  },
  listBoundConnections: {
    scope: "read",
    target: "all",
    params: none,
    result: idList,
    merge: "union",
    absent: [],
    doc: "Connection ids that have a user.",
  },
  countBoundConnections: {
    scope: "read",
    target: "all",
    params: none,
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Number of connections that have a user.",
  },
  listConnectionsOfUser: {
    scope: "read",
    target: "user",
    params: z.strictObject({ userId }),
    result: idList,
    merge: "union",
    absent: [],
    doc: "The user's connection ids.",
  },
  getUserOfConnection: {
    scope: "read",
    target: "connection",
    params: z.strictObject({ connectionId }),
    result: z.string().nullable(),
    merge: "first",
    absent: null,
    doc: "The user id of the connection, null where it is unbound or unknown.",
  },
  getConnectionData: {
    scope: "read",
    target: "connection",
    params: z.strictObject({ connectionId }),
    result: z.record(z.string(), z.unknown()),
    merge: "first",
    absent: {},
    doc: "The connection's data: its handshake query parameters, `{}` where it is unknown.",
  },
  isUserOnline: {
    scope: "read",
    target: "user",
    params: z.strictObject({ userId }),
    result: flag,
    merge: "any",
    absent: false,
    doc: "Whether the user has a connection.",
  },
  isConnectionOnline: {
    scope: "read",
    target: "connection",
    params: z.strictObject({ connectionId }),
    result: flag,
    merge: "any",
    absent: false,
    doc: "Whether the connection is open.",
  },
  bindUser: {
    scope: "manage",
    target: "connection",
    params: z.strictObject({ userId, connectionId }),
    result: change,
    merge: "change",
    absent: "absent",
    doc: "Binds the user to the connection. `unchanged` where the connection has a user already.",
  },
  unbindUser: {
    scope: "manage",
    target: "user",
    params: z.strictObject({ userId }),
    result: change,
    merge: "change",
    absent: "unchanged",
    doc: "Unbinds the user from all of its connections. They keep their groups.",
  },
  unbindConnection: {
    scope: "manage",
    target: "connection",
    params: z.strictObject({ connectionId }),
    result: change,
    merge: "change",
    absent: "unchanged",
    doc: "Unbinds the connection's user. It keeps its groups.",
  },
  joinUserToGroups: {
    scope: "manage",
    target: "user",
    params: z.strictObject({ groupIds, userId }),
    result: change,
    merge: "change",
    absent: "absent",
    doc: "Every connection of the user joins every group. `done` where one joined one anew.",
  },
  joinConnectionToGroup: {
    scope: "manage",
    target: "connection",
    params: z.strictObject({ groupId, connectionId }),
    result: change,
    merge: "change",
    absent: "absent",
    doc: "The connection joins the group.",
  },
  removeUserFromGroups: {
    scope: "manage",
    target: "user",
    params: z.strictObject({ groupIds, userId }),
    result: change,
    merge: "change",
    absent: "absent",
    doc: "Every connection of the user leaves every group. `done` where one left one.",
  },
  removeConnectionFromGroup: {
    scope: "manage",
    target: "connection",
    params: z.strictObject({ groupId, connectionId }),
    result: change,
    merge: "change",
    absent: "absent",
    doc: "The connection leaves the group.",
  },
  removeUserFromAllGroups: {
    scope: "manage",
    target: "user",
    params: z.strictObject({ userId }),
    result: change,
    merge: "change",
    absent: "absent",
    doc: "Every connection of the user leaves all of its groups.",
  },
  removeConnectionFromAllGroups: {
    scope: "manage",
    target: "connection",
    params: z.strictObject({ connectionId }),
    result: change,
    merge: "change",
    absent: "absent",
    doc: "The connection leaves all of its groups.",
  },
  listGroups: {
    scope: "read",
    target: "all",
    params: none,
    result: idList,
    merge: "union",
    absent: [],
    doc: "Groups that have members.",
  },
  listGroupsOfUser: {
    scope: "read",
    target: "user",
    params: z.strictObject({ userId }),
    result: idList,
    merge: "union",
    absent: [],
    doc: "Groups that some connection of the user is in, each once.",
  },
  listGroupsOfConnection: {
    scope: "read",
    target: "connection",
    params: z.strictObject({ connectionId }),
    result: idList,
    merge: "union",
    absent: [],
    doc: "Groups that the connection is in.",
  },
  countGroupsOfUser: {
    scope: "read",
    target: "user",
    params: z.strictObject({ userId }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Number of groups that some connection of the user is in.",
  },
  countGroupsOfConnection: {
    scope: "read",
    target: "connection",
    params: z.strictObject({ connectionId }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Number of groups that the connection is in.",
  },
  isUserInGroup: {
    scope: "read",
    target: "user",
    params: z.strictObject({ groupId, userId }),
    result: flag,
    merge: "any",
    absent: false,
    doc: "Whether some connection of the user is in the group.",
  },
  isConnectionInGroup: {
    scope: "read",
    target: "connection",
    params: z.strictObject({ groupId, connectionId }),
    result: flag,
    merge: "any",
    absent: false,
    doc: "Whether the connection is in the group.",
  },
  countUsersInGroup: {
    scope: "read",
    target: "group",
    params: z.strictObject({ groupId }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Number of distinct bound users in the group.",
  },
  countConnectionsInGroup: {
    scope: "read",
    target: "group",
    params: z.strictObject({ groupId }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Number of connections in the group.",
  },
  sendToUser: {
    scope: "send",
    target: "user",
    params: z.strictObject({ userId, message, exceptConnectionIds }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Sends to the user's connections. Answers how many queued the message.",
  },
  sendToConnection: {
    scope: "send",
    target: "connection",
    params: z.strictObject({ connectionId, message, exceptConnectionIds }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Sends to the connection. Answers 1 where it queued the message, else 0.",
  },
  sendToGroup: {
    scope: "send",
    target: "group",
    params: z.strictObject({ groupId, message, exceptUserIds, exceptConnectionIds }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Sends to the connections in the group. Answers how many queued the message.",
  },
  sendToGroups: {
    scope: "send",
    target: "group",
    params: z.strictObject({ groupIds: z.array(groupId), message, exceptConnectionIds }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Sends to the connections that are in at least one of the groups, once each. Answers how many queued it.",
  },
  sendToGroupsOfUser: {
    scope: "send",
    target: "user",
    params: z.strictObject({ userId, message, exceptConnectionIds }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Sends to every group that the user is in, on every node; a connection gets it once. Answers how many queued it.",
  },
  sendToGroupsOfConnection: {
    scope: "send",
    target: "connection",
    params: z.strictObject({ connectionId, message, exceptConnectionIds }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Sends to every group that the connection is in, on every node; a connection gets it once. Answers how many queued it.",
  },
  broadcast: {
    scope: "send",
    target: "all",
    params: z.strictObject({ message, exceptConnectionIds }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Sends to every connection. Answers how many queued the message.",
  },
  sendToRandomConnection: {
    scope: "send",
    target: "all",
    params: z.strictObject({ message }),
    result: flag,
    merge: "any",
    absent: false,
    doc: "Sends to one connection of the node, picked at random. Answers whether one queued it.",
  },
  sendToOneInGroup: {
    scope: "send",
    target: "group",
    params: z.strictObject({ groupId, message }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Sends to one member of the group on the node, the members taking turns. Answers 1 where one queued it, else 0.",
  },
  closeUser: {
    scope: "manage",
    target: "user",
    params: z.strictObject({ userId, reason: closeReason.optional() }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Closes the user's connections with code 4500 (do not come back). Answers their number.",
  },
  closeConnection: {
    scope: "manage",
    target: "connection",
    params: z.strictObject({ connectionId, reason: closeReason.optional() }),
    result: count,
    merge: "sum",
    absent: 0,
    doc: "Closes the connection with code 4500 (do not come back). Answers 1, or 0 where it is not here.",
  },
} as const satisfies Record<string, CommandSpec>;

interface CommandSpec {
  scope: Scope;
  target: Target;
  params: z.ZodType;
  result: z.ZodType;
  merge: Merge;
  absent: unknown;
  doc: string;
}

export type CommandName = keyof typeof commands;
export type Params<C extends CommandName> = z.infer<(typeof commands)[C]["params"]>;
export type Result<C extends CommandName> = z.infer<(typeof commands)[C]["result"]>;

/** One command with its parameters, the unit that routers and nodes work on. */
export type Command = { [C in CommandName]: { name: C; params: Params<C> } }[CommandName];

/** Every command as a function of its parameters: what a hub offers in process. */
export type CommandMethods = { [C in CommandName]: (params: Params<C>) => Result<C> };

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

/** What these schemas take, said without zod: nearly every result is one of them, and each call has one. */
const plainResults = new Map<z.ZodType, (value: unknown) => boolean>([
  [count, (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0],
  [flag, (value) => typeof value === "boolean"],
]);

/** Whether that is what the command returns. */
export function isResult(name: CommandName, value: unknown): boolean {
  const { result } = commands[name];
  const isPlain = plainResults.get(result);
  return isPlain === undefined ? result.safeParse(value).success : isPlain(value);
}
