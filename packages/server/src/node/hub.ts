import type { InterestKind } from "@websocket-center/protocol";
import type { Frame } from "./frame.js";

/** What the hub needs of a connection, and the places in which it keeps its own marks on it. */
export interface HubConnection {
  readonly id: string;
  /** The bound user; set by the hub alone. It stays readable after the connection left. */
  userId: string | undefined;
  /** The groups that it is in; set by the hub alone. It stays readable after the connection left. */
  groups: Set<Group> | undefined;
  /** Its place in the hub's list; set by the hub alone. */
  slot: number;
  /** What `getConnectionData` answers. */
  readonly data: Readonly<Record<string, unknown>> | undefined;
  /** Accepts `frame` into the send queue; false where the connection is closing or is dropped as too slow. */
  enqueue(frame: Frame): boolean;
  close(code: number, reason: string): void;
}

/** A group: its connections, and how many of them each user has in it. Exists while it has members. */
export class Group {
  readonly id: string;
  readonly members = new Set<HubConnection>();
  readonly #connectionsByUser = new Map<string, number>();

  constructor(id: string) {
    this.id = id;
  }

  get userCount(): number {
    return this.#connectionsByUser.size;
  }

  /** An iterator that lives on while users come and go. */
  userIds(): IterableIterator<string> {
    return this.#connectionsByUser.keys();
  }

  hasUser(userId: string): boolean {
    return this.#connectionsByUser.has(userId);
  }

  addUser(userId: string): void {
    this.#connectionsByUser.set(userId, (this.#connectionsByUser.get(userId) ?? 0) + 1);
  }

  removeUser(userId: string): void {
    const left = (this.#connectionsByUser.get(userId) ?? 0) - 1;
    if (left > 0) this.#connectionsByUser.set(userId, left);
    else this.#connectionsByUser.delete(userId);
  }
}

/** Told when the first connection of a user or group comes (`isHeld`), and when the last one has left. */
export type HoldingListener = (kind: InterestKind, id: string, isHeld: boolean) => void;

const nobody: ReadonlySet<HubConnection> = new Set();

/**
 * The only index of connections, users and groups on a node, for one name space.
 *
 * Every operation costs what it touches: the connections of the user, the groups of the connection, the members of
 * the group; never what else is there. All take effect at once.
 */
export class Hub {
  readonly #connections = new Map<string, HubConnection>();
  /** The same connections without holes, to iterate fast and to pick one at random. */
  readonly #list: HubConnection[] = [];
  readonly #users = new Map<string, Set<HubConnection>>();
  readonly #groups = new Map<string, Group>();
  readonly #bound = new Set<HubConnection>();
  readonly #onHolding: HoldingListener;

  constructor(onHolding: HoldingListener = () => {}) {
    this.#onHolding = onHolding;
  }

  get connectionCount(): number {
    return this.#list.length;
  }
  get userCount(): number {
    return this.#users.size;
  }
  get groupCount(): number {
    return this.#groups.size;
  }
  get boundCount(): number {
    return this.#bound.size;
  }

