import { type Change, type Command, type CommandName, commands, type Scope } from "./commands.js";

/**
 * How a parameter of the classic API is read.
 *
 * - `id`: text that is not empty; a number counts as its decimal text
 * - `optionalId`: an id, where `""`, the number 0 and absence mean "not given"; `optionalConnectionId` the same
 *   without the number 0
 * - `groupList`: a comma list of group ids, empty items dropped, at least one left
 * - `message`: a string as it is, anything else but null as its JSON text
 * - `idList`: a list of ids, or one id for a list of one; `""` is dropped; absence is an empty list
 * - `reason`: a close reason, `""` by default
 */
export type ClassicParamKind =
  | "id"
  | "optionalId"
  | "optionalConnectionId"
  | "groupList"
  | "message"
  | "idList"
  | "reason";

/** A parameter after it was read: text, or a list of texts; undefined where an optional one is not given. */
export type ClassicParams = Record<string, string | string[] | undefined>;

export interface ClassicParam {
  name: string;
  kind: ClassicParamKind;
}

export interface ClassicEvent {
  /** In the order in which they count when they are given by position. */
  params: readonly ClassicParam[];
  /** The command that the event stands for. Undefined where the parameters name nobody to send to. */
  toCommand: (params: ClassicParams) => Command | undefined;
  /** The commands that `toCommand` can answer. */
  commands: readonly CommandName[];
  /** The scope of these commands. */
  scope: Scope;
  /** Turns the command's result into the classic value. */
  toValue: (result: unknown) => unknown;
  doc: string;
}

const text = (value: string | string[] | undefined): string => (typeof value === "string" ? value : "");
const list = (value: string | string[] | undefined): string[] => (Array.isArray(value) ? value : []);

const asIs = (result: unknown): unknown => result;
const changeCodes: Record<Change, number> = { done: 0, unchanged: 1, absent: 2 };
const changeCode = (result: unknown): unknown => changeCodes[result as Change];
const zeroForNull = (result: unknown): unknown => result ?? 0;

function param(name: string, kind: ClassicParamKind): ClassicParam {
  return { name, kind };
}
const _id = param("_id", "id");
const id = param("id", "id");
const groupId = param("groupId", "id");
const groupList = param("groupId", "groupList");
const msg = param("msg", "message");
const data = param("data", "message");
const exclude_Ids = param("exclude_Ids", "idList");
const excludeIds = param("excludeIds", "idList");
const reason = param("reason", "reason");

function event<C extends CommandName>(
  name: C,
  params: readonly ClassicParam[],
  toParams: (params: ClassicParams) => Extract<Command, { name: C }>["params"],
  doc: string,
  toValue: (result: unknown) => unknown = asIs,
): ClassicEvent {
  return {
    params,
    toCommand: (given) => ({ name, params: toParams(given) }) as Command,
    commands: [name],
    scope: commands[name].scope,
    toValue,
    doc,
  };
}

const nothing = (): Record<string, never> => ({});
const byUser = (p: ClassicParams) => ({ userId: text(p["id"]) });
const byConnection = (p: ClassicParams) => ({ connectionId: text(p["_id"]) });

