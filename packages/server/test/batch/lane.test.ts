import type { Command } from "@websocket-center/protocol";
import { describe, expect, test } from "vitest";
import { type Errand, Lane } from "../../src/center/pipeline-lane.js";
import type { PipedCommand } from "../../src/center/pipeline.js";
import type { Channel } from "../../src/rpc/channel.js";

const command: Command = { name: "sendToUser", params: { userId: "ada", message: "hi" } };

function errand(bytes = 100): Errand<PipedCommand> {
  const piped: PipedCommand = { command, bytes, endsAt: 1000, places: new Map(), missing: 1, calls: [] };
  return { piped, command, bytes, endsAt: 1000, isQuestion: false };
}

/** A lane needs a channel only to tell whose it is. */
const lane = (): Lane<PipedCommand> => new Lane({} as Channel);

/** A lane with eight errands under way, and their frame. */
function laneWithMany(): [Lane<PipedCommand>, readonly Errand<PipedCommand>[]] {
  const busy = lane();
  for (let count = 0; count < 8; count += 1) busy.add(errand());
  return [busy, busy.next(true) ?? []];
}

describe("what goes to a node", () => {
  test("goes at once where nothing is under way", () => {
    const idle = lane();
    idle.add(errand());
    expect(idle.next(true)).toHaveLength(1);
    expect(idle.isIdle).toBe(false);
  });

  test("goes at once while few are under way", () => {
    const light = lane();
    for (let count = 0; count < 8; count += 1) {
      light.add(errand());
      expect(light.next(true)).toHaveLength(1);
    }
  });

  test("waits for an answer while many are under way, and goes as one", () => {
    const [busy, first] = laneWithMany();
    busy.add(errand());
    expect(busy.next(true)).toBeUndefined();
    busy.add(errand());
    expect(busy.next(true)).toBeUndefined();
    expect(busy.isGathering).toBe(true);
    busy.answered(first);
    const second = busy.next(true) ?? [];
    expect(second).toHaveLength(2);
    expect(busy.isGathering).toBe(false);
    busy.answered(second);
    expect(busy.isIdle).toBe(true);
  });

  test("waits no longer than it may, and not for more than enough", () => {
    const [busy] = laneWithMany();
    busy.add(errand());
    expect(busy.next(true)).toBeUndefined();
    expect(busy.next(false)).toHaveLength(1);
    for (let count = 0; count < 127; count += 1) busy.add(errand());
    expect(busy.next(true)).toBeUndefined();
    busy.add(errand());
    expect(busy.next(true)).toHaveLength(128);
  });

  test("follows a large frame only when that is answered, however long that takes", () => {
    const held = lane();
    held.add(errand(100_000));
    const large = held.next(true) ?? [];
    held.add(errand());
    expect(held.next(false)).toBeUndefined();
    expect(held.isGathering).toBe(false);
    held.answered(large);
    expect(held.next(true)).toHaveLength(1);
  });
});
