import type { CommandMethods } from "@websocket-center/protocol";
import { expect, test } from "vitest";
import { createHandlers } from "../../src/node/handlers.js";
import { type Group, Hub } from "../../src/node/hub.js";
import { FakeConnection } from "./hub-model.js";

const CONNECTIONS = 10_000;
const GROUPS_OF_ONE = 1000;
const MEMBERS = 100_000;

const touched = new Set<FakeConnection>();

/** A connection that notices whenever anything of it is read or written. */
function watched(id: string): FakeConnection {
  const connection: FakeConnection = new Proxy(new FakeConnection(id), {
    get(target, key, receiver): unknown {
      touched.add(connection);
      return Reflect.get(target, key, receiver);
    },
    set(target, key, value, receiver): boolean {
      touched.add(connection);
      return Reflect.set(target, key, value, receiver);
    },
  });
  return connection;
}

interface Cost {
  /** How many different connections were looked at. */
  connections: number;
  /** How many items loops over sets, maps and lists went through. */
  items: number;
}

/** Runs `work` while every iterator of a set, map or array counts the items that it gives out. */
function costOf(work: () => unknown): Cost {
  touched.clear();
  let items = 0;
  const restore = [new Set(), new Map(), []].map((collection) => {
    const iterator = Object.getPrototypeOf(collection[Symbol.iterator]()) as Iterator<unknown>;
    const next = Object.getOwnPropertyDescriptor(iterator, "next")!;
    const original = next.value as () => IteratorResult<unknown>;
    iterator.next = function (this: unknown) {
      const result = original.call(this);
      if (result.done !== true) items += 1;
      return result;
    };
    return () => Object.defineProperty(iterator, "next", next);
  });
  try {
    work();
  } finally {
    restore.forEach((undo) => undo());
  }
  return { connections: touched.size, items };
}

/** 10,000 connections, of which the first is in 1,000 groups, and 100,000 more in one group. */
function crowdedHub(): { hub: Hub; commands: CommandMethods; first: FakeConnection; member: FakeConnection } {
  const hub = new Hub();
  const first = watched("first");
  const member = watched("member");
  hub.add(first);
  for (let index = 1; index < CONNECTIONS; index += 1) hub.add(watched(`c${index}`));
  for (let index = 0; index < GROUPS_OF_ONE; index += 1) hub.join(`group ${index}`, first);
  hub.add(member);
  hub.join("all", member);
  for (let index = 1; index < MEMBERS; index += 1) {
    const other = watched(`m${index}`);
    hub.add(other);
    hub.join("all", other);
  }
  hub.bind("user", member);
  return { hub, commands: createHandlers(hub), first, member };
}

test("every operation touches only what it concerns, however many others there are", () => {
  const { hub, commands, first, member } = crowdedHub();
  const { add, bind, join, leave, remove, unbind } = {
    add: () => hub.add(watched("new")),
    bind: () => hub.bind("other user", first),
    unbind: () => hub.unbind(first),
    join: () => hub.join("all", first),
    leave: () => hub.leave("all", first),
    remove: () => hub.remove(member),
  };
  expect(costOf(add)).toEqual({ connections: 1, items: 0 });
  expect(costOf(join)).toEqual({ connections: 1, items: 0 });
  expect(costOf(leave)).toEqual({ connections: 1, items: 0 });
  // The groups of the connection, and itself as the first of its user.
  expect(costOf(bind)).toEqual({ connections: 1, items: GROUPS_OF_ONE + 1 });
  expect(costOf(bind)).toEqual({ connections: 1, items: 0 });
  expect(costOf(unbind)).toEqual({ connections: 1, items: GROUPS_OF_ONE });

  const reads: (() => unknown)[] = [
    () => commands.countConnections({}),
    () => commands.countUsers({}),
    () => commands.countBoundConnections({}),
    () => commands.countConnectionsInGroup({ groupId: "all" }),
    () => commands.countUsersInGroup({ groupId: "all" }),
    () => commands.isUserInGroup({ groupId: "all", userId: "user" }),
    () => commands.isUserOnline({ userId: "user" }),
    () => commands.countGroupsOfConnection({ connectionId: "first" }),
    () => commands.isConnectionInGroup({ groupId: "all", connectionId: "first" }),
    () => commands.getUserOfConnection({ connectionId: "member" }),
  ];
  for (const read of reads) {
    const cost = costOf(read);
    expect(cost.connections).toBeLessThanOrEqual(1);
    expect(cost.items).toBe(0);
  }

  // The one that takes the place of the leaving one in the list is touched too.
  expect(costOf(remove)).toEqual({ connections: 2, items: 1 });
  expect(costOf(() => hub.remove(first))).toEqual({ connections: 2, items: GROUPS_OF_ONE });
  expect(hub.groupCount).toBe(1);
});

test("sending touches the recipients and nobody else", () => {
  const { commands, first, member } = crowdedHub();
  const message = "x";
  expect(costOf(() => commands.sendToOneInGroup({ groupId: "all", message }))).toEqual({
    connections: 1,
    items: 1,
  });
  expect(costOf(() => commands.sendToRandomConnection({ message })).connections).toBe(1);
  expect(costOf(() => commands.sendToUser({ userId: "user", message }))).toEqual({
    connections: 1,
    items: 1,
  });
  expect(costOf(() => commands.sendToConnection({ connectionId: "first", message })).connections).toBe(1);
  expect(costOf(() => commands.sendToGroup({ groupId: "all", message })).connections).toBe(MEMBERS);
  expect(costOf(() => commands.sendToGroup({ groupId: "group 7", message })).connections).toBe(1);
  const groups: ReadonlySet<Group> = first.groups ?? new Set();
  expect(groups.size).toBe(GROUPS_OF_ONE);
  expect(
    costOf(() => commands.sendToGroupsOfConnection({ connectionId: "first", message })).connections,
  ).toBe(1);
  expect(first.frames).toHaveLength(3);
  expect(new Set(member.frames).size).toBe(member.frames.length);
});