/** The events of the classic API, by name. docs/CLASSIC-API.md is made from this table. */
export const classicEvents: Readonly<Record<string, ClassicEvent>> = {
  getConnectionCount: event("countConnections", [], nothing, "number of connections"),
  get_IdCount: event("countConnections", [], nothing, "number of connections"),
  get_Ids: event("listConnections", [], nothing, "list of connection ids"),
  getIds: event("listUsers", [], nothing, "list of bound user ids, always strings"),
  getBindIds: event("listUsers", [], nothing, "list of bound user ids, always strings"),
  getIdCount: event("countUsers", [], nothing, "number of bound user ids"),
  getBindIdCount: event("countUsers", [], nothing, "number of bound user ids"),
  getBind_Ids: event("listBoundConnections", [], nothing, "list of connection ids that have a user"),
  getBind_IdCount: event("countBoundConnections", [], nothing, "number of connection ids that have a user"),
  getBind_IdsById: event("listConnectionsOfUser", [id], byUser, "list of that user's connection ids"),
  getIdBy_Id: event(
    "getUserOfConnection",
    [_id],
    byConnection,
    "the user id as a string, the number 0 where unbound or unknown",
    zeroForNull,
  ),
  get_IdData: event(
    "getConnectionData",
    [_id],
    byConnection,
    "the connection's handshake query parameters as an object, `{}` where unknown",
  ),
  isOnlineId: event("isUserOnline", [id], byUser, "boolean"),
  isOnline_Id: event("isConnectionOnline", [_id], byConnection, "boolean"),
  bindId: event(
    "bindUser",
    [id, _id],
    (p) => ({ ...byUser(p), ...byConnection(p) }),
    "0 bound · 1 that connection has a user already (nothing changes) · 2 no such connection here",
    changeCode,
  ),
  unBindId: event("unbindUser", [id], byUser, "0 done · 1 not bound here", changeCode),
  unBind_Id: event("unbindConnection", [_id], byConnection, "0 done · 1 not bound, or not here", changeCode),
  joinGroupById: event(
    "joinUserToGroups",
    [groupList, id],
    (p) => ({ groupIds: list(p["groupId"]), ...byUser(p) }),
    "0 some connection joined some group anew · 1 all were in already · 2 the user has no connection here",
    changeCode,
  ),
  joinGroupBy_Id: event(
    "joinConnectionToGroup",
    [groupId, _id],
    (p) => ({ groupId: text(p["groupId"]), ...byConnection(p) }),
    "0 joined · 1 was in · 2 no such connection here",
    changeCode,
  ),
  leaveGroupById: event(
    "removeUserFromGroups",
    [groupList, id],
    (p) => ({ groupIds: list(p["groupId"]), ...byUser(p) }),
    "0 some connection left some group · 1 was in none · 2 the user has no connection here",
    changeCode,
  ),
  leaveGroupBy_Id: event(
    "removeConnectionFromGroup",
    [groupId, _id],
    (p) => ({ groupId: text(p["groupId"]), ...byConnection(p) }),
    "0 left · 1 was not in it · 2 no such connection here",
    changeCode,
  ),
  leaveAllGroupById: event(
    "removeUserFromAllGroups",
    [id],
    byUser,
    "0 left · 1 was in none · 2 the user has no connection here",
    changeCode,
  ),
  leaveAllGroupBy_Id: event(
    "removeConnectionFromAllGroups",
    [_id],
    byConnection,
    "0 left · 1 was in none · 2 no such connection here",
    changeCode,
  ),
  getGroupIds: event("listGroups", [], nothing, "list of group ids that have members here"),
  getGroupIdsById: event(
    "listGroupsOfUser",
    [id],
    byUser,
    "list of the groups that the user is in, each once",
  ),
  getGroupIdsBy_Id: event(
    "listGroupsOfConnection",
    [_id],
    byConnection,
    "list of the groups that the connection is in",
  ),
  getGroupCountById: event("countGroupsOfUser", [id], byUser, "number of groups that the user is in"),
  getGroupCountBy_Id: event(
    "countGroupsOfConnection",
    [_id],
    byConnection,
    "number of groups that the connection is in",
  ),
  isInGroupById: event(
    "isUserInGroup",
    [groupId, id],
    (p) => ({ groupId: text(p["groupId"]), ...byUser(p) }),
    "boolean",
  ),
  isInGroupBy_Id: event(
    "isConnectionInGroup",
    [groupId, _id],
    (p) => ({ groupId: text(p["groupId"]), ...byConnection(p) }),
    "boolean",
  ),
  getGroupIdCount: event(
    "countUsersInGroup",
    [groupId],
    (p) => ({ groupId: text(p["groupId"]) }),
    "number of distinct bound users in the group here",
  ),
  getGroup_IdCount: event(
    "countConnectionsInGroup",
    [groupId],
    (p) => ({ groupId: text(p["groupId"]) }),
    "number of connections in the group here",
  ),
  sendMessageToId: event(
    "sendToUser",
    [id, msg, exclude_Ids],
    (p) => ({ userId: text(p["id"]), message: text(p["msg"]), exceptConnectionIds: list(p["exclude_Ids"]) }),
    "number of connections that the message was queued to",
  ),
  sendMessageTo_Id: event(
    "sendToConnection",
    [_id, msg],
    (p) => ({ connectionId: text(p["_id"]), message: text(p["msg"]) }),
    "1, or 0 where not here",
  ),
  sendToClient: {
    params: [param("_id", "optionalConnectionId"), msg, param("id", "optionalId"), exclude_Ids],
    commands: ["sendToUser", "sendToConnection"],
    scope: "send",
    toCommand: (p) => {
      const message = text(p["msg"]);
      const exceptConnectionIds = list(p["exclude_Ids"]);
      const { id: userId, _id: connectionId } = p;
      if (userId !== undefined) {
        return { name: "sendToUser", params: { userId: text(userId), message, exceptConnectionIds } };
      }
      if (connectionId === undefined) return undefined;
      return {
        name: "sendToConnection",
        params: { connectionId: text(connectionId), message, exceptConnectionIds },
      };
    },
    toValue: asIs,
    doc: "by user where `id` is given, else by connection: the number of connections that the message was queued to",
  },
  sendToGroup: event(
    "sendToGroup",
    [groupId, msg, excludeIds, exclude_Ids],
    (p) => ({
      groupId: text(p["groupId"]),
      message: text(p["msg"]),
      exceptUserIds: list(p["excludeIds"]),
      exceptConnectionIds: list(p["exclude_Ids"]),
    }),
    "number of connections that the message was queued to",
  ),
  sendMessageToGroupByOnlyId: event(
    "sendToGroupsOfUser",
    [id, msg, exclude_Ids],
    (p) => ({ userId: text(p["id"]), message: text(p["msg"]), exceptConnectionIds: list(p["exclude_Ids"]) }),
    "sends to every group that this user is in, on every node; a connection gets it once; number of connections",
  ),
  sendMessageToGroupByOnly_Id: event(
    "sendToGroupsOfConnection",
    [_id, msg, exclude_Ids],
    (p) => ({
      connectionId: text(p["_id"]),
      message: text(p["msg"]),
      exceptConnectionIds: list(p["exclude_Ids"]),
    }),
    "sends to every group that this connection is in, on every node; a connection gets it once; number of connections",
  ),
  broadcast: event(
    "broadcast",
    [msg, exclude_Ids],
    (p) => ({ message: text(p["msg"]), exceptConnectionIds: list(p["exclude_Ids"]) }),
    "number of connections that the message was queued to",
  ),
  randSendToConnection: event(
    "sendToRandomConnection",
    [data],
    (p) => ({ message: text(p["data"]) }),
    "true where some connection here got it, else false",
  ),
  broadcastToGroupOnce: event(
    "sendToOneInGroup",
    [groupId, data],
    (p) => ({ groupId: text(p["groupId"]), message: text(p["data"]) }),
    "1 where one member here got it, else 0",
  ),
  closeById: event(
    "closeUser",
    [id, reason],
    (p) => ({ ...byUser(p), reason: text(p["reason"]) }),
    "closes the user's connections (4500, do not come back); their number",
  ),
  closeBy_Id: event(
    "closeConnection",
    [_id, reason],
    (p) => ({ ...byConnection(p), reason: text(p["reason"]) }),
    "closes the connection (4500, do not come back); 1, or 0 where not here",
  ),
};

/** The event of that name, case-sensitive; undefined for unknown names, `constructor` and its like included. */
export function findClassicEvent(name: string): ClassicEvent | undefined {
  return Object.hasOwn(classicEvents, name) ? classicEvents[name] : undefined;
}
