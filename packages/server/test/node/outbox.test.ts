import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeMessage, type Frame } from "../../src/node/frame.js";
import { Outbox, type Recipient } from "../../src/node/outbox.js";
import { bytesOf, endOfTick, FakeRecipient, frameOf } from "./recipients.js";

test("frames of one tick leave in one write, in order", async () => {
  const outbox = new Outbox();
  const recipient = new FakeRecipient();
  const frames = ["a", "b", "c"].map((text) => encodeMessage(text));
  for (const frame of frames) outbox.add(recipient, frame);
  expect(recipient.writes).toEqual([]);
  await endOfTick();
  expect(recipient.writes).toHaveLength(1);
  expect(recipient.writes[0]).toHaveLength(1);
  expect(recipient.bytes.equals(bytesOf(frames))).toBe(true);
  expect(recipient.pending).toBeUndefined();
});

test("each tick has its own write", async () => {
  const outbox = new Outbox();
  const recipient = new FakeRecipient();
  outbox.add(recipient, encodeMessage("a"));
  await endOfTick();
  outbox.add(recipient, encodeMessage("b"));
  await endOfTick();
  expect(recipient.writes).toHaveLength(2);
});

test("recipients of the same frames get the same buffer", async () => {
  const outbox = new Outbox();
  const recipients = Array.from({ length: 100 }, () => new FakeRecipient());
  for (const frame of [encodeMessage("a"), encodeMessage("b"), encodeMessage("c")]) {
    for (const recipient of recipients) outbox.add(recipient, frame);
  }
  await endOfTick();
  const buffers = new Set(recipients.flatMap(({ writes }) => writes.flat()));
  expect(buffers.size).toBe(1);
});

test("recipients whose frames part share a buffer with those that got the same", async () => {
  const outbox = new Outbox();
  const recipients = Array.from({ length: 6 }, () => new FakeRecipient());
  const [all, even, odd] = [encodeMessage("all"), encodeMessage("even"), encodeMessage("odd")];
  for (const recipient of recipients) outbox.add(recipient, all);
  for (const [index, recipient] of recipients.entries()) outbox.add(recipient, index % 2 === 0 ? even : odd);
  for (const recipient of recipients) outbox.add(recipient, all);
  await endOfTick();
  expect(new Set(recipients.map(({ writes }) => writes[0]?.[0])).size).toBe(2);
  expect(recipients[0]?.writes[0]?.[0]).toBe(recipients[4]?.writes[0]?.[0]);
  expect(recipients[3]?.bytes.equals(bytesOf([all, odd, all]))).toBe(true);
});

test("the only frame of a tick is written as it is, without a copy", async () => {
  const outbox = new Outbox();
  const recipient = new FakeRecipient();
  const frame = encodeMessage("alone");
  outbox.add(recipient, frame);
  await endOfTick();
  expect(recipient.writes[0]?.[0]).toBe(frame.bytes);
});

test("a frame over 16 KiB is not copied, and what stands around it keeps its order", async () => {
  const outbox = new Outbox();
  const recipient = new FakeRecipient();
  const [before, large, after] = [[frameOf(1), frameOf(2)], frameOf(16 * 1024), [frameOf(3), frameOf(4)]];
  for (const frame of [...before, large, ...after]) outbox.add(recipient, frame);
  await endOfTick();
  const [first, second, third, ...rest] = recipient.writes[0] ?? [];
  expect(first?.equals(bytesOf(before))).toBe(true);
  expect(second).toBe(large.bytes);
  expect(third?.equals(bytesOf(after))).toBe(true);
  expect(rest).toEqual([]);
});

test("a frame of exactly 16 KiB with its header is joined", async () => {
  const outbox = new Outbox();
  const recipient = new FakeRecipient();
  const frame = frameOf(16 * 1024 - 4);
  expect(frame.bytes.length).toBe(16 * 1024);
  outbox.add(recipient, frame);
  outbox.add(recipient, frame);
  await endOfTick();
  expect(recipient.writes[0]).toHaveLength(1);
});

