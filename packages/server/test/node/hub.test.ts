import type { CommandMethods } from "@websocket-center/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createHandlers } from "../../src/node/handlers.js";
import { Hub } from "../../src/node/hub.js";
import { distinct, FakeConnection, HubModel } from "./hub-model.js";

const connectionIds = ["c0", "c1", "c2", "c3", "c4", "c5"];
/** Names that a plain object would know already are users and groups like others. */
const userIds = ["u0", "u1", "constructor"];
const groupIds = ["g0", "g1", "g2", "__proto__"];

const connectionId = fc.constantFrom(...connectionIds);
const userId = fc.constantFrom(...userIds);
const groupId = fc.constantFrom(...groupIds);
const someGroupIds = fc.array(groupId, { minLength: 1, maxLength: 3 });

interface Real {
  hub: Hub;
  commands: CommandMethods;
  /** Those that are here. */
  connections: Map<string, FakeConnection>;
}

/** A step answers what the commands said and what they should have said. */
type Step = (real: Real, model: HubModel) => [actual: unknown, expected: unknown];

const step: fc.Arbitrary<Step> = fc.oneof(
  connectionId.map((id): Step => ({ hub, connections }, model) => {
    if (connections.has(id)) return [0, 0];
    const connection = new FakeConnection(id);
    connections.set(id, connection);
    hub.add(connection);
    model.add(id);
    return [connection.slot, model.rows.length - 1];
  }),
  connectionId.map((id): Step => ({ hub, connections }, model) => {
    const connection = connections.get(id);
    if (connection === undefined) return [0, 0];
    const { userId: boundTo } = connection;
    const removed = [hub.remove(connection), hub.remove(connection)];
    connections.delete(id);
    const groupsBefore = [...(model.row(id)?.groupIds ?? [])];
    model.remove(id);
    // A close handler still finds both.
    return [
      [removed, connection.userId, Array.from(connection.groups ?? [], (group) => group.id)],
      [[true, false], boundTo, groupsBefore],
    ];
  }),
  fc.tuple(userId, connectionId).map(([user, id]): Step => ({ commands }, model) => [
    commands.bindUser({ userId: user, connectionId: id }),
    model.bind(user, id),
  ]),
  userId.map((user): Step => ({ commands }, model) => [
    commands.unbindUser({ userId: user }),
    model.unbind(model.of(user)),
  ]),
  connectionId.map((id): Step => ({ commands }, model) => [
    commands.unbindConnection({ connectionId: id }),
    model.unbind([model.row(id)]),
  ]),
  fc.tuple(userId, someGroupIds).map(([user, groups]): Step => ({ commands }, model) => [
    commands.joinUserToGroups({ userId: user, groupIds: groups }),
    model.join(model.of(user), groups),
  ]),
  fc.tuple(connectionId, groupId).map(([id, group]): Step => ({ commands }, model) => [
    commands.joinConnectionToGroup({ connectionId: id, groupId: group }),
    model.join([model.row(id)], [group]),
  ]),
  fc.tuple(userId, someGroupIds).map(([user, groups]): Step => ({ commands }, model) => [
    commands.removeUserFromGroups({ userId: user, groupIds: groups }),
    model.leave(model.of(user), groups),
  ]),
  fc.tuple(connectionId, groupId).map(([id, group]): Step => ({ commands }, model) => [
    commands.removeConnectionFromGroup({ connectionId: id, groupId: group }),
    model.leave([model.row(id)], [group]),
  ]),
  userId.map((user): Step => ({ commands }, model) => [
    commands.removeUserFromAllGroups({ userId: user }),
    model.leave(model.of(user)),
  ]),
  connectionId.map((id): Step => ({ commands }, model) => [
    commands.removeConnectionFromAllGroups({ connectionId: id }),
    model.leave([model.row(id)]),
  ]),
);

const sorted = (values: readonly string[]): string[] => values.toSorted();
const idsOf = (rows: readonly { id: string }[]): string[] => sorted(rows.map(({ id }) => id));

