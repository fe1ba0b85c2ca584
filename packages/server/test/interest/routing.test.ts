import type { Command } from "@websocket-center/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MemoryBackplane } from "../../src/backplane/memory.js";
import { RouterCluster, values } from "../link/router-cluster.js";

let cluster: RouterCluster;
beforeEach(async () => {
  cluster = new RouterCluster(3, { tellsInterest: true });
  await pass(300);
});
afterEach(() => cluster.close());

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const toUser = (userId: string, message = "hi"): Command => ({
  name: "sendToUser",
  params: { userId, message },
});
const toGroup = (groupId: string, message = "hi"): Command => ({
  name: "sendToGroup",
  params: { groupId, message },
});
/** How many calls each node was sent, since the last time. */
function asked(): number[] {
  const counts = cluster.nodes.map(({ calls }) => calls.length);
  cluster.clear();
  return counts;
}

describe("a command on a user or group", () => {
  test("goes to the nodes that hold it, and the others' places have the absent value", async () => {
    cluster.connect(1, { userId: "u", groupIds: ["g"] });
    cluster.connect(2, { groupIds: ["g"] });
    await pass(10);
    expect(values(await cluster.run(toUser("u")))).toEqual([0, 1, 0]);
    expect(asked()).toEqual([0, 1, 0]);
    expect(values(await cluster.run(toGroup("g")))).toEqual([0, 1, 1]);
    expect(asked()).toEqual([0, 1, 1]);
    expect(values(await cluster.run({ name: "removeUserFromAllGroups", params: { userId: "u" } }))).toEqual([
      "absent",
      "done",
      "absent",
    ]);
    expect(asked()).toEqual([0, 1, 0]);
  });

  test("that nobody holds goes to nobody", async () => {
    expect(values(await cluster.run(toUser("u"), { ms: 0 }))).toEqual([0, 0, 0]);
    expect(values(await cluster.run({ name: "isUserOnline", params: { userId: "u" } }, { ms: 0 }))).toEqual([
      false,
      false,
      false,
    ]);
    expect(asked()).toEqual([0, 0, 0]);
  });

  test("goes to no node any more whose last connection of it has left", async () => {
    const connection = cluster.connect(0, { userId: "u", groupIds: ["g"] });
    const other = cluster.connect(0, { userId: "u" });
    await pass(10);
    cluster.node(0).hub.remove(connection);
    await pass(10);
    await cluster.run(toUser("u"));
    expect(asked()).toEqual([1, 0, 0]);
    await cluster.run(toGroup("g"));
    expect(asked()).toEqual([0, 0, 0]);
    cluster.node(0).hub.unbind(other);
    await pass(10);
    await cluster.run(toUser("u"));
    expect(asked()).toEqual([0, 0, 0]);
  });

  test("with an id that is too long to be told goes to every node", async () => {
    const long = "u".repeat(2000);
    const connection = cluster.connect(1, { userId: long, groupIds: [long] });
    await pass(10);
    expect(values(await cluster.run(toUser(long)))).toEqual([0, 1, 0]);
    expect(values(await cluster.run(toGroup(long)))).toEqual([0, 1, 0]);
    expect(asked()).toEqual([2, 2, 2]);
    cluster.node(1).hub.remove(connection);
  });

  test("on names of Object's own, and the same name as user and group, is what it says", async () => {
    cluster.connect(0, { userId: "__proto__" });
    cluster.connect(2, { groupIds: ["__proto__", "constructor"] });
    await pass(10);
    expect(values(await cluster.run(toUser("__proto__")))).toEqual([1, 0, 0]);
    expect(values(await cluster.run(toUser("constructor")))).toEqual([0, 0, 0]);
    expect(values(await cluster.run(toGroup("__proto__")))).toEqual([0, 0, 1]);
    expect(asked()).toEqual([1, 0, 1]);
  });
});

