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

describe("what goes to a node", () => {
  test("goes as one frame, and the lane is idle when that is answered", () => {
    const busy = lane();
    for (let count = 0; count < 3; count += 1) busy.add(errand());
    const frame = busy.next() ?? [];
    expect(frame).toHaveLength(3);
    expect(busy.next()).toBeUndefined();
    expect(busy.isIdle).toBe(false);
    expect(busy.answered(frame)).toBe(false);
    expect(busy.isIdle).toBe(true);
  });

  test("follows a large frame only when that is answered, however long that takes", () => {
    const held = lane();
    held.add(errand(100_000));
    const large = held.next() ?? [];
    held.add(errand());
    expect(held.next()).toBeUndefined();
    expect(held.answered(large)).toBe(true);
    expect(held.next()).toHaveLength(1);
  });
});
