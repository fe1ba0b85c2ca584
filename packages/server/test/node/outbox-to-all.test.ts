import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeMessage, type Frame } from "../../src/node/frame.js";
import { Outbox } from "../../src/node/outbox.js";
import { bytesOf, endOfTick, FakeRecipient, frameOf } from "./recipients.js";

/** An outbox and those who are there. */
class Room {
  readonly outbox: Outbox;
  readonly everybody: FakeRecipient[] = [];

  constructor(members: number, maxBufferedBytes = Infinity) {
    this.outbox = new Outbox({ maxBufferedBytes });
    for (let count = 0; count < members; count += 1) this.outbox.setApart(this.join(), false);
  }

  join(): FakeRecipient {
    const member = new FakeRecipient(this.outbox);
    this.outbox.admit(member);
    this.everybody.push(member);
    return member;
  }

  leave(member: FakeRecipient): void {
    this.outbox.forget(member);
    this.everybody.splice(this.everybody.indexOf(member), 1);
  }

  toAll(frame: Frame, except: readonly FakeRecipient[] = []): number {
    return this.outbox.addToAll(frame, new Set(except));
  }
}

const [a, b, c] = [encodeMessage("a"), encodeMessage("b"), encodeMessage("c")];

describe("what goes to everybody", () => {
  test("is queued once, and leaves as one buffer in one write each", async () => {
    const room = new Room(1000);
    const { everybody } = room;
    for (const frame of [a, b, c]) expect(room.toAll(frame)).toBe(1000);
    expect(everybody.every(({ pending, enqueued }) => pending === undefined && enqueued === 0)).toBe(true);
    expect(room.outbox.framesTotal).toBe(3000);
    expect(room.outbox.bytesTotal).toBe(1000 * bytesOf([a, b, c]).length);
    await endOfTick();
    expect(everybody.every(({ writes }) => writes.length === 1)).toBe(true);
    expect(new Set(everybody.flatMap(({ writes }) => writes.flat())).size).toBe(1);
    expect(everybody[0]?.bytes.equals(bytesOf([a, b, c]))).toBe(true);
    await endOfTick();
    expect(everybody.every(({ writes }) => writes.length === 1)).toBe(true);
  });

  test("keeps its place among what only one gets", async () => {
    const room = new Room(3);
    const [one, other] = room.everybody;
    room.toAll(a);
    room.outbox.add(one!, b);
    room.toAll(c);
    room.outbox.add(other!, b);
    await endOfTick();
    expect(room.everybody.map(({ bytes }) => bytes)).toEqual([
      bytesOf([a, b, c]),
      bytesOf([a, c, b]),
      bytesOf([a, c]),
    ]);
    // In the next tick they go together again.
    room.toAll(a);
    await endOfTick();
    expect(new Set(room.everybody.map(({ writes }) => writes[1]?.[0])).size).toBe(1);
    expect(one?.enqueued).toBe(1);
  });

  test("waits for each of them, as far as one asks", () => {
    const room = new Room(2);
    const [one] = room.everybody;
    expect(room.outbox.waitingFor(one!)).toBeUndefined();
    room.toAll(a);
    expect(room.outbox.waitingFor(one!)?.bytes).toBe(a.bytes.length);
    room.outbox.flushOne(one!);
    expect(one?.bytes.equals(a.bytes)).toBe(true);
    expect(room.outbox.waitingFor(one!)).toBeUndefined();
  });

  test("is not for those who come after it in the same tick, nor for those who have left it", async () => {
    const room = new Room(2);
    const [left] = room.everybody;
    room.toAll(a);
    const late = room.join();
    room.leave(left!);
    expect(room.toAll(b)).toBe(2);
    await endOfTick();
    expect(late.bytes.equals(b.bytes)).toBe(true);
    expect(left?.bytes.equals(a.bytes)).toBe(true);
  });

  test("is written to each once, whatever is sent and who comes and goes while it is written", async () => {
    const room = new Room(6);
    const members = [...room.everybody];
    // Whoever is written to first does all this to the others; one of them is left alone.
    const disturb = (first: FakeRecipient): void => {
      for (const member of members) member.onWrite = undefined;
      const [one, two, three, four] = members.filter((member) => member !== first);
      room.outbox.add(one!, b);
      room.outbox.flushOne(two!);
      room.leave(three!);
      room.outbox.setApart(four!, true);
      room.outbox.setApart(room.join(), false);
      expect(room.toAll(c)).toBe(6);
    };
    for (const member of members) member.onWrite = () => disturb(member);
    room.toAll(a);
    await endOfTick();
    await endOfTick();
    const texts = members.map(({ bytes }) => bytes.toString("latin1").replaceAll(/[^abc]/g, ""));
    expect(texts.toSorted()).toEqual(["a", "abc", "ac", "ac", "ac", "ac"]);
    expect(room.everybody.at(-1)?.bytes.equals(c.bytes)).toBe(true);
  });

  test("moves nobody in a tick in which nothing goes to everybody", async () => {
    const room = new Room(4);
    const places = (): number[] => room.everybody.map(({ place }) => place);
    const before = places();
    for (const member of room.everybody.toReversed()) room.outbox.add(member, a);
    expect(places()).toEqual(before);
    await endOfTick();
    // Who has a queue of its own already stays with it when something does.
    room.outbox.add(room.everybody[0]!, a);
    expect(room.toAll(b)).toBe(4);
    await endOfTick();
    expect(room.everybody.map(({ bytes }) => bytes)).toEqual([
      bytesOf([a, a, b]),
      ...Array(3).fill(bytesOf([a, b])),
    ]);
  });

  test("is counted for each, and those are told whose socket has not taken it", async () => {
    const room = new Room(3);
    const [slow, left] = room.everybody;
    slow!.socket.writableLength = 1;
    room.toAll(a);
    room.toAll(b);
    await endOfTick();
    room.toAll(c);
    room.outbox.add(left!, a);
    expect(room.outbox.framesTo(left!)).toBe(2);
    room.leave(left!);
    await endOfTick();
    expect(room.everybody.map((each) => room.outbox.framesTo(each))).toEqual([3, 3]);
    expect(room.outbox.framesTo(left!)).toBe(4);
    expect(room.everybody.map(({ leftBehind }) => leftBehind)).toEqual([2, 0]);
  });

  test("is queued on each by itself where it is more than may wait for one", async () => {
    const large = frameOf(100);
    const room = new Room(3, 250);
    expect([room.toAll(large), room.toAll(large)]).toEqual([3, 3]);
    expect(room.everybody.map(({ enqueued }) => enqueued)).toEqual([0, 0, 0]);
    // Each of them has its say now.
    room.everybody[1]!.takesFrames = false;
    expect(room.toAll(large)).toBe(2);
    await endOfTick();
    expect(room.everybody.map(({ bytes }) => bytes.length / large.bytes.length)).toEqual([3, 2, 3]);
  });
});