describe("a batch", () => {
  test("goes whole and in order to the union of what its commands concern", async () => {
    const connection = cluster.connect(0);
    const other = cluster.connect(2, { groupIds: ["g"] });
    await pass(10);
    const outcomes = await cluster.execute([
      { name: "bindUser", params: { userId: "u", connectionId: connection.id } },
      { name: "joinUserToGroups", params: { userId: "u", groupIds: ["g"] } },
      toGroup("g"),
      toUser("u"),
    ]);
    expect(outcomes.map(values)).toEqual([
      ["done", "absent", "absent"],
      ["done", "absent", "absent"],
      [1, 0, 1],
      [1, 0, 0],
    ]);
    expect(connection.messages).toEqual(["hi", "hi"]);
    expect(other.messages).toEqual(["hi"]);
    expect(cluster.sent()).toEqual([
      [["bindUser", "joinUserToGroups", "sendToGroup", "sendToUser"]],
      [],
      [["bindUser", "joinUserToGroups", "sendToGroup", "sendToUser"]],
    ]);
  });

  test("that sends to the groups of a user asks its nodes for them, and then those that hold one", async () => {
    cluster.connect(0, { userId: "u", groupIds: ["a"] });
    const member = cluster.connect(1, { groupIds: ["a"] });
    await pass(10);
    const outcomes = await cluster.run({ name: "sendToGroupsOfUser", params: { userId: "u", message: "x" } });
    expect(values(outcomes)).toEqual([1, 1, 0]);
    expect(member.messages).toEqual(["x"]);
    expect(cluster.sent()).toEqual([[["listGroupsOfUser"], ["sendToGroups"]], [["sendToGroups"]], []]);
  });

  test("with a command on everything goes to every node", async () => {
    await cluster.execute([toUser("u"), { name: "countUsers", params: {} }]);
    expect(asked()).toEqual([1, 1, 1]);
  });
});

describe("a node that is not trusted is asked whatever is known of it", () => {
  test("until it has told everything and answered a ping", async () => {
    const fresh = new RouterCluster(2, { tellsInterest: true });
    const ask = async (): Promise<number[]> => {
      await fresh.run(toUser("nobody"), { ms: 5 });
      const counts = fresh.nodes.map(({ calls }) => calls.length);
      fresh.clear();
      return counts;
    };
    expect(await ask()).toEqual([1, 1]);
    expect(await ask()).toEqual([1, 1]);
    await pass(250);
    expect(await ask()).toEqual([0, 0]);
    await fresh.close();
    vi.useFakeTimers();
  });

  test("a second after the last ping that it answered was sent, until it answers one again", async () => {
    const node = cluster.node(1);
    node.backplane.freeze();
    // The ping of 250 ms was answered; this is 300 ms.
    await pass(940);
    await cluster.run(toUser("nobody"), { timeoutMs: 5, ms: 5 });
    expect(asked()).toEqual([0, 0, 0]);
    await pass(10);
    const outcomes = await cluster.run(toUser("nobody"), { timeoutMs: 5, ms: 5 });
    expect(values(outcomes)).toEqual([0, "NODE_TIMEOUT", 0]);
    expect(cluster.center.interest.untrustedCount).toBe(1);
    node.backplane.thaw();
    await pass(300);
    expect(cluster.center.interest.untrustedCount).toBe(0);
    cluster.clear();
    await cluster.run(toUser("nobody"), { ms: 5 });
    expect(asked()).toEqual([0, 0, 0]);
  });

  test("a second from sending the ping, however late the answer to it comes", async () => {
    // The ping of 250 ms was answered at once, and those from 500 ms on are answered 900 ms later.
    cluster.node(1).pongDelayMs = 900;
    const isTrusted = (): boolean => cluster.center.interest.untrustedCount === 0;
    const seen: boolean[] = [];
    await pass(940);
    for (let ms = 1240; ms < 1800; ms += 100) {
      seen.push(isTrusted());
      await pass(100);
    }
    expect(seen).toEqual([true, false, true, false, false, true]);
    cluster.node(1).pongDelayMs = 0;
    await pass(1000);
  });

  test("and is known again soon after it has linked anew, with everything that it holds", async () => {
    const users = Array.from({ length: 10_000 }, (_, at) => `user-${at}`);
    for (const userId of users) cluster.connect(0, { userId });
    const node = cluster.node(0);
    node.leave();
    cluster.center.frames.length = 0;
    MemoryBackplane.link(node.backplane, cluster.center.backplane);
    // Until the next ping is answered; calls on others are answered meanwhile, and it is asked for all.
    const early = cluster.center.router.execute([toUser("user-9999")], { timeoutMs: 100 });
    await pass(300);
    const { nodeIds, outcomes } = await early;
    expect(outcomes[0]?.[nodeIds.indexOf(node.id)]).toEqual({ ok: true, value: 1 });
    expect(cluster.center.interest.untrustedCount).toBe(0);
    expect(cluster.center.interest.size).toBe(users.length);
    for (const { frame } of cluster.center.frames) {
      if (frame[0] === "interest") expect(frame[2].users?.length ?? 0).toBeLessThan(2500);
    }
  });

  test("where a node of a newer link is new: what was known by the old one counts no more", async () => {
    const node = cluster.node(0);
    cluster.connect(0, { userId: "u" });
    await pass(10);
    expect(cluster.center.interest.size).toBe(1);
    node.leave();
    expect(
      values((await cluster.center.router.execute([toUser("u")], { timeoutMs: 5 })).outcomes[0] ?? []),
    ).toEqual([0, 0]);
    await pass(10);
    expect(cluster.center.interest.size).toBe(0);
  });
});

