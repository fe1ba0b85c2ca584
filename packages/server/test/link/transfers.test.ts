import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { IncomingTransfers, OutgoingTransfers, PIECE_BYTES } from "../../src/rpc/transfers.js";
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
    expect(center.frames.map(({ frame }) => frame[0])).toEqual(["reply", "pong"]);
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
    const call = center.call([node], { name: "echo", params: "x".repeat(10 * MiB) });
    expect(channel.queuedBytes).toBeGreaterThan(9 * MiB);
    center.backplane.end(channel.member, "enough");
    expect(channel.queuedBytes).toBe(0);
    expect(await call).toMatchObject({ [node.id]: { ok: false, code: "NODE_LEFT" } });
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

describe("outgoing transfers", () => {
  function createOutgoing({ sentAtOnce = false } = {}) {
    const pieces: { id: number; bytes: number }[] = [];
    const waiting: (() => void)[] = [];
    const abandoned: number[] = [];
    let pressure = 0;
    const transfers = new OutgoingTransfers({
      sendPiece: (id, _totalBytes, piece, sent) => {
        pieces.push({ id, bytes: piece.length });
        if (sentAtOnce) {
          sent(true);
          return;
        }
        pressure += piece.length;
        waiting.push(() => {
          pressure -= piece.length;
          sent(true);
        });
      },
      sendAbandon: (id) => abandoned.push(id),
      pressure: () => pressure,
    });
    return { transfers, pieces, abandoned, waiting };
  }

  test("go a piece of each in turn, and only while little waits in the link", () => {
    const { transfers, pieces, waiting } = createOutgoing();
    transfers.add("a", new Uint8Array(5 * PIECE_BYTES));
    transfers.add("b", new Uint8Array(3 * PIECE_BYTES + 1));
    expect(pieces).toHaveLength(4);
    while (waiting.length > 0) waiting.shift()?.();
    expect(pieces.map(({ id }) => id)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1]);
    expect(pieces.map(({ bytes }) => bytes)).toEqual([...Array.from({ length: 8 }, () => PIECE_BYTES), 1]);
    expect(transfers.queuedBytes).toBe(0);
  });

  test("that begin while others wait take turns with them", () => {
    const { transfers, pieces, waiting } = createOutgoing();
    transfers.add("a", new Uint8Array(20 * PIECE_BYTES));
    transfers.add("b", new Uint8Array(4 * PIECE_BYTES));
    while (waiting.length > 0) waiting.shift()?.();
    const ends = pieces.map(({ id }) => id);
    expect(ends.lastIndexOf(1)).toBeLessThan(14);
    expect(ends).toHaveLength(24);
  });

  test("that are abandoned say so if they have begun, and nothing if they have not", () => {
    const { transfers, pieces, abandoned, waiting } = createOutgoing();
    transfers.add("a", new Uint8Array(20 * PIECE_BYTES));
    transfers.add("b", new Uint8Array(20 * PIECE_BYTES));
    transfers.abandon("a");
    transfers.abandon("b");
    transfers.abandon("c");
    expect(abandoned).toEqual([0]);
    expect(transfers.queuedBytes).toBe(0);
    while (waiting.length > 0) waiting.shift()?.();
    expect(pieces).toHaveLength(4);
  });

  test("to a link that takes or loses each piece at once do not pile up calls in calls", () => {
    const { transfers, pieces } = createOutgoing({ sentAtOnce: true });
    transfers.add("a", new Uint8Array(20_000 * PIECE_BYTES));
    expect(pieces).toHaveLength(20_000);
    expect(transfers.queuedBytes).toBe(0);
  });
});

describe("incoming transfers", () => {
  test("come out whole whatever the order in which the pieces of several are mixed", () => {
    const transfer = fc.record({
      bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }),
      piece: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(
        fc.array(transfer, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (sent, picks) => {
          const incoming = new IncomingTransfers(1 * MiB);
          const left = sent.map(({ bytes, piece }, id) => ({ id, bytes, piece, at: 0 }));
          const whole = new Map<number, number[]>();
          while (left.length > 0) {
            const pick = (picks.next().value ?? 0) % left.length;
            const one = left[pick];
            if (one === undefined) break;
            const piece = one.bytes.subarray(one.at, one.at + one.piece);
            one.at += piece.length;
            const frame = incoming.add(one.id, one.bytes.length, piece);
            expect(frame !== undefined).toBe(one.at === one.bytes.length);
            if (frame === undefined) continue;
            whole.set(one.id, [...frame]);
            left.splice(pick, 1);
          }
          expect([...whole].sort(([a], [b]) => a - b)).toEqual(sent.map(({ bytes }, id) => [id, [...bytes]]));
        },
      ),
    );
  });

  test("hold no more than twice the limit, whatever is announced, begun and abandoned", () => {
    const maxBytes = 100_000;
    const step = fc.record({
      id: fc.nat(8),
      total: fc.integer({ min: 1, max: 150_000 }),
      bytes: fc.nat(60_000),
      abandons: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const incoming = new IncomingTransfers(maxBytes);
        const open = new Map<number, { total: number; bytes: number }>();
        for (const { id, total, bytes, abandons } of steps) {
          if (abandons) {
            incoming.abandon(id);
            open.delete(id);
            continue;
          }
          const before = open.get(id) ?? { total, bytes: 0 };
          const after = { total: before.total, bytes: before.bytes + bytes };
          const held = [...open.values()].reduce((sum, one) => sum + one.bytes, bytes);
          const fits = total === before.total && after.bytes <= total && bytes > 0 && total <= maxBytes;
          try {
            const whole = incoming.add(id, total, new Uint8Array(bytes));
            expect(fits).toBe(true);
            expect(held).toBeLessThanOrEqual(2 * maxBytes);
            expect(whole?.length).toBe(after.bytes === total ? total : undefined);
            if (whole === undefined) open.set(id, after);
            else open.delete(id);
          } catch (error) {
            expect(error).toMatchObject({ code: "LINK_PROTOCOL" });
            // What a piece costs besides its bytes is counted too, so the limit may come a little early.
            expect(fits && held < 2 * maxBytes - 40 * 1024).toBe(false);
            return;
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("a frame of the whole limit fits, in pieces as they are sent", () => {
    const incoming = new IncomingTransfers(10 * MiB);
    let whole: Uint8Array | undefined;
    for (let at = 0; at < 10 * MiB; at += PIECE_BYTES)
      whole = incoming.add(1, 10 * MiB, new Uint8Array(PIECE_BYTES));
    expect(whole?.length).toBe(10 * MiB);
  });

  test("a flood of tiny pieces costs a bounded amount, not what an entry for each of a hundred million would", () => {
    const incoming = new IncomingTransfers(64 * MiB);
    const piece = new Uint8Array(1);
    const flood = (): void => {
      for (let id = 0; id < 2_000_000; id += 1) incoming.add(id, 1000, piece);
    };
    expect(flood).toThrow(expect.objectContaining({ code: "LINK_PROTOCOL" }));
  });
});