test("flushOne writes at once, and later frames of the tick follow", async () => {
  const outbox = new Outbox();
  const [early, other] = [new FakeRecipient(), new FakeRecipient()];
  const frames = ["a", "b", "c"].map((text) => encodeMessage(text));
  for (const recipient of [early, other]) outbox.add(recipient, frames[0]!);
  outbox.flushOne(early);
  expect(early.writes).toHaveLength(1);
  expect(other.writes).toHaveLength(0);
  for (const frame of frames.slice(1)) {
    for (const recipient of [early, other]) outbox.add(recipient, frame);
  }
  await endOfTick();
  expect(early.writes).toHaveLength(2);
  expect(early.bytes.equals(bytesOf(frames))).toBe(true);
  expect(other.writes).toHaveLength(1);
  expect(other.bytes.equals(bytesOf(frames))).toBe(true);
});

test("flushOne of a recipient that has nothing writes nothing", () => {
  const recipient = new FakeRecipient();
  new Outbox().flushOne(recipient);
  expect(recipient.writes).toEqual([]);
});

test("frames that come while the tick's are being written leave in the next write", async () => {
  const outbox = new Outbox();
  const later = encodeMessage("later");
  const echo = new FakeRecipient();
  const chatty = Object.assign(new FakeRecipient(), {
    write: () => outbox.add(echo, later),
  });
  outbox.add(chatty, encodeMessage("now"));
  await endOfTick();
  await endOfTick();
  expect(echo.bytes.equals(later.bytes)).toBe(true);
});

test("nothing of a tick is kept once it was written", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const outbox = new Outbox();
  const queue = (): WeakRef<Frame>[] =>
    ["a", "b"].map((text) => {
      const frame = encodeMessage(text);
      outbox.add(Object.assign(new FakeRecipient(), { write: () => undefined }), frame);
      return new WeakRef(frame);
    });
  const frames = queue();
  await endOfTick();
  await endOfTick();
  collectGarbage();
  expect(frames.map((frame) => frame.deref())).toEqual([undefined, undefined]);
  // It is the same outbox that is still in use.
  expect(outbox.framesTotal).toBe(2);
});

test("frames and bytes queued are counted for each recipient", () => {
  const outbox = new Outbox();
  const frame = frameOf(100);
  for (let count = 0; count < 3; count += 1) outbox.add(new FakeRecipient(), frame);
  expect(outbox.framesTotal).toBe(3);
  expect(outbox.bytesTotal).toBe(3 * frame.bytes.length);
});

test("whatever is queued and in whichever ticks, each recipient's bytes are its frames in order", async () => {
  const frames = [0, 1, 125, 126, 5000, 16_380, 16_381, 70_000].map((bytes, index) =>
    frameOf(bytes, String(index)),
  );
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ to: fc.nat(4), frame: fc.nat(frames.length - 1) }) },
    { weight: 3, arbitrary: fc.record({ toAll: fc.nat(frames.length - 1) }) },
    { weight: 2, arbitrary: fc.record({ flush: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.constant({ tick: true }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), fc.nat(1), async (steps, coalesceMs) => {
      // A clock that stands still: every frame comes fast.
      const outbox = new Outbox({ coalesceMs, now: () => 0 });
      const recipients = Array.from({ length: 5 }, () => new FakeRecipient());
      const expected = recipients.map((): Frame[] => []);
      let ticks = 1;
      let flushes = 0;
      const add = (to: number, index: number): void => {
        expected[to]?.push(frames[index]!);
        outbox.add(recipients[to]!, frames[index]!);
      };
      for (const next of steps) {
        if ("to" in next) add(next.to, next.frame);
        else if ("toAll" in next) for (const to of recipients.keys()) add(to, next.toAll);
        else if ("flush" in next) {
          outbox.flushOne(recipients[next.flush]!);
          flushes += 1;
        } else {
          await endOfTick();
          ticks += 1;
        }
      }
      await endOfTick();
      outbox.close();
      for (const [index, recipient] of recipients.entries()) {
        expect(recipient.bytes.equals(bytesOf(expected[index]!))).toBe(true);
        expect(recipient.writes.length).toBeLessThanOrEqual(ticks + flushes);
      }
    }),
    { numRuns: 200 },
  );
});

