import {
  type Change,
  closeCodes,
  type CommandMethods,
  type CommandName,
  commands,
} from "@websocket-center/protocol";
import { checkCommand } from "../rpc/check-command.js";
import {
  deliver,
  deliverToGroups,
  deliverToOne,
  deliverToRandom,
  type Except,
  type ToAll,
} from "./fanout.js";
import type { Group, Hub, HubConnection } from "./hub.js";

/**
 * The command table, carried out on one hub. Parameters are taken as checked.
 * @param toAll - default: as to any list of connections.
 */
export function createHandlers(hub: Hub, toAll?: ToAll): CommandMethods {
  /** Runs `change` on the connection, where it is here. */
  const onConnection = (connectionId: string, change: (connection: HubConnection) => boolean): Change => {
    const connection = hub.connection(connectionId);
    if (connection === undefined) return "absent";
    return change(connection) ? "done" : "unchanged";
  };
  /** Runs `change` on each connection of the user; `done` where one of them changed. */
  const onUser = (userId: string, change: (connection: HubConnection) => boolean): Change => {
    const connections = hub.connectionsOf(userId);
    if (connections.size === 0) return "absent";
    let changed = false;
    for (const connection of connections) changed = change(connection) || changed;
    return changed ? "done" : "unchanged";
  };
  const groupsOf = (connectionId: string): ReadonlySet<Group> =>
    hub.connection(connectionId)?.groups ?? new Set<Group>();
  const anyOf = (groupIds: readonly string[], change: (groupId: string) => boolean): boolean => {
    let changed = false;
    for (const groupId of groupIds) changed = change(groupId) || changed;
    return changed;
  };
  const except = (connectionIds: string[] | undefined, userIds?: string[]): Except => ({
    connectionIds,
    userIds,
  });
  const close = (connections: Iterable<HubConnection>, reason = ""): number => {
    const closing = [...connections];
    for (const connection of closing) connection.close(closeCodes.CLOSED_BY_BACKEND.code, reason);
    return closing.length;
  };
  const oneOrNone = (connectionId: string): HubConnection[] => {
    const connection = hub.connection(connectionId);
    return connection === undefined ? [] : [connection];
  };

  return {
    countConnections: () => hub.connectionCount,
    listConnections: () => hub.connectionIds(),
    listUsers: () => hub.userIds(),
    countUsers: () => hub.userCount,
    listBoundConnections: () => hub.boundConnectionIds(),
    countBoundConnections: () => hub.boundCount,
    listConnectionsOfUser: ({ userId }) => Array.from(hub.connectionsOf(userId), ({ id }) => id),
    getUserOfConnection: ({ connectionId }) => hub.connection(connectionId)?.userId ?? null,
    getConnectionData: ({ connectionId }) => hub.connection(connectionId)?.data ?? {},
    isUserOnline: ({ userId }) => hub.connectionsOf(userId).size > 0,
    isConnectionOnline: ({ connectionId }) => hub.connection(connectionId) !== undefined,

    bindUser: ({ userId, connectionId }) =>
      onConnection(connectionId, (connection) => hub.bind(userId, connection)),
    unbindUser: ({ userId }) => {
      const changed = onUser(userId, (connection) => hub.unbind(connection));
      return changed === "absent" ? "unchanged" : changed;
    },
    unbindConnection: ({ connectionId }) => {
      const changed = onConnection(connectionId, (connection) => hub.unbind(connection));
      return changed === "absent" ? "unchanged" : changed;
    },

    joinUserToGroups: ({ groupIds, userId }) =>
      onUser(userId, (connection) => anyOf(groupIds, (groupId) => hub.join(groupId, connection))),
    joinConnectionToGroup: ({ groupId, connectionId }) =>
      onConnection(connectionId, (connection) => hub.join(groupId, connection)),
    removeUserFromGroups: ({ groupIds, userId }) =>
      onUser(userId, (connection) => anyOf(groupIds, (groupId) => hub.leave(groupId, connection))),
    removeConnectionFromGroup: ({ groupId, connectionId }) =>
      onConnection(connectionId, (connection) => hub.leave(groupId, connection)),
    removeUserFromAllGroups: ({ userId }) => onUser(userId, (connection) => hub.leaveAll(connection)),
    removeConnectionFromAllGroups: ({ connectionId }) =>
      onConnection(connectionId, (connection) => hub.leaveAll(connection)),

    listGroups: () => hub.groupIds(),
    listGroupsOfUser: ({ userId }) => Array.from(hub.groupsOf(userId), ({ id }) => id),
    listGroupsOfConnection: ({ connectionId }) => Array.from(groupsOf(connectionId), ({ id }) => id),
    countGroupsOfUser: ({ userId }) => hub.groupsOf(userId).size,
    countGroupsOfConnection: ({ connectionId }) => groupsOf(connectionId).size,
    isUserInGroup: ({ groupId, userId }) => hub.group(groupId)?.hasUser(userId) ?? false,
    isConnectionInGroup: ({ groupId, connectionId }) => {
      const connection = hub.connection(connectionId);
      return connection !== undefined && hub.membersOf(groupId).has(connection);
    },
    countUsersInGroup: ({ groupId }) => hub.group(groupId)?.userCount ?? 0,
    countConnectionsInGroup: ({ groupId }) => hub.membersOf(groupId).size,

    sendToUser: ({ userId, message, exceptConnectionIds }) =>
      deliver(hub.connectionsOf(userId), message, except(exceptConnectionIds)),
    sendToConnection: ({ connectionId, message, exceptConnectionIds }) =>
      deliver(oneOrNone(connectionId), message, except(exceptConnectionIds)),
    sendToGroup: ({ groupId, message, exceptUserIds, exceptConnectionIds }) =>
      deliver(hub.membersOf(groupId), message, except(exceptConnectionIds, exceptUserIds)),
    sendToGroups: ({ groupIds, message, exceptConnectionIds }) => {
      const groups = groupIds.map((groupId) => hub.group(groupId)).filter((group) => group !== undefined);
      return deliverToGroups(groups, message, except(exceptConnectionIds));
    },
    sendToGroupsOfUser: ({ userId, message, exceptConnectionIds }) =>
      deliverToGroups(hub.groupsOf(userId), message, except(exceptConnectionIds)),
    sendToGroupsOfConnection: ({ connectionId, message, exceptConnectionIds }) =>
      deliverToGroups(groupsOf(connectionId), message, except(exceptConnectionIds)),
    broadcast: ({ message, exceptConnectionIds }) => {
      if (toAll === undefined) return deliver(hub.all, message, except(exceptConnectionIds));
      return toAll(message, (exceptConnectionIds ?? []).flatMap(oneOrNone));
    },
    sendToRandomConnection: ({ message }) => deliverToRandom(hub.all, message),
    sendToOneInGroup: ({ groupId, message }) => (deliverToOne(hub.group(groupId), message) ? 1 : 0),

    closeUser: ({ userId, reason }) => close(hub.connectionsOf(userId), reason),
    closeConnection: ({ connectionId, reason }) => close(oneOrNone(connectionId), reason),
  };
}

/**
 * Checks the name and parameters of a command that came from outside and runs it.
 * @throws CenterError UNKNOWN_COMMAND or INVALID_PARAMS, whose text holds none of the values.
 */
export function execute(handlers: CommandMethods, name: string, params: unknown): unknown {
  const command = checkCommand(name, params);
  // The table ties each name to its parameters, which a union of functions cannot express.
  const run = handlers[command.name] as (params: unknown) => unknown;
  return run(command.params);
}

/** The same commands for callers in process: parameters are checked, faults are thrown. */
export function createCheckedHandlers(handlers: CommandMethods): CommandMethods {
  const names = Object.keys(commands) as CommandName[];
  const checked = names.map((name) => [name, (params: unknown = {}) => execute(handlers, name, params)]);
  return Object.fromEntries(checked) as CommandMethods;
}
