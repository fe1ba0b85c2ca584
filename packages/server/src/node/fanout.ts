import type { Message } from "@websocket-center/protocol";
import { encodeMessage } from "./frame.js";
import type { Group, HubConnection } from "./hub.js";
import type { Outbox, Recipient } from "./outbox.js";

/** Who shall not get a message, usually its sender. */
export interface Except {
  connectionIds?: readonly string[] | undefined;
  userIds?: readonly string[] | undefined;
}

/**
 * Queues `message` on each of the connections, encoded once.
 *
 * Waits for nothing: frames leave at the end of the tick, in order for each connection (RFC 6455, 5.4).
 * @returns how many connections queued it.
 */
export function deliver(
  connections: Iterable<HubConnection> | readonly HubConnection[],
  message: Message,
  except: Except = {},
): number {
  const frame = encodeMessage(message);
  const skip = exclusion(except);
  let queued = 0;
  const offer = (connection: HubConnection): void => {
    if (skip !== undefined && skip(connection)) return;
    if (connection.enqueue(frame)) queued += 1;
  };
  if (isList(connections)) {
    // From the end, because a connection that refuses may leave the hub's list, and the last one take its place.
    for (let at = connections.length - 1; at >= 0; at -= 1) {
      const connection = connections[at];
      if (connection !== undefined) offer(connection);
    }
  } else {
    for (const connection of connections) offer(connection);
  }
  return queued;
}

function isList(
  connections: Iterable<HubConnection> | readonly HubConnection[],
): connections is readonly HubConnection[] {
  return Array.isArray(connections);
}

/** Delivers to everybody but some. @returns how many connections queued it. */
export type ToAll = (message: Message, except: readonly HubConnection[]) => number;

/** The outbox's way to everybody, which queues a message once; undefined where the outbox has none. */
export function toAllThrough(outbox: Outbox): ToAll | undefined {
  if (!outbox.sendsToAllAlike) return undefined;
  // A node's hub holds what its outbox writes to, and nothing else.
  return (message, except) =>
    outbox.addToAll(encodeMessage(message), new Set(except as readonly (HubConnection & Recipient)[]));
}

/** Delivers to the members of all the groups; who is in several gets it once. */
export function deliverToGroups(groups: Iterable<Group>, message: Message, except: Except): number {
  const connections = new Set<HubConnection>();
  for (const group of groups) {
    for (const connection of group.members) connections.add(connection);
  }
  return deliver(connections, message, except);
}

/** Delivers to one connection of the list, picked at random, or to any other where that one refuses. */
export function deliverToRandom(connections: readonly HubConnection[], message: Message): boolean {
  const frame = encodeMessage(message);
  const picked = connections[Math.floor(Math.random() * connections.length)];
  if (picked === undefined) return false;
  // A copy, because a connection that refuses may leave the list meanwhile.
  return picked.enqueue(frame) || [...connections].some((connection) => connection.enqueue(frame));
}

/** Delivers to one member of the group. The members take turns: who got it goes to the end of the queue. */
export function deliverToOne(group: Group | undefined, message: Message): boolean {
  if (group === undefined) return false;
  const frame = encodeMessage(message);
  for (const connection of group.members) {
    if (!connection.enqueue(frame)) continue;
    group.members.delete(connection);
    group.members.add(connection);
    return true;
  }
  return false;
}

function exclusion({ connectionIds, userIds }: Except): ((connection: HubConnection) => boolean) | undefined {
  const connections =
    connectionIds !== undefined && connectionIds.length > 0 ? new Set(connectionIds) : undefined;
  const users = userIds !== undefined && userIds.length > 0 ? new Set(userIds) : undefined;
  if (connections === undefined && users === undefined) return undefined;
  return ({ id, userId }) =>
    connections?.has(id) === true || (userId !== undefined && users?.has(userId) === true);
}