describe("frames that come fast", () => {
  let timeMs = 0;
  beforeEach(() => {
    timeMs = 0;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => void vi.useRealTimers());

  const outboxOf = (coalesceMs: number): Outbox => new Outbox({ coalesceMs, now: () => timeMs });
  /** Queues a frame in a tick of its own, `gapMs` after the last. */
  async function send(outbox: Outbox, recipient: Recipient, text: string, gapMs: number): Promise<void> {
    timeMs += gapMs;
    outbox.add(recipient, encodeMessage(text));
    await endOfTick();
  }
  /** Frames come until one of them waits. */
  async function sendUntilOneWaits(outbox: Outbox, recipient: FakeRecipient): Promise<string[]> {
    const sent: string[] = [];
    while (recipient.pending === undefined && sent.length < 20) {
      sent.push(`frame ${sent.length}`);
      await send(outbox, recipient, sent.at(-1)!, 0.5);
    }
    expect(recipient.pending).toBeDefined();
    return sent;
  }
  const framesOf = (texts: readonly string[]): Frame[] => texts.map((text) => encodeMessage(text));

  test("wait for up to coalesceMs, and leave in one write, in order", async () => {
    const [outbox, recipient] = [outboxOf(2), new FakeRecipient()];
    const sent = await sendUntilOneWaits(outbox, recipient);
    expect(sent.length).toBeGreaterThan(2);
    const writes = recipient.writes.length;
    for (const text of ["a", "b"]) await send(outbox, recipient, text, 0.5);
    vi.advanceTimersByTime(1);
    expect(recipient.writes).toHaveLength(writes);
    vi.advanceTimersByTime(1);
    expect(recipient.writes).toHaveLength(writes + 1);
    expect(recipient.bytes.equals(bytesOf(framesOf([...sent, "a", "b"])))).toBe(true);
    await send(outbox, recipient, "c", 0.5);
    expect(recipient.writes).toHaveLength(writes + 1);
    vi.advanceTimersByTime(2);
    expect(recipient.writes).toHaveLength(writes + 2);
  });

  test("share one buffer among those that got the same", async () => {
    const outbox = outboxOf(1);
    const recipients = Array.from({ length: 10 }, () => new FakeRecipient());
    for (let tick = 0; tick < 10; tick += 1) {
      timeMs += 0.1;
      const frame = encodeMessage(String(tick));
      for (const recipient of recipients) outbox.add(recipient, frame);
      await endOfTick();
    }
    outbox.close();
    expect(new Set(recipients.map(({ writes }) => writes.at(-1)?.[0])).size).toBe(1);
    expect(recipients[0]!.writes.length).toBeLessThan(6);
  });

  test("wait no longer than that tick where they come slower than one a millisecond, or coalesceMs is 0", async () => {
    for (const [coalesceMs, gapMs] of [
      [5, 1.2],
      [0, 0.1],
    ] as const) {
      const [outbox, recipient] = [outboxOf(coalesceMs), new FakeRecipient()];
      for (let sent = 1; sent <= 20; sent += 1) {
        await send(outbox, recipient, "x", gapMs);
        expect(recipient.writes).toHaveLength(sent);
      }
    }
  });

  test("do not wait again for long where nothing came meanwhile: who sends only after an answer is left alone", async () => {
    const [outbox, recipient] = [outboxOf(1), new FakeRecipient()];
    let waited = 0;
    for (let sent = 1; sent <= 1000; sent += 1) {
      // Sixteen in one tick join without any waiting.
      timeMs += 0.2;
      for (let count = 0; count < 16; count += 1) outbox.add(recipient, encodeMessage("x"));
      await endOfTick();
      if (recipient.pending !== undefined) waited += 1;
      vi.advanceTimersByTime(1);
      expect(recipient.writes).toHaveLength(sent);
    }
    expect(waited).toBeGreaterThan(0);
    expect(waited).toBeLessThanOrEqual(25);
  });

  test("come fast too where only the writing of the frames before held them up", async () => {
    const outbox = outboxOf(1);
    const slowToWrite = Object.assign(new FakeRecipient(), { write: () => void (timeMs += 5) });
    for (let sent = 0; sent < 10; sent += 1) await send(outbox, slowToWrite, "x", 0.1);
    expect(slowToWrite.pending).toBeDefined();
    outbox.close();
  });

  test("leave at once with flushOne and with close, which leaves no timer behind", async () => {
    const [outbox, recipient] = [outboxOf(100), new FakeRecipient()];
    const sent = await sendUntilOneWaits(outbox, recipient);
    outbox.flushOne(recipient);
    expect(recipient.bytes.equals(bytesOf(framesOf(sent)))).toBe(true);
    await send(outbox, recipient, "last", 0.1);
    expect(recipient.pending).toBeDefined();
    outbox.close();
    expect(recipient.bytes.equals(bytesOf(framesOf([...sent, "last"])))).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
