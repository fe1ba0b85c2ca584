import { type Command, type CommandName, commands, type WireOutcome } from "@websocket-center/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createHandlers, execute } from "../../src/node/handlers.js";
import { Hub } from "../../src/node/hub.js";
import { anyCommand, commandNames } from "./command-params.js";
import { RouterCluster, values } from "./router-cluster.js";

let cluster: RouterCluster;
beforeEach(() => {
  cluster = new RouterCluster(3);
});
afterEach(() => cluster.close());

const ofTarget = (target: string): CommandName[] =>
  commandNames.filter((name) => commands[name].target === target);
const splitNames = new Set<string>(["sendToGroupsOfUser", "sendToGroupsOfConnection"]);

describe("a command goes to the nodes that it concerns", () => {
  test.each(ofTarget("connection").filter((name) => !splitNames.has(name)))(
    "%s goes to the node in the connection id and to no other",
    async (name) => {
      const connectionId = cluster.connect(1).id;
      const [command] = fc.sample(anyCommand(name, { connectionId }), 1) as [Command];
      const outcomes = await cluster.run(command);
      expect(cluster.sent()).toEqual([[], [[name]], []]);
      expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
    },
  );

  test.each(ofTarget("connection"))(
    "%s with an id that none of the nodes could have made goes nowhere",
    async (name) => {
      for (const connectionId of ["x", "f".repeat(32), "0".repeat(5000)]) {
        const [command] = fc.sample(anyCommand(name, { connectionId }), 1) as [Command];
        const outcomes = await cluster.run(command, { ms: 0 });
        expect(values(outcomes)).toEqual(Array.from({ length: 3 }, () => commands[name].absent));
      }
      expect(cluster.sent()).toEqual([[], [], []]);
    },
  );

  test.each(["user", "group", "all"].flatMap(ofTarget))("%s goes to every node", async (name) => {
    const [command] = fc.sample(anyCommand(name), 1) as [Command];
    await cluster.run(command);
    for (const calls of cluster.sent()) expect(calls).toHaveLength(1);
  });

  test("what a node is not asked it answers with the absent value: the one that it would have answered", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...commandNames).chain((name) => anyCommand(name)),
        ({ name, params }) => {
          const handlers = createHandlers(new Hub());
          expect(execute(handlers, name, params)).toEqual(commands[name].absent);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("the same is true of a node that has other connections, users and groups, for what goes by connection", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ofTarget("connection")).chain((name) => anyCommand(name)),
        ({ name, params }) => {
          cluster.connect(0, { userId: "someone", groupIds: ["somewhere"] });
          const handlers = createHandlers(cluster.node(0).hub);
          expect(execute(handlers, name, params)).toEqual(commands[name].absent);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("every absent value is one that the command may return", () => {
    for (const name of commandNames)
      expect(commands[name].result.safeParse(commands[name].absent).success).toBe(true);
  });
});

describe("a batch", () => {
  test("goes whole, in order and as one call to each node that one of its commands concerns, and sees its own effects", async () => {
    const [here, there] = [cluster.connect(0), cluster.connect(2)];
    const batch: Command[] = [
      { name: "bindUser", params: { userId: "u", connectionId: here.id } },
      { name: "joinConnectionToGroup", params: { groupId: "g", connectionId: there.id } },
      { name: "joinConnectionToGroup", params: { groupId: "g", connectionId: here.id } },
      { name: "sendToConnection", params: { connectionId: here.id, message: "hello" } },
      { name: "unbindConnection", params: { connectionId: cluster.unknownIdAt(0) } },
    ];
    const outcomes = await cluster.execute(batch);
    const names = batch.map(({ name }) => name);
    expect(cluster.sent()).toEqual([[names], [], [names]]);
    expect(outcomes.map(values)).toEqual([
      ["done", "absent", "absent"],
      ["absent", "absent", "done"],
      ["done", "absent", "absent"],
      [1, 0, 0],
      ["unchanged", "unchanged", "unchanged"],
    ]);
    expect(here.messages).toEqual(["hello"]);
  });

  test("that concerns all nodes somewhere goes whole to all of them", async () => {
    const connection = cluster.connect(1);
    const outcomes = await cluster.execute([
      { name: "bindUser", params: { userId: "u", connectionId: connection.id } },
      { name: "joinUserToGroups", params: { groupIds: ["g"], userId: "u" } },
      { name: "sendToGroup", params: { groupId: "g", message: "to the group" } },
      { name: "countConnections", params: {} },
    ]);
    expect(cluster.sent().map((calls) => calls.length)).toEqual([1, 1, 1]);
    expect(outcomes.map(values)).toEqual([
      ["absent", "done", "absent"],
      ["absent", "done", "absent"],
      [0, 1, 0],
      [0, 1, 0],
    ]);
    expect(connection.messages).toEqual(["to the group"]);
  });

  test("one command's failure does not stop the next", async () => {
    const run = cluster.node(0).run;
    cluster.node(0).run = (name, params) => {
      if (name === "countUsers") throw new Error("a fault of ours");
      return run(name, params);
    };
    cluster.connect(0);
    const outcomes = await cluster.execute([
      { name: "countUsers", params: {} },
      { name: "countConnections", params: {} },
    ]);
    expect(outcomes.map(values)).toEqual([
      ["INTERNAL", 0, 0],
      [1, 0, 0],
    ]);
    expect(cluster.node(0).faults).toHaveLength(1);
  });

  test("without commands answers at once, with the nodes", async () => {
    expect(await cluster.execute([], { ms: 0 })).toEqual([]);
  });

  test("without nodes answers at once, with nothing", async () => {
    const empty = new RouterCluster(0);
    expect(await empty.run({ name: "countConnections", params: {} }, { ms: 0 })).toEqual([]);
    await empty.close();
    vi.useFakeTimers();
  });
});

describe("what goes wrong at a node stands in its place", () => {
  test("a node that does not answer within the deadline, one that leaves and one that answers", async () => {
    cluster.node(0).onCall = () => {};
    cluster.node(1).onCall = () => cluster.node(1).leave();
    const outcomes = await cluster.run({ name: "countConnections", params: {} });
    expect(values(outcomes)).toEqual(["NODE_TIMEOUT", "NODE_LEFT", 0]);
  });

  test("the nodes of an answer are those that were linked when it was routed, those that left since included", async () => {
    const answer = cluster.center.router.execute([{ name: "countConnections", params: {} }], {
      timeoutMs: 1000,
    });
    cluster.node(1).leave();
    await vi.advanceTimersByTimeAsync(10);
    const { nodeIds, outcomes } = await answer;
    expect(nodeIds).toEqual(cluster.ids);
    expect(outcomes.map(values)).toEqual([[0, "NODE_LEFT", 0]]);
    const later = await cluster.center.router.execute([], { timeoutMs: 1000 });
    expect(later.nodeIds).toEqual([cluster.ids[0], cluster.ids[2]]);
  });

  test("an abort settles every place", async () => {
    for (const node of cluster.nodes) node.onCall = () => {};
    const abort = new AbortController();
    const answer = cluster.center.router.execute(
      [
        { name: "sendToGroupsOfUser", params: { userId: "u", message: "m" } },
        { name: "countUsers", params: {} },
      ],
      { timeoutMs: 1000, signal: abort.signal },
    );
    await vi.advanceTimersByTimeAsync(10);
    abort.abort();
    expect((await answer).outcomes.map(values)).toEqual(
      Array.from({ length: 2 }, () => ["ABORTED", "ABORTED", "ABORTED"]),
    );
  });

  test.each([
    ["a value of another type", [[true, "three"]]],
    ["a number that is no count", [[true, -1]]],
    ["no value", [[true, null]]],
    ["nothing", []],
    [
      "one outcome too many",
      [
        [true, 1],
        [true, 2],
      ],
    ],
    ["an error whose code nobody knows", [[false, "NO_SUCH_CODE", "what?"]]],
  ])(
    "a node that answers %s is a failure in its place, and the others are served",
    async (_case, outcomes) => {
      const node = cluster.node(1);
      node.onCall = ([, id]) => node.reply(id, ...(outcomes as Parameters<typeof node.reply>[1][]));
      cluster.connect(2);
      const places = await cluster.run({ name: "countConnections", params: {} });
      expect(values(places)).toEqual([0, "INTERNAL", 1]);
      expect(cluster.center.left).toEqual([]);
    },
  );

  test("a count that does not fit leaves no place of a batch that claims anything: which outcome is whose is unknown", async () => {
    const node = cluster.node(1);
    node.onCall = ([, id]) => node.reply(id, [true, 7]);
    const outcomes = await cluster.execute([
      { name: "countConnections", params: {} },
      { name: "countUsers", params: {} },
    ]);
    expect(outcomes.map((places) => values(places)[1])).toEqual(["INTERNAL", "INTERNAL"]);
  });

  test("whatever a node answers to any command, the place holds a value of the table's type or a failure", async () => {
    const node = cluster.node(1);
    await fc.assert(
      fc.asyncProperty(
        fc
          .constantFrom(...commandNames)
          .chain((name) => anyCommand(name, { connectionId: cluster.unknownIdAt(1) })),
        // A decoder refuses the key `__proto__`: a node that sends it loses its link.
        fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes("__proto__")),
        async (command, value) => {
          node.onCall = ([, id, , , batch]) => {
            node.reply(id, ...batch.map((): WireOutcome => [true, value]));
          };
          const place = (await cluster.run(command, { timeoutMs: 10_000 }))[1];
          if (place?.ok === true)
            expect(commands[command.name].result.safeParse(place.value).success).toBe(true);
          else expect(place?.code).toBe("INTERNAL");
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("what a node is sent is checked there too", () => {
  test.each([
    ["an unknown command", "countEverything", {}, "UNKNOWN_COMMAND"],
    ["a name of Object's own", "constructor", {}, "UNKNOWN_COMMAND"],
    ["a name that inherits", "__proto__", {}, "UNKNOWN_COMMAND"],
    ["a missing parameter", "bindUser", { userId: "u" }, "INVALID_PARAMS"],
    ["an empty id", "isUserOnline", { userId: "" }, "INVALID_PARAMS"],
    ["an unknown parameter", "isUserOnline", { userId: "u", code: "process.exit()" }, "INVALID_PARAMS"],
    ["a parameter of another type", "broadcast", { message: { toString: 1 } }, "INVALID_PARAMS"],
    ["no parameters at all", "broadcast", null, "INVALID_PARAMS"],
    [
      "a close reason that is too long",
      "closeUser",
      { userId: "u", reason: "x".repeat(124) },
      "INVALID_PARAMS",
    ],
  ])(
    "%s is refused by the node, and the text holds none of the values",
    async (_case, name, params, code) => {
      const call = cluster.center.call([cluster.node(0)], { name, params });
      await vi.advanceTimersByTimeAsync(10);
      const [answer] = Object.values(await call);
      expect(answer).toEqual({ ok: true, outcomes: [[false, code, expect.any(String)]] });
      expect(JSON.stringify(answer)).not.toContain("process.exit");
      expect(JSON.stringify(answer)).not.toContain("xxx");
      expect(cluster.node(0).faults).toEqual([]);
    },
  );
});