/** Every read of the table, each as what it is and what it should be. */
function expectReadsToAgree({ commands, hub }: Real, model: HubModel): void {
  const bound = model.rows.filter((row) => row.userId !== undefined);
  expect(sorted(commands.listConnections({}))).toEqual(idsOf(model.rows));
  expect(sorted(hub.all.map(({ id }) => id))).toEqual(idsOf(model.rows));
  expect(sorted(commands.listUsers({}))).toEqual(sorted(model.userIds()));
  expect(sorted(commands.listBoundConnections({}))).toEqual(idsOf(bound));
  expect(sorted(commands.listGroups({}))).toEqual(sorted(model.groupIds()));
  expect([
    commands.countConnections({}),
    commands.countUsers({}),
    commands.countBoundConnections({}),
  ]).toEqual([model.rows.length, model.userIds().length, bound.length]);
  expect(hub.groupCount).toBe(model.groupIds().length);
  for (const user of userIds) {
    const rows = model.of(user);
    const groups = model.groupIds(rows);
    expect(sorted(commands.listConnectionsOfUser({ userId: user }))).toEqual(idsOf(rows));
    expect(commands.isUserOnline({ userId: user })).toBe(rows.length > 0);
    expect(sorted(commands.listGroupsOfUser({ userId: user }))).toEqual(sorted(groups));
    expect(commands.countGroupsOfUser({ userId: user })).toBe(groups.length);
    for (const group of groupIds) {
      expect(commands.isUserInGroup({ userId: user, groupId: group })).toBe(groups.includes(group));
    }
  }
  for (const id of connectionIds) {
    const row = model.row(id);
    const groups = model.groupIds([row]);
    expect(commands.isConnectionOnline({ connectionId: id })).toBe(row !== undefined);
    expect(commands.getUserOfConnection({ connectionId: id })).toBe(row?.userId ?? null);
    expect(sorted(commands.listGroupsOfConnection({ connectionId: id }))).toEqual(sorted(groups));
    expect(commands.countGroupsOfConnection({ connectionId: id })).toBe(groups.length);
    for (const group of groupIds) {
      expect(commands.isConnectionInGroup({ connectionId: id, groupId: group })).toBe(groups.includes(group));
    }
  }
  for (const group of groupIds) {
    const rows = model.in(group);
    expect(commands.countConnectionsInGroup({ groupId: group })).toBe(rows.length);
    expect(commands.countUsersInGroup({ groupId: group })).toBe(
      distinct(rows.flatMap((row) => row.userId ?? [])).length,
    );
  }
}

/** Who gets a message, and how many are counted. */
function expectSendsToAgree({ commands, connections }: Real, model: HubModel): void {
  let turn = 0;
  const expectRecipients = (send: (message: string) => number, rows: readonly { id: string }[]): void => {
    const message = `message ${(turn += 1)}`;
    expect(send(message)).toBe(rows.length);
    const got = [...connections.values()].filter(({ texts }) => texts.includes(message));
    expect(idsOf(got)).toEqual(idsOf(rows));
    for (const { texts } of got) expect(texts.filter((text) => text === message)).toHaveLength(1);
  };
  expectRecipients(
    (message) => commands.broadcast({ message, exceptConnectionIds: ["c1", "none"] }),
    [...model.rows.filter(({ id }) => id !== "c1")],
  );
  const inGroup = model.in("g0").filter((row) => row.id !== "c2" && row.userId !== "u1");
  expectRecipients(
    (message) =>
      commands.sendToGroup({
        groupId: "g0",
        message,
        exceptUserIds: ["u1"],
        exceptConnectionIds: ["c2"],
      }),
    inGroup,
  );
  expectRecipients((message) => commands.sendToUser({ userId: "u0", message }), model.of("u0"));
  expectRecipients(
    (message) => commands.sendToGroupsOfUser({ userId: "u0", message }),
    model.rows.filter((row) => model.groupIds(model.of("u0")).some((group) => row.groupIds.has(group))),
  );
  const members = model.in("g1").length;
  expect(commands.sendToOneInGroup({ groupId: "g1", message: "once" })).toBe(Math.min(1, members));
  const got = [...connections.values()].filter(({ texts }) => texts.includes("once"));
  expect(got).toHaveLength(Math.min(1, members));
  expect(got.every(({ id }) => model.row(id)?.groupIds.has("g1") === true)).toBe(true);
}

