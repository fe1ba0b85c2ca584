import { afterEach, expect, test, vi } from "vitest";
import type { Backplane, Member } from "../../src/backplane/backplane.js";
import { Channel } from "../../src/rpc/channel.js";
import { encodeLinkFrame } from "../../src/wire/codec.js";

afterEach(() => vi.restoreAllMocks());

const member: Member = {
  id: "a".repeat(32),
  address: "127.0.0.1:8010",
  node: undefined,
  maxFrameBytes: Infinity,
};
const backplane: Backplane = {
  members: () => [member],
  onMember: () => () => undefined,
  onFrame: () => undefined,
  send: () => undefined,
  sendAll: () => undefined,
  pressure: () => 0,
  end: () => undefined,
  close: () => Promise.resolve(),
};

const small = encodeLinkFrame(["ping", 1]);
const large = encodeLinkFrame([
  "call",
  1,
  "websocket",
  5000,
  [["broadcast", { message: "x".repeat(60_000) }]],
]);

/** A channel on which nothing came for longer than a peer's heartbeats take. */
function afterSilence(): Channel {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const channel = new Channel(backplane, member, { maxFrameBytes: 1024 * 1024 });
  now = 1500;
  channel.receive(small);
  return channel;
}

/** How many looks it takes while `frames` come between any two of them; 100 where it would go on. */
function looksUntilCaughtUp(channel: Channel, frames: readonly Uint8Array[]): number {
  for (let looks = 1; looks < 100; looks += 1) {
    if (channel.lookWhetherCaughtUp()) return looks;
    for (const frame of frames) channel.receive(frame);
  }
  return 100;
}

test("after a silence, calls that keep coming hold one another up for three looks only", () => {
  expect(looksUntilCaughtUp(afterSilence(), [small, small])).toBe(3);
});

test("what had piled up during a silence is read first", () => {
  const channel = afterSilence();
  expect(looksUntilCaughtUp(channel, [large, large])).toBe(100);
  expect(looksUntilCaughtUp(channel, [])).toBe(4);
});

test("without a silence before, nothing is held", () => {
  const channel = new Channel(backplane, member, { maxFrameBytes: 1024 * 1024 });
  channel.receive(large);
  expect(channel.lookWhetherCaughtUp()).toBe(true);
});