  /** All connections, in no particular order. Not to be held across a change. */
  get all(): readonly HubConnection[] {
    return this.#list;
  }
  connectionIds(): string[] {
    return [...this.#connections.keys()];
  }
  boundConnectionIds(): string[] {
    return Array.from(this.#bound, (connection) => connection.id);
  }
  userIds(): string[] {
    return [...this.#users.keys()];
  }
  groupIds(): string[] {
    return [...this.#groups.keys()];
  }

  /** The ids of its connections, as an iterator that lives on while they come and go. */
  heldConnections(): IterableIterator<string> {
    return this.#connections.keys();
  }
  /** Its users or groups, as an iterator that lives on while they change: what stays is met once. */
  held(kind: InterestKind): IterableIterator<string> {
    return this.#heldOf(kind).keys();
  }
  heldCount(kind: InterestKind): number {
    return this.#heldOf(kind).size;
  }
  holds(kind: InterestKind, id: string): boolean {
    return this.#heldOf(kind).has(id);
  }

  connection(connectionId: string): HubConnection | undefined {
    return this.#connections.get(connectionId);
  }
  connectionsOf(userId: string): ReadonlySet<HubConnection> {
    return this.#users.get(userId) ?? nobody;
  }
  group(groupId: string): Group | undefined {
    return this.#groups.get(groupId);
  }
  membersOf(groupId: string): ReadonlySet<HubConnection> {
    return this.#groups.get(groupId)?.members ?? nobody;
  }

  /** The groups that some connection of the user is in. */
  groupsOf(userId: string): Set<Group> {
    const groups = new Set<Group>();
    for (const connection of this.connectionsOf(userId)) {
      for (const group of connection.groups ?? []) groups.add(group);
    }
    return groups;
  }

  add(connection: HubConnection): void {
    connection.slot = this.#list.length;
    this.#list.push(connection);
    this.#connections.set(connection.id, connection);
  }

  /**
   * Takes the connection out of every index. Its `userId` and `groups` stay on it, for those who ask afterwards.
   * @returns false where it was not here.
   */
  remove(connection: HubConnection): boolean {
    if (!this.#connections.delete(connection.id)) return false;
    const last = this.#list.pop();
    if (last !== undefined && last !== connection) {
      this.#list[connection.slot] = last;
      last.slot = connection.slot;
    }
    const { userId, groups } = connection;
    for (const group of groups ?? []) this.#dropMember(group, connection);
    if (userId !== undefined) this.#dropBinding(userId, connection);
    return true;
  }

  /** @returns false where the connection has a user already; nothing changes then. */
  bind(userId: string, connection: HubConnection): boolean {
    if (connection.userId !== undefined) return false;
    connection.userId = userId;
    this.#bound.add(connection);
    const connections = this.#users.get(userId);
    if (connections === undefined) {
      this.#users.set(userId, new Set([connection]));
      this.#onHolding("user", userId, true);
    } else {
      connections.add(connection);
    }
    for (const group of connection.groups ?? []) group.addUser(userId);
    return true;
  }

  /** @returns whether the connection had a user. */
  unbind(connection: HubConnection): boolean {
    const { userId } = connection;
    if (userId === undefined) return false;
    this.#dropBinding(userId, connection);
    for (const group of connection.groups ?? []) group.removeUser(userId);
    connection.userId = undefined;
    return true;
  }

  /** @returns whether the connection was not in the group before. */
  join(groupId: string, connection: HubConnection): boolean {
    let group = this.#groups.get(groupId);
    if (group === undefined) {
      group = new Group(groupId);
      this.#groups.set(groupId, group);
      this.#onHolding("group", groupId, true);
    } else if (group.members.has(connection)) {
      return false;
    }
    group.members.add(connection);
    (connection.groups ??= new Set()).add(group);
    if (connection.userId !== undefined) group.addUser(connection.userId);
    return true;
  }

  /** @returns whether the connection was in the group. */
  leave(groupId: string, connection: HubConnection): boolean {
    const group = this.#groups.get(groupId);
    if (group === undefined || connection.groups?.delete(group) !== true) return false;
    this.#dropMember(group, connection);
    return true;
  }

  /** @returns whether the connection was in any group. */
  leaveAll(connection: HubConnection): boolean {
    const { groups } = connection;
    if (groups === undefined || groups.size === 0) return false;
    connection.groups = undefined;
    for (const group of groups) this.#dropMember(group, connection);
    return true;
  }

  #dropMember(group: Group, connection: HubConnection): void {
    group.members.delete(connection);
    if (connection.userId !== undefined) group.removeUser(connection.userId);
    if (group.members.size > 0) return;
    this.#groups.delete(group.id);
    this.#onHolding("group", group.id, false);
  }

  #dropBinding(userId: string, connection: HubConnection): void {
    this.#bound.delete(connection);
    const connections = this.#users.get(userId);
    connections?.delete(connection);
    if (connections?.size !== 0) return;
    this.#users.delete(userId);
    this.#onHolding("user", userId, false);
  }

  #heldOf(kind: InterestKind): ReadonlyMap<string, unknown> {
    return kind === "user" ? this.#users : this.#groups;
  }
}
