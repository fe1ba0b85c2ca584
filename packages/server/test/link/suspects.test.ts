import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CenterEnd, NodeEnd } from "./rpc-ends.js";

let center: CenterEnd;
let nodes: NodeEnd[];
/** How long this process was stopped, all in all: its clock went on, its timers did not. */
let sleptMs = 0;

const link = (id?: string): NodeEnd => {
  const node = new NodeEnd(center, id === undefined ? {} : { id });
  nodes.push(node);
  return node;
};
/** A node that answers pings and no calls. */
const linkDeaf = (): NodeEnd => {
  const node = link();
  node.onCall = () => {};
  return node;
};
/** Of the faked clock: 100 ms, and the turn in which what has come is read. */
const WAIT_MS = 101;
/** Time passes. */
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

/** A call, and how many milliseconds it took once it has settled. */
function timedCall(expected: readonly NodeEnd[], timeoutMs = 5000) {
  const startedAt = Date.now();
  const call = {
    ms: undefined as number | undefined,
    answers: center.call(expected, undefined, { timeoutMs }),
  };
  void call.answers.then(() => (call.ms = Date.now() - startedAt));
  return call;
}

beforeEach(async () => {
  sleptMs = 0;
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "setImmediate", "Date"],
  });
  vi.spyOn(performance, "now").mockImplementation(() => Date.now() + sleptMs);
  center = new CenterEnd();
  nodes = [];
  // The pinger's first beat comes 250 ms from here.
  await pass(0);
});
afterEach(async () => {
  await center.close();
  for (const node of nodes) await node.close();
  await pass(100);
  expect(vi.getTimerCount()).toBe(0);
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a node that answers its pings", () => {
  test("is never suspect and never given up, however long it lives", async () => {
    const node = link();
    for (let second = 0; second < 120; second += 1) {
      await pass(1000);
      expect(center.isSuspect(node)).toBe(false);
    }
    expect(center.left).toEqual([]);
  });

  test("late, each after more than a second, is not suspect: it does answer", async () => {
    const node = link();
    node.pongDelayMs = 1200;
    await pass(1400);
    for (let beat = 0; beat < 40; beat += 1) {
      await pass(250);
      expect(center.isSuspect(node)).toBe(false);
    }
    expect(center.left).toEqual([]);
    center.pinger.close();
    await pass(1300);
  });

  test("and misses a deadline is not suspect for that: the next call waits its full time", async () => {
    const node = linkDeaf();
    const calls = [timedCall([node], 300), timedCall([node], 3000)];
    await pass(3000);
    expect(calls.map(({ ms }) => ms)).toEqual([300, 3000]);
    expect(center.isSuspect(node)).toBe(false);
  });
});

