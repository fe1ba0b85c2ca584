import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IncomingTransfers, OutgoingTransfers, PIECE_BYTES } from "../../src/rpc/transfers.js";

const MiB = 1024 * 1024;

describe("outgoing transfers", () => {
  /** @param others - bytes of other frames that wait in the link at any time. */
  function createOutgoing({ sentAtOnce, others = 0 }: { sentAtOnce?: boolean; others?: number } = {}) {
    const pieces: { id: number; bytes: number }[] = [];
    /** Takes each piece that waits off the link, or loses it. */
    const waiting: ((left: boolean) => void)[] = [];
    const abandoned: number[] = [];
    let pressure = 0;
    const transfers = new OutgoingTransfers({
      sendPiece: (id, _totalBytes, piece, sent) => {
        pieces.push({ id, bytes: piece.length });
        if (sentAtOnce !== undefined) {
          sent(sentAtOnce);
          return;
        }
        pressure += piece.length;
        waiting.push((left) => {
          pressure -= piece.length;
          sent(left);
        });
      },
      sendAbandon: (id) => abandoned.push(id),
      pressure: () => pressure + others,
    });
    return { transfers, pieces, abandoned, waiting };
  }

  test("go a piece of each in turn, and only while little waits in the link", () => {
    const { transfers, pieces, waiting } = createOutgoing();
    transfers.add("a", new Uint8Array(5 * PIECE_BYTES));
    transfers.add("b", new Uint8Array(3 * PIECE_BYTES + 1));
    expect(pieces).toHaveLength(4);
    while (waiting.length > 0) waiting.shift()?.(true);
    expect(pieces.map(({ id }) => id)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1]);
    expect(pieces.map(({ bytes }) => bytes)).toEqual([...Array.from({ length: 8 }, () => PIECE_BYTES), 1]);
    expect(transfers.queuedBytes).toBe(0);
  });

  test("go on while other frames press on the link for ever, one piece at a time", () => {
    const { transfers, pieces, waiting } = createOutgoing({ others: 10 * MiB });
    transfers.add("a", new Uint8Array(3 * PIECE_BYTES));
    transfers.add("b", new Uint8Array(2 * PIECE_BYTES));
    const waited: number[] = [];
    while (waiting.length > 0) {
      waited.push(waiting.length);
      waiting.shift()?.(true);
    }
    expect(pieces.map(({ id }) => id)).toEqual([0, 0, 1, 0, 1]);
    expect(waited).toEqual([1, 1, 1, 1, 1]);
  });

  test("that begin while others wait take turns with them", () => {
    const { transfers, pieces, waiting } = createOutgoing();
    transfers.add("a", new Uint8Array(20 * PIECE_BYTES));
    transfers.add("b", new Uint8Array(4 * PIECE_BYTES));
    while (waiting.length > 0) waiting.shift()?.(true);
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
    while (waiting.length > 0) waiting.shift()?.(true);
    expect(pieces).toHaveLength(4);
  });

  test("say once how they ended: by their last piece, or false where they were abandoned or the link ended", () => {
    const { transfers, waiting } = createOutgoing();
    const told: [string, boolean][] = [];
    const add = (key: string, pieces: number): void =>
      transfers.add(key, new Uint8Array(pieces * PIECE_BYTES), (left) => told.push([key, left]));
    add("whole", 2);
    add("begun", 9);
    add("abandoned", 5);
    transfers.abandon("abandoned");
    expect(told).toEqual([["abandoned", false]]);
    for (let piece = 0; piece < 3; piece += 1) waiting.shift()?.(true);
    expect(told.slice(1)).toEqual([["whole", true]]);
    transfers.clear();
    while (waiting.length > 0) waiting.shift()?.(false);
    expect(told.slice(2)).toEqual([["begun", false]]);
  });

  test("to a link that takes each piece at once do not pile up calls in calls", () => {
    const { transfers, pieces } = createOutgoing({ sentAtOnce: true });
    transfers.add("a", new Uint8Array(20_000 * PIECE_BYTES));
    expect(pieces).toHaveLength(20_000);
    expect(transfers.queuedBytes).toBe(0);
  });

  test("to a link that has ended stop with the first piece that is lost, and all say that they did not leave", () => {
    const { transfers, pieces } = createOutgoing({ sentAtOnce: false });
    const told: boolean[] = [];
    transfers.add("a", new Uint8Array(20_000 * PIECE_BYTES), (left) => told.push(left));
    expect(pieces).toHaveLength(1);
    expect(told).toEqual([false]);
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
