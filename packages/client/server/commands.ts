import type { CommandName, commands, Params, Result } from "@websocket-center/protocol";

/**
 * What is needed of the command table at run time; the table itself would bring its schemas along. The types hold it
 * equal: a command that is missing, or differs, does not compile.
 */
export const commandTable = {
  countConnections: { scope: "read", merge: "sum", absent: 0 },
  listConnections: { scope: "read", merge: "union", absent: [] },
  listUsers: { scope: "read", merge: "union", absent: [] },
  countUsers: { scope: "read", merge: "sum", absent: 0 },
  listBoundConnections: { scope: "read", merge: "union", absent: [] },
  countBoundConnections: { scope: "read", merge: "sum", absent: 0 },
  listConnectionsOfUser: { scope: "read", merge: "union", absent: [] },
  getUserOfConnection: { scope: "read", merge: "first", absent: null },
  getConnectionData: { scope: "read", merge: "first", absent: {} },
  isUserOnline: { scope: "read", merge: "any", absent: false },
  isConnectionOnline: { scope: "read", merge: "any", absent: false },
  bindUser: { scope: "manage", merge: "change", absent: "absent" },
  unbindUser: { scope: "manage", merge: "change", absent: "unchanged" },
  unbindConnection: { scope: "manage", merge: "change", absent: "unchanged" },
  joinUserToGroups: { scope: "manage", merge: "change", absent: "absent" },
  joinConnectionToGroup: { scope: "manage", merge: "change", absent: "absent" },
  removeUserFromGroups: { scope: "manage", merge: "change", absent: "absent" },
  removeConnectionFromGroup: { scope: "manage", merge: "change", absent: "absent" },
  removeUserFromAllGroups: { scope: "manage", merge: "change", absent: "absent" },
  removeConnectionFromAllGroups: { scope: "manage", merge: "change", absent: "absent" },
  listGroups: { scope: "read", merge: "union", absent: [] },
  listGroupsOfUser: { scope: "read", merge: "union", absent: [] },
  listGroupsOfConnection: { scope: "read", merge: "union", absent: [] },
  countGroupsOfUser: { scope: "read", merge: "sum", absent: 0 },
  countGroupsOfConnection: { scope: "read", merge: "sum", absent: 0 },
  isUserInGroup: { scope: "read", merge: "any", absent: false },
  isConnectionInGroup: { scope: "read", merge: "any", absent: false },
  countUsersInGroup: { scope: "read", merge: "sum", absent: 0 },
  countConnectionsInGroup: { scope: "read", merge: "sum", absent: 0 },
  sendToUser: { scope: "send", merge: "sum", absent: 0 },
  sendToConnection: { scope: "send", merge: "sum", absent: 0 },
  sendToGroup: { scope: "send", merge: "sum", absent: 0 },
  sendToGroups: { scope: "send", merge: "sum", absent: 0 },
  sendToGroupsOfUser: { scope: "send", merge: "sum", absent: 0 },
  sendToGroupsOfConnection: { scope: "send", merge: "sum", absent: 0 },
  broadcast: { scope: "send", merge: "sum", absent: 0 },
  sendToRandomConnection: { scope: "send", merge: "any", absent: false },
  sendToOneInGroup: { scope: "send", merge: "sum", absent: 0 },
  closeUser: { scope: "manage", merge: "sum", absent: 0 },
  closeConnection: { scope: "manage", merge: "sum", absent: 0 },
} as const satisfies {
  readonly [C in CommandName]: Readonly<Pick<(typeof commands)[C], "scope" | "merge">> & {
    readonly absent: Result<C>;
  };
};

export const commandNames = Object.keys(commandTable) as CommandName[];

/** The parameters of a command, as they go over HTTP: a message is text. */
export type CommandParams<C extends CommandName> = {
  [K in keyof Params<C>]: K extends "message" ? string : ReadonlyList<Params<C>[K]>;
};

type ReadonlyList<T> = T extends (infer Item)[] ? readonly Item[] : T;

/** Makes one result of those of several nodes, by the table's rule. */
export function mergeResults(name: CommandName, results: readonly unknown[]): unknown {
  const { absent, merge } = commandTable[name];
  switch (merge) {
    case "sum":
      return results.reduce((sum: number, result) => sum + Number(result), 0);
    case "union":
      return [...new Set(results.flat())];
    case "any":
      return results.includes(true);
    case "first":
      return results.find((result) => JSON.stringify(result) !== JSON.stringify(absent)) ?? absent;
    case "change":
      return ["done", "unchanged", "absent"].find((change) => results.includes(change)) ?? absent;
  }
}