describe("the answer to a bind or join", () => {
  const bind = (connectionId: string, userId: string): Command => ({
    name: "bindUser",
    params: { connectionId, userId },
  });

  test("waits until the center has acknowledged it, and holds up no call behind it", async () => {
    const { interest } = cluster.center;
    vi.spyOn(interest, "onInterest").mockImplementation(() => {});
    const connection = cluster.connect(0);
    const answers: string[] = [];
    const run = (command: Command): Promise<unknown> =>
      cluster.center.router.execute([command], { timeoutMs: 5000 }).then(() => answers.push(command.name));
    const both = Promise.all([
      run(bind(connection.id, "u")),
      run({ name: "sendToConnection", params: { connectionId: connection.id, message: "x" } }),
    ]);
    // 1,010 ms after the ping of 250 ms came.
    await pass(950);
    expect(answers).toEqual(["sendToConnection"]);
    expect(connection.userId).toBe("u");
    await pass(20);
    expect(answers).toEqual(["sendToConnection", "bindUser"]);
    await both;
    vi.restoreAllMocks();
  });

  test("is given at once where a center that acknowledges nothing has been waited for before", async () => {
    const { interest } = cluster.center;
    vi.spyOn(interest, "onInterest").mockImplementation(() => {});
    cluster.center.pinger.close();
    const [one, other] = [cluster.connect(0), cluster.connect(0)];
    const answered: number[] = [];
    const startedAt = Date.now();
    for (const [at, connection] of [one, other].entries()) {
      void cluster.center.caller
        .call([cluster.center.channelOf(cluster.node(0))], "websocket", [bind(connection.id, `u${at}`)], {
          timeoutMs: 5000,
        })
        .then(() => answered.push(Date.now() - startedAt));
      await pass(1000);
    }
    expect(answered).toEqual([expect.closeTo(960, -2), expect.closeTo(1000, -1)]);
    vi.restoreAllMocks();
  });

  test("waits for an earlier one of the same user that is not known yet", async () => {
    const { interest } = cluster.node(0);
    const [one, other] = [cluster.connect(0), cluster.connect(0)];
    const order: string[] = [];
    cluster.node(0).hub.bind("u", one);
    interest.whenKnown(() => order.push("one"));
    await Promise.resolve();
    cluster.node(0).hub.bind("u", other);
    interest.whenKnown(() => order.push("other"));
    expect(order).toEqual([]);
    await pass(5);
    expect(order).toEqual(["one", "other"]);
  });

  test("that adds nothing, or takes something away, does not wait", async () => {
    const { interest, hub } = cluster.node(0);
    const connection = cluster.connect(0, { userId: "u" });
    await pass(5);
    let known = 0;
    hub.join("g", connection);
    hub.leave("g", connection);
    await pass(5);
    hub.unbind(connection);
    interest.whenKnown(() => (known += 1));
    expect(known).toBe(1);
  });
});

describe("what is told", () => {
  test("is told in one frame for all changes of a tick, before the answers that they caused", async () => {
    const connections = Array.from({ length: 20 }, () => cluster.connect(0));
    await pass(5);
    cluster.center.frames.length = 0;
    for (const [at, { id: connectionId }] of connections.entries()) {
      void cluster.center.router.execute([{ name: "bindUser", params: { userId: `u${at}`, connectionId } }], {
        timeoutMs: 1000,
      });
    }
    await pass(5);
    const types = cluster.center.frames.map(({ frame }) => frame[0]);
    expect(types).toEqual(["interest", ...Array.from({ length: 20 }, () => "reply")]);
  });

  test("is told in frames that go whole, however much it is and whatever its characters", async () => {
    const users = Array.from({ length: 3000 }, (_, at) => `${at}`.padEnd(500, "€"));
    for (const userId of users) cluster.connect(0, { userId });
    await pass(50);
    expect(cluster.center.interest.size).toBe(3000);
    cluster.node(0).leave();
    await pass(50);
    expect(cluster.center.interest.size).toBe(0);
    expect(cluster.center.faults).toEqual([]);
  });

  test("and a frame that is missing ends the link: what is known would not be what was told", async () => {
    const node = cluster.node(0);
    node.channel?.send(["interest", 7, { users: ["u"] }]);
    await pass(5);
    expect(cluster.center.left).toEqual([{ id: node.id, reason: "interest frame 7 follows 1" }]);
  });
});