const frames = [0, 1, 125, 5000, 16_381, 70_000].map((bytes, index) => frameOf(bytes, String(index)));
const who = fc.nat(5);
const which = fc.nat(frames.length - 1);
const move = fc.oneof(
  { weight: 8, arbitrary: fc.record({ all: which, except: fc.uniqueArray(who, { maxLength: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ to: who, frame: which }) },
  { weight: 2, arbitrary: fc.record({ flush: who }) },
  { weight: 2, arbitrary: fc.record({ apart: who, is: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ leave: who }) },
  { weight: 2, arbitrary: fc.constant({ join: true }) },
  { weight: 3, arbitrary: fc.constant({ tick: true }) },
);

test("whatever else is queued, who comes and who goes, each gets what it would get by itself, in as many writes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(move, { maxLength: 60, size: "max" }),
      fc.constantFrom(Infinity, 6000),
      async (moves, maxBufferedBytes) => {
        const room = new Room(4, maxBufferedBytes);
        // Its twin queues on each one by itself.
        const plain = new Room(4);
        const pairs = room.everybody.map((member, at) => [member, plain.everybody[at]!] as const);
        const here = (): typeof pairs => pairs.filter(([member]) => room.everybody.includes(member));
        const pick = (at: number) => here()[at % Math.max(1, here().length)];
        for (const next of moves) {
          if ("tick" in next) await endOfTick();
          else if ("join" in next) pairs.push([room.join(), plain.join()]);
          else if ("all" in next) {
            const except = next.except.flatMap((at) => pick(at)?.[0] ?? []);
            const others = here().filter(([member]) => !except.includes(member));
            expect(room.toAll(frames[next.all]!, except)).toBe(others.length);
            for (const [, twin] of others) twin.enqueue(frames[next.all]!);
          } else {
            const pair = pick(Object.values(next)[0] as number);
            if (pair === undefined) continue;
            const [member, twin] = pair;
            if ("to" in next) for (const one of pair) one.enqueue(frames[next.frame]!);
            else if ("apart" in next) {
              // As connections do: only a write takes one back to the others.
              if (!next.is) room.outbox.flushOne(member);
              if (!next.is) plain.outbox.flushOne(twin);
              if (next.is || member.writes.length > 0) room.outbox.setApart(member, next.is);
            } else if ("flush" in next) {
              room.outbox.flushOne(member);
              plain.outbox.flushOne(twin);
            } else {
              room.leave(member);
              plain.leave(twin);
            }
          }
        }
        await endOfTick();
        for (const [member, twin] of pairs) {
          expect(member.bytes.equals(twin.bytes)).toBe(true);
          expect(member.writes.length).toBe(twin.writes.length);
          expect(room.outbox.framesTo(member)).toBe(plain.outbox.framesTo(twin));
        }
        expect(room.outbox.framesTotal).toBe(plain.outbox.framesTotal);
        expect(room.outbox.bytesTotal).toBe(plain.outbox.bytesTotal);
      },
    ),
    { numRuns: 500 },
  );
});
