import { type CommandName, commands, mergeResults, type Result } from "@websocket-center/protocol";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { method, z } from "../../src/index.js";
import { connect, startCenter, startNode, untilListed } from "./cluster.js";

test("every command has a rule that makes one result of those of several nodes", () => {
  const results: Record<string, fc.Arbitrary<unknown>> = {
    sum: fc.nat(1000),
    union: fc.array(fc.string(), { maxLength: 5 }),
    any: fc.boolean(),
    change: fc.constantFrom("done", "unchanged", "absent"),
  };
  for (const name of Object.keys(commands) as CommandName[]) {
    const { absent, merge } = commands[name];
    expect(mergeResults(name, []), name).toEqual(absent === "unchanged" ? "unchanged" : absent);
    const result = results[merge];
    if (result === undefined) continue;
    fc.assert(
      fc.property(fc.array(result, { minLength: 1, maxLength: 8 }), (values) => {
        const merged = mergeResults(name, values as Result<typeof name>[]) as unknown;
        const shuffled = mergeResults(name, values.toReversed() as Result<typeof name>[]) as unknown;
        if (merge === "union") {
          expect(new Set(merged as string[])).toEqual(new Set((values as string[][]).flat()));
          expect(new Set(merged as string[]).size).toBe((merged as string[]).length);
        } else {
          expect(shuffled, "the order of nodes does not matter").toEqual(merged);
          if (merge === "sum") expect(merged).toBe((values as number[]).reduce((a, b) => a + b, 0));
          if (merge === "any") expect(merged).toBe(values.some(Boolean));
          if (merge === "change") expect(values).toContain(merged);
        }
      }),
    );
  }
});

test("a node reaches users, groups and connections on every node, and says what each node answered", async () => {
  const centers = [await startCenter(), await startCenter()];
  const [near, far] = [await startNode(centers), await startNode(centers)];
  const [ada, bob] = [await connect(near), await connect(far)];
  expect((await near.cluster.bindUser({ userId: "bob", connectionId: bob.id })).value).toBe("done");
  expect((await far.cluster.bindUser({ userId: "ada", connectionId: ada.id })).value).toBe("done");
  expect((await near.cluster.joinUserToGroups({ userId: "bob", groupIds: ["room"] })).value).toBe("done");
  await near.cluster.joinUserToGroups({ userId: "ada", groupIds: ["room"] });

  const sent = await near.cluster.sendToGroup({ groupId: "room", message: "hi", exceptUserIds: ["ada"] });
  expect(sent.value).toBe(1);
  expect(sent.failures).toEqual([]);
  expect(sent.nodes).toEqual(
    expect.arrayContaining([
      { nodeId: near.id, ok: true, value: 0 },
      { nodeId: far.id, ok: true, value: 1 },
    ]),
  );
  await bob.settled();
  expect(bob.messages).toEqual(["hi"]);
  expect((await far.cluster.listUsers({})).value.toSorted()).toEqual(["ada", "bob"]);
  expect((await far.cluster.getUserOfConnection({ connectionId: ada.id })).value).toBe("ada");
  expect((await far.cluster.isUserOnline({ userId: "nobody" })).value).toBe(false);
  expect((await centers[0]!.cluster.countConnections({})).value).toBe(2);
});

test("services are called from a node as from a center", async () => {
  const center = await startCenter();
  const whoami = (name: string) => ({
    name: "whoami",
    methods: { tell: method({ params: z.object({}), result: z.string(), handler: () => name }) },
  });
  const near = await startNode([center], [whoami("near")]);
  const far = await startNode([center], [whoami("far")]);
  await untilListed(center, "whoami", 2);
  const all = await near.cluster.services.call({ service: "whoami", method: "tell", mode: "all" });
  expect(all).toEqual(
    expect.arrayContaining([
      { nodeId: near.id, ok: true, value: "near" },
      { nodeId: far.id, ok: true, value: "far" },
    ]),
  );
  const named = await near.cluster.services.call({ service: "whoami", method: "tell", nodeId: far.id });
  expect(named).toEqual([{ nodeId: far.id, ok: true, value: "far" }]);
  await expect(near.cluster.services.call({ service: "none", method: "x" })).rejects.toMatchObject({
    code: "UNKNOWN_SERVICE",
  });
});

test("wrong parameters, no center and a signal that is aborted are errors, and nothing is sent", async () => {
  const center = await startCenter();
  const node = await startNode([center]);
  const client = await connect(node);
  const wrong = { userId: 1 } as unknown as { userId: string };
  await expect(node.cluster.isUserOnline(wrong)).rejects.toMatchObject({ code: "INVALID_PARAMS" });
  const aborted = AbortSignal.abort();
  await expect(node.cluster.broadcast({ message: "x" }, { signal: aborted })).rejects.toMatchObject({
    code: "ABORTED",
  });
  await center.stop();
  await vi.waitFor(() => expect(node.centers.every(({ linked }) => !linked)).toBe(true));
  await expect(node.cluster.broadcast({ message: "x" })).rejects.toMatchObject({ code: "NO_CENTER" });
  await client.settled();
  expect(client.messages).toEqual([]);
});

test(
  "requests that follow one another take effect in their order, a thousand of them at once",
  { timeout: 90_000 },
  async () => {
    const centers = [await startCenter(), await startCenter()];
    const node = await startNode(centers);
    const client = await connect(node);
    const wanted = Array.from({ length: 1000 }, (_, at) => String(at));
    // How long a thousand take says nothing of their order.
    const options = { timeoutMs: 60_000 };
    const sent = await Promise.all(wanted.map((message) => node.cluster.broadcast({ message }, options)));
    expect(sent.every(({ value }) => value === 1)).toBe(true);
    await client.settled();
    expect(client.messages).toEqual(wanted);
  },
);

test("a large message passes in pieces, both ways", async () => {
  const center = await startCenter();
  const node = await startNode([center]);
  const client = await connect(node);
  const message = "é".repeat(400_000);
  expect((await node.cluster.broadcast({ message })).value).toBe(1);
  await client.settled();
  expect(client.messages).toEqual([message]);
});

test("a node that cannot answer has its place among the failures, and the value is that of the others", async () => {
  const center = await startCenter({ maxReplyBytes: 64 * 1024 * 1024 });
  const near = await startNode([center]);
  const far = await startNode([center], [], { maxReplyBytes: 1024 * 1024 });
  const [here, there] = [await connect(near), await connect(far)];
  await near.cluster.joinConnectionToGroup({ groupId: "small", connectionId: here.id });
  for (let at = 0; at < 40; at += 1) {
    far.hub.joinConnectionToGroup({ groupId: `${at}${"x".repeat(32 * 1024)}`, connectionId: there.id });
  }
  const { value, failures } = await near.cluster.listGroups({});
  expect(value).toEqual(["small"]);
  expect(failures).toMatchObject([{ nodeId: far.id, code: "REPLY_TOO_LARGE" }]);
});
