import type { Command } from "@websocket-center/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { planSteps } from "../../src/center/plan.js";
import { RouterCluster, values } from "./router-cluster.js";

let cluster: RouterCluster;
beforeEach(() => {
  cluster = new RouterCluster(3);
});
afterEach(() => cluster.close());

const toGroupsOfUser = (userId: string, message: string, exceptConnectionIds: string[] = []): Command => ({
  name: "sendToGroupsOfUser",
  params: { userId, message, exceptConnectionIds },
});
const count: Command = { name: "countConnections", params: {} };

describe("sending to the groups of a user or connection", () => {
  test("reaches every group that the user is in, on every node, each connection once", async () => {
    cluster.connect(0, { userId: "u", groupIds: ["a"] });
    const both = cluster.connect(1, { userId: "u", groupIds: ["b", "a"] });
    const inA = cluster.connect(2, { groupIds: ["a"] });
    const inB = cluster.connect(2, { groupIds: ["b", "a", "c"] });
    const inC = cluster.connect(2, { groupIds: ["c"] });
    const outcomes = await cluster.run(toGroupsOfUser("u", "hello"));
    expect(values(outcomes)).toEqual([1, 1, 2]);
    for (const { messages } of [both, inA, inB]) expect(messages).toEqual(["hello"]);
    expect(inC.messages).toEqual([]);
    expect(cluster.sent()).toEqual(Array.from({ length: 3 }, () => [["listGroupsOfUser"], ["sendToGroups"]]));
  });

  test("of a connection asks its node alone for the groups, and then all nodes", async () => {
    const connection = cluster.connect(1, { groupIds: ["a", "b"] });
    const others = [cluster.connect(0, { groupIds: ["a"] }), cluster.connect(2, { groupIds: ["b", "a"] })];
    const outcomes = await cluster.run({
      name: "sendToGroupsOfConnection",
      params: { connectionId: connection.id, message: "hi", exceptConnectionIds: [connection.id] },
    });
    expect(values(outcomes)).toEqual([1, 0, 1]);
    expect(connection.messages).toEqual([]);
    for (const { messages } of others) expect(messages).toEqual(["hi"]);
    expect(cluster.sent()).toEqual([
      [["sendToGroups"]],
      [["listGroupsOfConnection"], ["sendToGroups"]],
      [["sendToGroups"]],
    ]);
  });

  test("of somebody who is in no group, or not there, sends nothing and asks nobody twice", async () => {
    cluster.connect(0, { userId: "u" });
    expect(values(await cluster.run(toGroupsOfUser("u", "x")))).toEqual([0, 0, 0]);
    expect(values(await cluster.run(toGroupsOfUser("nobody", "x")))).toEqual([0, 0, 0]);
    expect(cluster.sent().flat(2)).toEqual(Array.from({ length: 6 }, () => "listGroupsOfUser"));
  });
});

describe("a first half that fails", () => {
  test.each([
    ["does not answer", "NODE_TIMEOUT"],
    ["fails", "INTERNAL"],
    ["answers rubbish", "INTERNAL"],
  ])(
    "at a node that %s stays in its place: that node is not sent the second half, the others are",
    async (how, code) => {
      const bad = cluster.node(0);
      cluster.connect(0, { userId: "u", groupIds: ["only-here"] });
      cluster.connect(1, { userId: "u", groupIds: ["a"] });
      const member = cluster.connect(2, { groupIds: ["a"] });
      bad.onCall = ([, id]) => {
        if (how === "fails") bad.reply(id, [false, "INTERNAL", "broken"]);
        if (how === "answers rubbish") bad.reply(id, [true, 12]);
      };
      const outcomes = await cluster.run(toGroupsOfUser("u", "hello"));
      expect(values(outcomes)).toEqual([code, 1, 1]);
      expect(member.messages).toEqual(["hello"]);
      expect(cluster.sent()[0]).toEqual([["listGroupsOfUser"]]);
    },
  );

  test("takes half of the time at most: the second half has the other", async () => {
    cluster.node(0).onCall = () => {};
    cluster.connect(1, { userId: "u", groupIds: ["a"] });
    const outcomes = await cluster.run(toGroupsOfUser("u", "hello"), { timeoutMs: 1000, ms: 501 + 10 });
    expect(values(outcomes)).toEqual(["NODE_TIMEOUT", 1, 0]);
    const [, , , firstMs] = cluster.node(1).calls[0] ?? [];
    const [, , , secondMs] = cluster.node(1).calls[1] ?? [];
    expect([firstMs, secondMs]).toEqual([500, 500]);
  });

  test("does not keep a node from the rest of the batch, in order", async () => {
    const bad = cluster.node(0);
    const { run } = bad;
    bad.run = (name, params) => {
      if (name === "listGroupsOfUser") throw new Error("broken");
      return run(name, params);
    };
    cluster.connect(0);
    cluster.connect(1, { userId: "u", groupIds: ["a"] });
    const outcomes = await cluster.execute([
      count,
      toGroupsOfUser("u", "x"),
      count,
      { name: "countUsers", params: {} },
    ]);
    expect(outcomes.map(values)).toEqual([
      [1, 1, 0],
      ["INTERNAL", 1, 0],
      [1, 1, 0],
      [0, 1, 0],
    ]);
    expect(cluster.sent()).toEqual([
      [
        ["countConnections", "listGroupsOfUser"],
        ["countConnections", "countUsers"],
      ],
      ...Array.from({ length: 2 }, () => [
        ["countConnections", "listGroupsOfUser"],
        ["sendToGroups", "countConnections", "countUsers"],
      ]),
    ]);
  });
});

