import { getEventListeners } from "node:events";
import { HUB_SERVICE } from "@websocket-center/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CenterError } from "../../src/errors.js";
import { CenterEnd, NodeEnd } from "./rpc-ends.js";

let center: CenterEnd;
let nodes: NodeEnd[];
const link = (options?: ConstructorParameters<typeof NodeEnd>[1]): NodeEnd => {
  const node = new NodeEnd(center, options);
  nodes.push(node);
  return node;
};
/** A node that takes calls and does not answer them. */
const linkSilent = (): NodeEnd => {
  const node = link();
  node.onCall = () => {};
  return node;
};
/** Time passes. */
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  center = new CenterEnd();
  nodes = [];
});
afterEach(async () => {
  await center.close();
  for (const node of nodes) await node.close();
  // Frames that were under way.
  await pass(5);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("a call settles for each node that it expects", () => {
  test("as its reply, its error, the deadline, or its leaving; many calls in flight do not mix", async () => {
    const [replying, failing, silent, leaving] = [link(), link(), linkSilent(), linkSilent()];
    replying.run = (_name, params) => params;
    failing.run = (_name, params) => {
      throw new CenterError("INVALID_PARAMS", `no ${JSON.stringify(params)}`);
    };
    const subsets = [
      [replying],
      [failing, silent],
      [leaving, replying],
      [silent, leaving, failing, replying],
      [],
    ];
    const calls = Array.from({ length: 100 }, (_, at) => {
      const expected = subsets[at % subsets.length] ?? [];
      return {
        at,
        expected,
        answers: center.call(expected, { name: "x", params: at }, { timeoutMs: 1000 + at }),
      };
    });
    expect(center.caller.pendingCalls).toBe(80);
    await pass(500);
    leaving.leave();
    await pass(1000);
    expect(center.caller.pendingCalls).toBe(0);
    for (const { at, expected, answers } of calls) {
      const outcomes = {
        [replying.id]: { ok: true, outcomes: [[true, at]] },
        [failing.id]: { ok: true, outcomes: [[false, "INVALID_PARAMS", `no ${at}`]] },
        [silent.id]: {
          ok: false,
          code: "NODE_TIMEOUT",
          message: `node ${silent.id} gave no reply in ${1000 + at} ms`,
        },
        [leaving.id]: {
          ok: false,
          code: "NODE_LEFT",
          message: expect.stringContaining("the other end closed the link"),
        },
      };
      expect(await answers).toEqual(Object.fromEntries(expected.map(({ id }) => [id, outcomes[id]])));
    }
  });

  test("whatever happens first counts: reply, leaving, deadline or abort", async () => {
    const never = fc.constant(undefined);
    const fate = fc.record({
      replyAt: fc.array(fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }), {
        minLength: 3,
        maxLength: 3,
      }),
      deadline: fc.integer({ min: 1, max: 40 }),
      abortAt: fc.oneof(never, fc.integer({ min: 1, max: 40 })),
    });
    const leavesAt = fc.array(fc.oneof(never, fc.integer({ min: 1, max: 40 })), {
      minLength: 3,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 6 }), leavesAt, async (fates, leaves) => {
        const ends = [linkSilent(), linkSilent(), linkSilent()];
        // Each kind of event has ticks of its own, so that no two come at once.
        const times = { reply: 0, leave: 2, deadline: 4, abort: 6 };
        const at = (kind: keyof typeof times, tick: number): number => tick * 10 + times[kind];
        for (const [index, node] of ends.entries()) {
          node.onCall = ([, id, , , [first]]) => {
            const tick = fates[Number(first?.[1])]?.replyAt[index];
            if (tick !== undefined) setTimeout(() => node.reply(id, [true, index]), at("reply", tick));
          };
          const tick = leaves[index];
          if (tick !== undefined) setTimeout(() => node.leave(), at("leave", tick));
        }
        const calls = fates.map(({ deadline, abortAt }, number) => {
          const abort = new AbortController();
          if (abortAt !== undefined) setTimeout(() => abort.abort(), at("abort", abortAt));
          const options = { timeoutMs: at("deadline", deadline), signal: abort.signal };
          return center.call(ends, { name: "x", params: number }, options);
        });
        await pass(1000);
        for (const [number, { replyAt, deadline, abortAt }] of fates.entries()) {
          const answers = (await calls[number]) ?? {};
          expect(Object.keys(answers).sort()).toEqual(ends.map(({ id }) => id).sort());
          for (const [index, { id }] of ends.entries()) {
            const events: [number, string][] = [[at("deadline", deadline), "NODE_TIMEOUT"]];
            const [reply, leave] = [replyAt[index], leaves[index]];
            if (reply !== undefined) events.push([at("reply", reply), "reply"]);
            if (leave !== undefined) events.push([at("leave", leave), "NODE_LEFT"]);
            if (abortAt !== undefined) events.push([at("abort", abortAt), "ABORTED"]);
            const [, first] = events.reduce((one, other) => (other[0] < one[0] ? other : one));
            const answer = answers[id];
            expect(answer?.ok === true ? "reply" : answer?.code).toBe(first);
            if (answer?.ok === true) expect(answer.outcomes).toEqual([[true, index]]);
          }
        }
        expect(center.caller.pendingCalls).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test("at once where nobody is expected", async () => {
    await expect(center.call([])).resolves.toEqual({});
  });

  test("as overloaded, at once, where too many bytes wait for the node; the others are served", async () => {
    await center.close();
    center = new CenterEnd({ maxQueuedBytes: 100_000 });
    const [frozen, fine] = [linkSilent(), link()];
    fine.run = () => "done";
    frozen.backplane.freeze();
    const big = { name: "x", params: "y".repeat(60_000) };
    const accepted = center.call([frozen, fine], big, { timeoutMs: 500 });
    await pass(5);
    const refused = center.call([frozen, fine], big, { timeoutMs: 500 });
    await pass(5);
    expect(await refused).toEqual({
      [frozen.id]: { ok: false, code: "NODE_OVERLOADED", message: expect.stringContaining("was not sent") },
      [fine.id]: { ok: true, outcomes: [[true, "done"]] },
    });
    await pass(500);
    expect((await accepted)[frozen.id]).toMatchObject({ code: "NODE_TIMEOUT" });
    frozen.backplane.thaw();
    await pass(5);
    expect(frozen.calls).toHaveLength(1);
    frozen.onCall = ([, id]) => frozen.reply(id, [true, "again"]);
    const later = center.call([frozen], big);
    await pass(5);
    expect(await later).toMatchObject({ [frozen.id]: { ok: true } });
  });

  test("a frame over the whole limit goes to a node that nothing waits for", async () => {
    await center.close();
    center = new CenterEnd({ maxQueuedBytes: 100_000 });
    const node = link();
    node.run = (_name, params) => String(params).length;
    const answer = center.call([node], { name: "x", params: "y".repeat(1_000_000) });
    await pass(10);
    expect(await answer).toEqual({ [node.id]: { ok: true, outcomes: [[true, 1_000_000]] } });
  });

  test("as left, at once, where the node left between the routing and the call", async () => {
    const [gone, fine] = [link(), link()];
    const channels = [center.channelOf(gone), center.channelOf(fine)];
    gone.leave();
    await pass(5);
    const answers = center.caller.call(channels, HUB_SERVICE, [], { timeoutMs: 1000 });
    await pass(5);
    expect((await answers).answers.map(({ ok }) => ok)).toEqual([false, true]);
  });
});

describe("a caller that gives up", () => {
  test("settles at once as ABORTED for the nodes that are missing, and tells them that nobody waits", async () => {
    const [fine, silent] = [link(), linkSilent()];
    const abort = new AbortController();
    const answers = center.call([fine, silent], undefined, { signal: abort.signal });
    await pass(10);
    abort.abort();
    expect(await answers).toEqual({
      [fine.id]: { ok: true, outcomes: [[true, 0]] },
      [silent.id]: { ok: false, code: "ABORTED", message: "the caller gave up" },
    });
    await pass(5);
    expect(silent.received("cancel")).toEqual(silent.received("call"));
    expect(fine.received("cancel")).toEqual([]);
  });

  test("before the call sends nothing", async () => {
    const node = link();
    expect(await center.call([node], undefined, { signal: AbortSignal.abort() })).toMatchObject({
      [node.id]: { ok: false, code: "ABORTED" },
    });
    await pass(10);
    expect(node.calls).toEqual([]);
  });

  test("is not held on to: no listener stays on its signal, however the call ended", async () => {
    const [fine, silent, gone] = [link(), linkSilent(), link()];
    const { signal } = new AbortController();
    const channel = center.channelOf(gone);
    const calls = [
      center.call([fine], undefined, { signal }),
      center.call([silent], undefined, { signal, timeoutMs: 50 }),
    ];
    gone.leave();
    await pass(100);
    calls.push(center.caller.call([channel], HUB_SERVICE, [], { timeoutMs: 1000, signal }).then(() => ({})));
    await Promise.all(calls);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("replies that nobody waits for", () => {
  test("are dropped: late ones, second ones, those of other nodes and of unknown calls", async () => {
    const [slow, other] = [linkSilent(), linkSilent()];
    const first = center.call([slow], undefined, { timeoutMs: 100 });
    await pass(150);
    expect(await first).toMatchObject({ [slow.id]: { code: "NODE_TIMEOUT" } });
    const [lateId] = slow.received("call") as number[];
    slow.reply(Number(lateId), [true, "late"]);

    const second = center.call([slow], undefined, { timeoutMs: 1000 });
    await pass(5);
    const id = Number(slow.received("call")[1]);
    other.reply(id, [true, "not asked"]);
    slow.reply(99_999, [true, "unknown"]);
    await pass(5);
    expect(center.caller.pendingCalls).toBe(1);
    slow.reply(id, [true, "first"]);
    slow.reply(id, [true, "second"]);
    await pass(5);
    expect(await second).toEqual({ [slow.id]: { ok: true, outcomes: [[true, "first"]] } });
    expect(center.left).toEqual([]);
  });

  test("of a link that was replaced do not count for the new link", async () => {
    const node = linkSilent();
    const call = center.call([node]);
    await pass(5);
    const [, id] = node.calls[0] ?? [];
    const again = link({ id: node.id });
    again.reply(Number(id), [true, "over the new link"]);
    await pass(5);
    expect(await call).toMatchObject({
      [node.id]: { ok: false, code: "NODE_LEFT", message: expect.stringContaining("replaced by a new link") },
    });
  });
});

describe("what a node is sent", () => {
  test("calls that follow one another arrive in that order, with the time that is left", async () => {
    const node = linkSilent();
    const calls = Array.from({ length: 50 }, (_, at) =>
      center.call(
        [node],
        { name: "x", params: at % 5 === 0 ? "z".repeat(3000) : at },
        { timeoutMs: 100 + at },
      ),
    );
    await pass(5);
    expect(node.calls.map(([, , hub, timeoutMs]) => [hub, timeoutMs])).toEqual(
      Array.from({ length: 50 }, (_, at) => [HUB_SERVICE, 100 + at]),
    );
    await pass(200);
    await Promise.all(calls);
    expect(node.received("cancel")).toEqual(node.received("call"));
  });

  test("a service that the node does not have is an error of each method, and runs nothing on the hub", async () => {
    const node = link();
    const run = vi.fn<() => unknown>();
    node.run = run;
    const commands = [
      { name: "countUsers" as const, params: {} },
      { name: "countConnections" as const, params: {} },
    ];
    const answers = center.caller.call([center.channelOf(node)], "other", commands, { timeoutMs: 1000 });
    await pass(5);
    const unknown = [false, "UNKNOWN_SERVICE", expect.any(String)];
    expect((await answers).answers).toEqual([{ ok: true, outcomes: [unknown, unknown] }]);
    expect(run).not.toHaveBeenCalled();
  });
});
