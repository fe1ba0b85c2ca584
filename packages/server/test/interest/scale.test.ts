import type { Command, FrameOf } from "@websocket-center/protocol";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Interest } from "../../src/center/interest.js";
import { Registry } from "../../src/center/registry.js";
import { Targets } from "../../src/center/targets.js";
import type { Channel } from "../../src/rpc/channel.js";
import { decodeLinkFrame, encodeLinkFrame } from "../../src/wire/codec.js";

const nodeCount = 1000;
const usersOfNode = 1000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** A link that goes nowhere, and counts how often it is looked at. */
class SimulatedNode {
  static looks = 0;
  readonly #member: { id: string };
  acked = 0;

  constructor(at: number) {
    this.#member = { id: at.toString(16).padStart(12, "0").padEnd(32, "0") };
  }

  get member(): { id: string } {
    SimulatedNode.looks += 1;
    return this.#member;
  }
  get leftReason(): undefined {
    SimulatedNode.looks += 1;
    return undefined;
  }
  send(frame: FrameOf<"ack">): void {
    [, this.acked] = frame;
  }
}

/** A user id as back ends give: 24 characters. */
const userId = (node: number, user: number): string =>
  `user-${String(node).padStart(8, "0")}-${String(user).padStart(10, "0")}`;
const status = { connections: 0, users: 0, groups: 0, draining: false };

test("a center with 1,000 nodes and 1,000,000 users finds whom to ask without a look at the others", async () => {
  const registry = new Registry();
  const interest = new Interest();
  const targets = new Targets(registry, interest);
  const nodes = Array.from({ length: nodeCount }, (_, at) => new SimulatedNode(at));
  const channels = nodes.map((node) => node as unknown as Channel);
  /** As it comes over a link: what is kept is what the decoder made. */
  const tell = (at: number, number: number, told: FrameOf<"interest">[2]): void => {
    const frame = decodeLinkFrame(encodeLinkFrame(["interest", number, told]));
    const channel = channels[at];
    if (frame[0] === "interest" && channel !== undefined) interest.onInterest(channel, frame);
  };
  const before = heapBytes();
  for (const [at, channel] of channels.entries()) {
    registry.add(channel);
    interest.add(channel);
    for (let from = 0; from < usersOfNode; from += 250) {
      tell(at, 1 + from / 250, { users: Array.from({ length: 250 }, (_, user) => userId(at, from + user)) });
    }
    tell(at, 5, { whole: true });
  }
  const bytesOfUser = (heapBytes() - before) / (nodeCount * usersOfNode);
  process.stdout.write(`${bytesOfUser.toFixed(0)} bytes of heap a user\n`);
  expect(bytesOfUser).toBeLessThan(250);
  expect(interest.size).toBe(nodeCount * usersOfNode);
  await Promise.resolve();
  expect(nodes.every(({ acked }) => acked === 5)).toBe(true);

  const route = (command: Command): readonly Channel[] => targets.of([command], registry.channels());
  expect(route({ name: "isUserOnline", params: { userId: userId(7, 7) } })).toHaveLength(nodeCount);
  const sentAt = performance.now() + 3_600_000;
  for (const channel of channels) interest.onPong(channel, ["pong", 1, status, 5], sentAt);

  registry.channels();
  SimulatedNode.looks = 0;
  const found: (readonly Channel[])[] = [];
  for (let call = 0; call < 1000; call += 1) {
    found.push(route({ name: "sendToUser", params: { userId: userId(call, 999 - call), message: "x" } }));
    found.push(
      route({
        name: "bindUser",
        params: { userId: "u", connectionId: call.toString(16).padStart(12, "0").padEnd(32, "1") },
      }),
    );
    expect(route({ name: "isUserOnline", params: { userId: "nobody" } })).toEqual([]);
  }
  expect(SimulatedNode.looks).toBe(0);
  for (const [at, each] of found.entries()) {
    expect(each).toHaveLength(1);
    expect(each[0]).toBe(channels[at >> 1]);
  }

  // What a node held is forgotten in steps, and it is known again from its new link.
  const [old] = channels;
  if (old !== undefined) {
    registry.remove(old);
    interest.remove(old);
  }
  expect(route({ name: "isUserOnline", params: { userId: userId(0, 0) } })).toEqual([]);
  while (interest.size > (nodeCount - 1) * usersOfNode) await new Promise(setImmediate);
  expect(interest.size).toBe((nodeCount - 1) * usersOfNode);
});

test("an index that is full stops trusting those of whom it could not keep everything", () => {
  const interest = new Interest({ maxKeys: 3 });
  const [one, other] = [new SimulatedNode(1), new SimulatedNode(2)] as unknown as [Channel, Channel];
  for (const channel of [one, other]) interest.add(channel);
  interest.onInterest(one, ["interest", 1, { users: ["a", "b"], whole: true }]);
  interest.onInterest(other, ["interest", 1, { users: ["c", "d"], whole: true }]);
  for (const channel of [one, other]) {
    interest.onPong(channel, ["pong", 1, status, 1], performance.now() + 60_000);
  }
  expect(interest.mayHold("user", "nobody")).toEqual([other]);
  interest.onInterest(other, ["interest", 2, { goneUsers: ["c"] }]);
  expect(interest.isTrusted(other)).toBe(false);
  interest.remove(other);
  interest.add(other);
  interest.onInterest(other, ["interest", 1, { users: ["c"], whole: true }]);
  interest.onPong(other, ["pong", 2, status, 1], performance.now() + 60_000);
  expect(interest.isTrusted(other)).toBe(true);
  interest.close();
});