describe("a batch that is split", () => {
  test("keeps its order: what comes before sees nothing of what comes behind, and the other way round", async () => {
    const one = cluster.connect(0);
    const other = cluster.connect(2, { groupIds: ["g", "h"] });
    const batch: Command[] = [
      { name: "sendToGroup", params: { groupId: "g", message: "1" } },
      { name: "bindUser", params: { userId: "u", connectionId: one.id } },
      { name: "joinUserToGroups", params: { groupIds: ["g"], userId: "u" } },
      toGroupsOfUser("u", "2"),
      { name: "joinUserToGroups", params: { groupIds: ["h"], userId: "u" } },
      { name: "sendToGroup", params: { groupId: "g", message: "3" } },
      toGroupsOfUser("u", "4"),
      { name: "removeUserFromAllGroups", params: { userId: "u" } },
      toGroupsOfUser("u", "5"),
      { name: "sendToGroup", params: { groupId: "g", message: "6" } },
    ];
    const outcomes = await cluster.execute(batch);
    expect(one.messages).toEqual(["2", "3", "4"]);
    expect(other.messages).toEqual(["1", "2", "3", "4", "6"]);
    expect(outcomes.map(values)).toEqual([
      [0, 0, 1],
      ["done", "absent", "absent"],
      ["done", "absent", "absent"],
      [1, 0, 1],
      ["done", "absent", "absent"],
      [1, 0, 1],
      [1, 0, 1],
      ["done", "absent", "absent"],
      [0, 0, 0],
      [0, 0, 1],
    ]);
  });

  test("takes one trip more for each such command, and no more", () => {
    const steps = planSteps([
      count,
      toGroupsOfUser("u", "1"),
      count,
      toGroupsOfUser("u", "2"),
      toGroupsOfUser("v", "3"),
    ]);
    expect(steps).toHaveLength(4);
    expect(planSteps([count, count])).toHaveLength(1);
    expect(planSteps([])).toEqual([]);
  });

  test("a node that leaves between the halves has left, whatever its connections were asked then", async () => {
    const connection = cluster.connect(0, { userId: "u", groupIds: ["a"] });
    cluster.connect(1, { groupIds: ["a"] });
    const gone = cluster.node(0);
    gone.onCall = (frame, channel) => {
      gone.responder.onCall(channel, frame);
      setImmediate(() => setImmediate(() => gone.leave()));
    };
    const slow = cluster.node(2);
    slow.onCall = (frame, channel) => setTimeout(() => slow.responder.onCall(channel, frame), 50);
    const outcomes = await cluster.execute([
      toGroupsOfUser("u", "hello"),
      { name: "isConnectionOnline", params: { connectionId: connection.id } },
    ]);
    expect(outcomes.map(values)).toEqual([
      ["NODE_LEFT", 1, 0],
      ["NODE_LEFT", false, false],
    ]);
  });

  test("and so for a node whose connections alone the second trip concerns: nobody claims that they are absent", async () => {
    const connection = cluster.connect(0, { userId: "u" });
    const gone = cluster.node(0);
    gone.onCall = (frame, channel) => {
      gone.responder.onCall(channel, frame);
      setImmediate(() => setImmediate(() => gone.leave()));
    };
    const slow = cluster.node(2);
    slow.onCall = (frame, channel) => setTimeout(() => slow.responder.onCall(channel, frame), 50);
    const outcomes = await cluster.execute([
      toGroupsOfUser("u", "hello"),
      { name: "bindUser", params: { userId: "u", connectionId: connection.id } },
    ]);
    expect(outcomes.map(values)).toEqual([
      [0, 0, 0],
      ["NODE_LEFT", "absent", "absent"],
    ]);
  });
});