function emptyHub(): Real {
  const hub = new Hub();
  return { hub, commands: createHandlers(hub), connections: new Map() };
}

test("after every step of any history, all commands agree with a naive model", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const real = emptyHub();
      const model = new HubModel();
      for (const run of steps) {
        const [actual, expected] = run(real, model);
        expect(actual).toEqual(expected);
        expectReadsToAgree(real, model);
      }
      expectSendsToAgree(real, model);
    }),
    { numRuns: 120 },
  );
});

test("nothing is left once every connection has gone, whatever happened before", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
      const real = emptyHub();
      const model = new HubModel();
      for (const run of steps) run(real, model);
      for (const connection of real.connections.values()) real.hub.remove(connection);
      expectReadsToAgree(real, new HubModel());
    }),
    { numRuns: 300 },
  );
});

test("members of a group take turns, and one that refuses is passed over", () => {
  const { hub, commands } = emptyHub();
  const members = ["a", "b", "c"].map((id) => new FakeConnection(id));
  for (const member of members) {
    hub.add(member);
    hub.join("g", member);
  }
  const turns = (): string[] => members.map(({ texts }) => texts.join(""));
  for (const message of ["1", "2", "3", "4"]) {
    expect(commands.sendToOneInGroup({ groupId: "g", message })).toBe(1);
  }
  expect(turns()).toEqual(["14", "2", "3"]);
  members[1]!.isOpen = false;
  for (const message of ["5", "6"]) commands.sendToOneInGroup({ groupId: "g", message });
  expect(turns()).toEqual(["146", "2", "35"]);
  for (const member of members) member.isOpen = false;
  expect(commands.sendToOneInGroup({ groupId: "g", message: "7" })).toBe(0);
  expect(commands.sendToOneInGroup({ groupId: "nobody", message: "8" })).toBe(0);
});

test("a random connection that refuses is replaced by one that takes the message", () => {
  const { hub, commands } = emptyHub();
  const connections = ["a", "b", "c"].map((id) => new FakeConnection(id));
  for (const connection of connections) hub.add(connection);
  for (const connection of connections.slice(0, 2)) connection.isOpen = false;
  for (let count = 0; count < 20; count += 1) {
    expect(commands.sendToRandomConnection({ message: "x" })).toBe(true);
  }
  expect(connections[2]!.frames).toHaveLength(20);
  connections[2]!.isOpen = false;
  expect(commands.sendToRandomConnection({ message: "x" })).toBe(false);
});

test("connections that leave the hub as they refuse a broadcast take nobody else's turn", () => {
  const { hub, commands } = emptyHub();
  const connections = Array.from({ length: 20 }, (_, index) => new FakeConnection(String(index)));
  for (const [index, connection] of connections.entries()) {
    hub.add(connection);
    if (index % 3 !== 0) continue;
    connection.enqueue = () => !hub.remove(connection);
  }
  expect(commands.broadcast({ message: "x" })).toBe(13);
  expect(commands.countConnections({})).toBe(13);
  expect(connections.filter(({ frames }) => frames.length === 1)).toHaveLength(13);
});

test("closing a user closes each of its connections once with 4500, and says how many", () => {
  const { hub, commands } = emptyHub();
  const connections = ["a", "b", "c"].map((id) => new FakeConnection(id));
  for (const connection of connections) {
    hub.add(connection);
    connection.close = (code, reason) => {
      connection.closes.push({ code, reason });
      hub.remove(connection);
    };
  }
  hub.bind("u", connections[0]!);
  hub.bind("u", connections[2]!);
  expect(commands.closeUser({ userId: "u", reason: "bye" })).toBe(2);
  expect(connections.map(({ closes }) => closes)).toEqual([
    [{ code: 4500, reason: "bye" }],
    [],
    [{ code: 4500, reason: "bye" }],
  ]);
  expect(commands.closeUser({ userId: "u" })).toBe(0);
  expect(commands.closeConnection({ connectionId: "b" })).toBe(1);
});
