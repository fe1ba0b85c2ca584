import type {
  ConnectionDetail,
  ConnectionSummary,
  NodeOperationParams,
  NodeOperationResult,
} from "@websocket-center/protocol";
import { Connection } from "../connection.js";
import type { Hub, HubConnection } from "../hub.js";
import { pageOf } from "./pages.js";

const MAX_GROUP_IDS = 1000;

/** Pages of what a hub holds, and one connection of it. Each costs a look at all keys, in slices of time. */
export class Listings {
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  async connections(
    { after, search, userId, groupId, limit }: NodeOperationParams<"listConnections">,
    signal: AbortSignal,
  ): Promise<NodeOperationResult<"listConnections">> {
    const hub = this.#hub;
    const isMeant = (id: string): boolean => {
      const connection = hub.connection(id);
      if (!(connection instanceof Connection)) return false;
      if (userId !== undefined && connection.userId !== userId) return false;
      if (groupId !== undefined && !hub.membersOf(groupId).has(connection)) return false;
      return search === undefined || holds(search, id, connection.userId, connection.remoteAddress);
    };
    const { keys, more } = await pageOf(this.#connectionIds(userId, groupId), isMeant, {
      after,
      limit,
      signal,
    });
    const connections = keys.map((id) => hub.connection(id));
    return { items: connections.filter((found) => found instanceof Connection).map(summaryOf), more };
  }

  connection(connectionId: string): ConnectionDetail | null {
    const connection = this.#hub.connection(connectionId);
    return connection instanceof Connection ? detailOf(connection) : null;
  }

  async users(
    { after, search, groupId, limit }: NodeOperationParams<"listUsers">,
    signal: AbortSignal,
  ): Promise<NodeOperationResult<"listUsers">> {
    const hub = this.#hub;
    const group = groupId === undefined ? undefined : hub.group(groupId);
    if (groupId !== undefined && group === undefined) return { items: [], more: false };
    const keys = group === undefined ? hub.held("user") : group.userIds();
    const isMeant = (userId: string): boolean => search === undefined || userId.includes(search);
    const page = await pageOf(keys, isMeant, { after, limit, signal });
    const items = page.keys.map((userId) => ({
      userId,
      connections: hub.connectionsOf(userId).size,
      groups: hub.groupsOf(userId).size,
    }));
    return { items, more: page.more };
  }

  async groups(
    { after, search, userId, limit }: NodeOperationParams<"listGroups">,
    signal: AbortSignal,
  ): Promise<NodeOperationResult<"listGroups">> {
    const hub = this.#hub;
    const keys = userId === undefined ? hub.held("group") : Array.from(hub.groupsOf(userId), ({ id }) => id);
    const isMeant = (groupId: string): boolean => search === undefined || groupId.includes(search);
    const page = await pageOf(keys, isMeant, { after, limit, signal });
    const items = page.keys.map((groupId) => ({
      groupId,
      connections: hub.membersOf(groupId).size,
      users: hub.group(groupId)?.userCount ?? 0,
    }));
    return { items, more: page.more };
  }

  /** Those among which a page is looked for: as few as the filter allows, as an iterator that lives on. */
  #connectionIds(userId: string | undefined, groupId: string | undefined): Iterable<string> {
    if (userId !== undefined) return idsOf(this.#hub.connectionsOf(userId));
    if (groupId !== undefined) return idsOf(this.#hub.membersOf(groupId));
    return this.#hub.heldConnections();
  }
}

function* idsOf(connections: Iterable<HubConnection>): Iterable<string> {
  for (const { id } of connections) yield id;
}

function holds(search: string, ...texts: (string | undefined)[]): boolean {
  return texts.some((text) => text?.includes(search) === true);
}

function summaryOf(connection: Connection): ConnectionSummary {
  const { id, userId = null, groups, remoteAddress, openedAtS, bufferedBytes, traffic } = connection;
  const openedAt = openedAtS * 1000;
  return { id, userId, groups: groups?.size ?? 0, remoteAddress, openedAt, ...traffic, bufferedBytes };
}

function detailOf(connection: Connection): ConnectionDetail {
  const { data = {}, origin = null, userAgent = null, isCompressed } = connection;
  return {
    ...summaryOf(connection),
    groupIds: connection.groupIds.slice(0, MAX_GROUP_IDS),
    data,
    origin,
    userAgent,
    messagesIn: connection.receivedMessages,
    messagesOut: connection.sentFrames,
    compressed: isCompressed,
  };
}