describe("a node that answers no pings", () => {
  test("is suspect one second after the first ping that it did not answer", async () => {
    const node = link();
    await pass(510);
    node.backplane.freeze();
    // The next ping goes out at 750 ms.
    await pass(1239);
    expect(center.isSuspect(node)).toBe(false);
    await pass(1);
    expect(center.isSuspect(node)).toBe(true);
    expect(center.left).toEqual([]);
  });

  test("delays a call that is made then by 100 ms, and the answers of the others are given", async () => {
    const [frozen, fine] = [link(), link()];
    frozen.backplane.freeze();
    await pass(2000);
    const call = timedCall([frozen, fine]);
    await pass(99);
    expect(call.ms).toBeUndefined();
    await pass(2);
    expect(call.ms).toBe(WAIT_MS);
    expect(await call.answers).toEqual({
      [frozen.id]: {
        ok: false,
        code: "NODE_TIMEOUT",
        message: `node ${frozen.id} answers no pings; whether it ran the call is unknown`,
      },
      [fine.id]: { ok: true, outcomes: [[true, 0]] },
    });
  });

  test("is still asked: what it was sent it runs when it wakes, unless that was cancelled", async () => {
    const frozen = link();
    frozen.backplane.freeze();
    await pass(2000);
    const call = timedCall([frozen]);
    await pass(WAIT_MS);
    expect(call.ms).toBe(WAIT_MS);
    frozen.backplane.thaw();
    await pass(1);
    expect(frozen.received("call")).toHaveLength(1);
    expect(frozen.received("cancel")).toEqual(frozen.received("call"));
    expect(center.isSuspect(frozen)).toBe(false);
  });

  test("lets calls that wait already wait 100 ms more, not to their deadlines", async () => {
    const frozen = link();
    frozen.backplane.freeze();
    const early = timedCall([frozen], 5000);
    await pass(1000);
    const late = timedCall([frozen], 5000);
    const short = timedCall([frozen], 150);
    // Suspect at 1,250 ms.
    await pass(349);
    expect([early.ms, late.ms, short.ms]).toEqual([undefined, undefined, 150]);
    await pass(2);
    expect([early.ms, late.ms, short.ms]).toEqual([1250 + WAIT_MS, 250 + WAIT_MS, 150]);
  });

  test("and answers one within those 100 ms is waited for again, to the deadline", async () => {
    const deaf = linkDeaf();
    deaf.backplane.freeze();
    const waiting = timedCall([deaf], 5000);
    await pass(1250);
    const fresh = timedCall([deaf], 1000);
    expect(center.isSuspect(deaf)).toBe(true);
    await pass(90);
    deaf.backplane.thaw();
    await pass(100);
    expect(center.isSuspect(deaf)).toBe(false);
    expect([waiting.ms, fresh.ms]).toEqual([undefined, undefined]);
    await pass(5000);
    expect([waiting.ms, fresh.ms]).toEqual([5000, 1000]);
  });

  test("becomes suspect a second time when it stops again, and calls are spared again", async () => {
    const deaf = linkDeaf();
    deaf.backplane.freeze();
    await pass(2000);
    deaf.backplane.thaw();
    await pass(510);
    deaf.backplane.freeze();
    const call = timedCall([deaf], 5000);
    await pass(3000);
    // Frozen at 2,510; the ping of 2,750 stays unanswered, and makes it suspect at 3,750.
    expect(call.ms).toBe(1240 + WAIT_MS);
  });

  test("is given up after 15 s, with the reason; a call that waits then is settled as NODE_LEFT", async () => {
    const frozen = link();
    await pass(260);
    frozen.backplane.freeze();
    // Unanswered from 500 ms on; the beat 15 s later gives it up.
    await pass(15_190);
    const call = timedCall([frozen]);
    await pass(49);
    expect(center.left).toEqual([]);
    await pass(1);
    expect(center.left).toEqual([{ id: frozen.id, reason: "it answered no ping for 15000 ms" }]);
    expect(center.registry.size).toBe(0);
    expect(await call.answers).toMatchObject({ [frozen.id]: { ok: false, code: "NODE_LEFT" } });
  });

  test("harms no other: those who answer stay, and are waited for", async () => {
    const [frozen, fine] = [link(), linkDeaf()];
    frozen.backplane.freeze();
    await pass(30_000);
    expect(center.left.map(({ id }) => id)).toEqual([frozen.id]);
    const call = timedCall([fine], 2000);
    await pass(2000);
    expect(call.ms).toBe(2000);
  });

  test("starts anew with a new link of the same node", async () => {
    const frozen = link();
    frozen.backplane.freeze();
    await pass(14_000);
    expect(center.isSuspect(frozen)).toBe(true);
    const again = link(frozen.id);
    expect(center.isSuspect(again)).toBe(false);
    await pass(30_000);
    expect(center.left.map(({ reason }) => reason)).toEqual(["replaced by a new link"]);
  });
});

describe("a process that was itself stopped", () => {
  test("gives nobody up: silence counts in pings that went unanswered, not by the clock", async () => {
    const [fine, deaf] = [link(), linkDeaf()];
    await pass(1000);
    sleptMs += 3_600_000;
    const call = timedCall([fine, deaf], 1000);
    await pass(1000);
    expect(center.left).toEqual([]);
    expect(center.isSuspect(deaf)).toBe(false);
    expect(call.ms).toBe(1000);
    expect(await call.answers).toMatchObject({ [fine.id]: { ok: true } });
    await pass(60_000);
    expect(center.left).toEqual([]);
  });

  test("gives up who was silent before and after, for as many pings as without the sleep", async () => {
    const frozen = link();
    frozen.backplane.freeze();
    await pass(10_000);
    sleptMs += 3_600_000;
    await pass(5000);
    expect(center.left).toEqual([]);
    await pass(250);
    expect(center.left.map(({ id }) => id)).toEqual([frozen.id]);
  });

  test("waits for nobody to its deadline while no ping is answered after it woke", async () => {
    const node = linkDeaf();
    await pass(1000);
    node.backplane.freeze();
    await pass(250);
    sleptMs += 60_000;
    expect(center.isSuspect(node)).toBe(true);
    const call = timedCall([node]);
    node.backplane.thaw();
    await pass(200);
    expect(call.ms).toBeUndefined();
    expect(center.isSuspect(node)).toBe(false);
    await pass(5000);
  });
});

describe("the node's side", () => {
  test("answers each ping with its number and what it holds", async () => {
    const node = link();
    node.status = { connections: 3, users: 2, groups: 1, draining: true };
    await pass(760);
    const pongs = center.frames.map(({ frame }) => frame).filter(([type]) => type === "pong");
    expect(pongs).toEqual(node.received("ping").map((number) => ["pong", number, node.status, 0]));
    expect(pongs).toHaveLength(3);
    expect(center.pinger.statusOf(center.channelOf(node))).toEqual(node.status);
  });

  test("gives up a center that sends no ping for 15 s, and none that does", async () => {
    const node = link();
    await pass(20_000);
    expect(node.channel).toBeDefined();
    center.pinger.close();
    await pass(15_000);
    expect(node.channel).toBeDefined();
    await pass(1000);
    expect(node.channel).toBeUndefined();
  });

  test("gives up no center for its own sleep", async () => {
    const node = link();
    await pass(5000);
    sleptMs += 3_600_000;
    vi.setSystemTime(Date.now() + 3_600_000);
    await pass(20_000);
    expect(node.channel).toBeDefined();
  });
});
