import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CenterEnd, NodeEnd } from "./rpc-ends.js";

const MiB = 1024 * 1024;

describe("large frames over a link", () => {
  let center: CenterEnd;
  let node: NodeEnd;
  /** Time passes. */
  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  beforeEach(() => {
    vi.useFakeTimers();
    center = new CenterEnd();
    node = new NodeEnd(center);
    node.run = (name, params) => (name === "large" ? "x".repeat(Number(params)) : params);
  });
  afterEach(async () => {
    await center.close();
    await node.close();
    await pass(1);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
  /** How many turns of the event loop go by until it settles. */
  async function turnsUntil(call: Promise<unknown>): Promise<number> {
    const state = { turns: 0, settled: false };
    void call.then(() => (state.settled = true));
    for (; !state.settled; state.turns += 1) await vi.advanceTimersToNextTimerAsync();
    return state.turns;
  }

  test("arrive whole, both ways", async () => {
    const message = "y".repeat(3 * MiB) + "end";
    const answer = center.call([node], { name: "echo", params: message });
    await pass(500);
    expect(await answer).toEqual({ [node.id]: { ok: true, outcomes: [[true, message]] } });
    expect(center.faults).toEqual([]);
  });

  test("let heartbeats and small calls pass between their pieces", async () => {
    const large = center.call([node], { name: "large", params: 20 * MiB });
    for (let turn = 0; turn < 10; turn += 1) await vi.advanceTimersToNextTimerAsync();
    const small = center.call([node], { name: "small", params: 1 });
    center.pinger.close();
    center.channelOf(node).send(["ping", 77]);
    const turns = await turnsUntil(small);
    expect(turns).toBeLessThan(30);
    expect(center.frames.map(({ frame }) => frame[0]).toSorted()).toEqual(["pong", "reply"]);
    expect(await turnsUntil(large)).toBeGreaterThan(100);
    expect(Object.values(await large)[0]).toMatchObject({ ok: true });
  });

  test("that the node sends stop when nobody waits for them any more", async () => {
    const abort = new AbortController();
    const call = center.call([node], { name: "large", params: 20 * MiB }, { signal: abort.signal });
    for (let turn = 0; turn < 10; turn += 1) await vi.advanceTimersToNextTimerAsync();
    expect(node.channel?.queuedBytes).toBeGreaterThan(15 * MiB);
    abort.abort();
    await call;
    await pass(1);
    expect(node.channel?.queuedBytes).toBe(0);
    expect(center.frames.filter(({ frame }) => frame[0] === "reply")).toEqual([]);
    const again = center.call([node], { name: "large", params: 2 * MiB });
    await pass(500);
    expect(Object.values(await again)[0]).toMatchObject({ ok: true });
    expect(center.faults).toEqual([]);
  });

  test("that the center sends stop at the deadline: the node never runs the call", async () => {
    node.backplane.freeze();
    const call = center.call([node], { name: "echo", params: "x".repeat(10 * MiB) }, { timeoutMs: 100 });
    await pass(100);
    expect(await call).toMatchObject({ [node.id]: { ok: false, code: "NODE_TIMEOUT" } });
    expect(center.channelOf(node).queuedBytes).toBeLessThan(MiB);
    node.backplane.thaw();
    await pass(500);
    expect(node.calls).toEqual([]);
    expect(node.faults).toEqual([]);
    expect(center.channelOf(node).queuedBytes).toBe(0);
  });

  test("of a node that left wait for nothing: they are forgotten", async () => {
    const channel = center.channelOf(node);
    node.backplane.freeze();
    const send = vi.spyOn(center.backplane, "send");
    const call = center.call([node], { name: "echo", params: "x".repeat(10 * MiB) });
    expect(channel.queuedBytes).toBeGreaterThan(9 * MiB);
    center.backplane.end(channel.member, "enough");
    expect(channel.queuedBytes).toBe(0);
    expect(await call).toMatchObject({ [node.id]: { ok: false, code: "NODE_LEFT" } });
    // Four pieces fill the link; the other three hundred are not even encoded.
    expect(send.mock.calls.length).toBeLessThan(10);
  });

  test("of a node that left are forgotten also where none of their pieces has gone out yet", async () => {
    const channel = center.channelOf(node);
    node.backplane.freeze();
    const small = Array.from({ length: 4 }, () =>
      center.call([node], { name: "echo", params: "x".repeat(40_000) }),
    );
    const large = center.call([node], { name: "echo", params: "x".repeat(10 * MiB) });
    expect(channel.queuedBytes).toBeGreaterThan(10 * MiB);
    center.backplane.end(channel.member, "enough");
    expect(channel.queuedBytes).toBe(0);
    for (const call of [...small, large])
      expect(await call).toMatchObject({ [node.id]: { code: "NODE_LEFT" } });
  });

  test("over the limit are not sent: the place says so, and that the commands were run", async () => {
    await node.close();
    node = new NodeEnd(center, { maxReplyBytes: MiB });
    const run = vi.fn<(name: string, params: unknown) => unknown>((_name, params) =>
      "x".repeat(Number(params)),
    );
    node.run = run;
    const [fits, tooLarge] = [MiB - 100, MiB + 1].map((params) =>
      center.call([node], { name: "large", params }),
    );
    await pass(500);
    expect(await fits).toMatchObject({ [node.id]: { ok: true, outcomes: [[true, expect.any(String)]] } });
    expect(await tooLarge).toEqual({
      [node.id]: {
        ok: true,
        outcomes: [[false, "REPLY_TOO_LARGE", expect.stringContaining("the commands were run")]],
      },
    });
    expect(run).toHaveBeenCalledTimes(2);
  });

  test("that too many bytes wait before are dropped: the place says so", async () => {
    await node.close();
    node = new NodeEnd(center, { maxQueuedBytes: MiB });
    node.run = (_name, params) => "x".repeat(Number(params));
    center.backplane.freeze();
    const calls = [800_000, 100_000, 400_000, 10].map((params) =>
      center.call([node], { name: "large", params }),
    );
    await pass(1);
    center.backplane.thaw();
    await pass(500);
    const outcomes = await Promise.all(calls.map(async (call) => Object.values(await call)[0]));
    expect(
      outcomes.map((answer) => (answer?.ok === true ? answer.outcomes[0]?.slice(0, 2) : answer)),
    ).toEqual([
      [true, expect.any(String)],
      [true, expect.any(String)],
      [false, "REPLY_DROPPED"],
      [true, expect.any(String)],
    ]);
  });
});
