import type { Command } from "@websocket-center/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type PipedCommand, Pipeline } from "../../src/center/pipeline.js";
import type { Places } from "../../src/center/plan.js";
import type { CenterError } from "../../src/errors.js";
import { RouterCluster } from "./router-cluster.js";

class Piped implements PipedCommand {
  readonly command: Command;
  readonly bytes: number;
  readonly endsAt: number;
  readonly places: Places = new Map();
  missing = 0;
  readonly calls: number[] = [];

  constructor(command: Command, timeoutMs: number, bytes: number) {
    this.command = command;
    this.bytes = bytes;
    this.endsAt = performance.now() + timeoutMs;
  }

  get values(): unknown[] {
    return Array.from(this.places.values(), (outcome) => (outcome.ok ? outcome.value : outcome.code));
  }
}

let cluster: RouterCluster;
let pipeline: Pipeline<Piped>;
let settled: Piped[];
let dropped: { piped: Piped; error: CenterError }[];

beforeEach(async () => {
  cluster = new RouterCluster(3, { tellsInterest: true });
  settled = [];
  dropped = [];
  pipeline = new Pipeline<Piped>(cluster.center, {
    onSettled: (piped) => settled.push(piped),
    onDropped: (piped, error) => dropped.push({ piped, error }),
  });
  await vi.advanceTimersByTimeAsync(600);
});

afterEach(async () => {
  pipeline.close();
  await cluster.close();
});

function take(command: Command, { timeoutMs = 1000, bytes = 100 } = {}): Piped {
  const piped = new Piped(command, timeoutMs, bytes);
  pipeline.take(piped);
  return piped;
}

/** Sends what was taken, and lets `ms` pass. */
async function run(ms = 20): Promise<void> {
  pipeline.flush();
  await vi.advanceTimersByTimeAsync(ms);
}

const toUser = (userId: string, message = "x"): Command => ({
  name: "sendToUser",
  params: { userId, message },
});
const toGroup = (groupId: string, message: string): Command => ({
  name: "sendToGroup",
  params: { groupId, message },
});
const toGroupsOf = (userId: string, message: string): Command => ({
  name: "sendToGroupsOfUser",
  params: { userId, message },
});
const bind = (userId: string, connectionId: string): Command => ({
  name: "bindUser",
  params: { userId, connectionId },
});
const join = (groupId: string, connectionId: string): Command => ({
  name: "joinConnectionToGroup",
  params: { groupId, connectionId },
});

test("64 commands to users of one node are one frame to it, one back, and none to others", async () => {
  const connections = Array.from({ length: 64 }, (_, at) => cluster.connect(1, { userId: `user ${at}` }));
  await vi.advanceTimersByTimeAsync(100);
  cluster.clear();
  const before = cluster.center.frames.length;
  for (const at of connections.keys()) take(toUser(`user ${at}`, `to ${at}`));
  await run();
  expect(cluster.sent().map((calls) => calls.map((names) => names.length))).toEqual([[], [64], []]);
  const replies = cluster.center.frames.slice(before).filter(({ frame }) => frame[0] === "reply");
  expect(replies).toHaveLength(1);
  expect(settled.map(({ values }) => values)).toEqual(connections.map(() => [1]));
  expect(connections.map(({ messages }) => messages)).toEqual(connections.map((_, at) => [`to ${at}`]));
});

test("64 commands to users of three nodes are at most a frame to each", async () => {
  for (let at = 0; at < 64; at += 1) cluster.connect(at % 3, { userId: `user ${at}` });
  await vi.advanceTimersByTimeAsync(100);
  cluster.clear();
  for (let at = 0; at < 64; at += 1) take(toUser(`user ${at}`));
  await run();
  expect(cluster.sent().map((calls) => calls.length)).toEqual([1, 1, 1]);
  expect(settled).toHaveLength(64);
});

/** How many commands each frame to the node had. */
const framesTo = (node: number): number[] => cluster.sent()[node]?.map((names) => names.length) ?? [];

async function connectTwo(): Promise<void> {
  for (let at = 0; at < 2; at += 1) cluster.connect(at, { userId: `user ${at}` });
  await vi.advanceTimersByTimeAsync(100);
  cluster.clear();
}

test("nothing waits while few are to be answered", async () => {
  await connectTwo();
  cluster.node(0).onCall = () => undefined;
  for (let count = 0; count < 9; count += 1) {
    take(toUser("user 0"));
    await run(0);
  }
  expect(framesTo(0)).toEqual(Array.from({ length: 8 }, () => 1));
});

test("what comes while many are to be answered goes with what comes after the answers, whichever node they are of", async () => {
  await connectTwo();
  for (let count = 0; count < 8; count += 1) take(toUser("user 0"));
  pipeline.flush();
  take(toUser("user 1"));
  await run(2);
  expect(settled).toHaveLength(8);
  expect(framesTo(1)).toEqual([]);
  take(toUser("user 1"));
  await run(2);
  expect(framesTo(1)).toEqual([2]);
  expect(settled).toHaveLength(10);
});

test("nothing waits for more than 5 ms, nor where there is enough to go", async () => {
  await connectTwo();
  cluster.node(0).onCall = () => undefined;
  for (let count = 0; count < 8; count += 1) take(toUser("user 0"), { timeoutMs: 10_000 });
  pipeline.flush();
  take(toUser("user 1"));
  await run(4);
  expect(framesTo(1)).toEqual([]);
  await vi.advanceTimersByTimeAsync(2);
  expect(framesTo(1)).toEqual([1]);
  for (let count = 0; count < 255; count += 1) take(toUser("user 1"), { bytes: 10 });
  await run(2);
  expect(framesTo(1)).toEqual([1]);
  take(toUser("user 1"), { bytes: 10 });
  await run(2);
  expect(framesTo(1)).toEqual([1, 256]);
});

test("what waits behind a large command goes when that is answered, though nothing more comes", async () => {
  await connectTwo();
  take(toUser("user 0", "large"), { bytes: 100_000 });
  pipeline.flush();
  take(toUser("user 0", "small"));
  await run();
  expect(framesTo(0)).toEqual([1, 1]);
  expect(settled).toHaveLength(2);
});

test("a command finds users and groups that those before it make, answered or not", async () => {
  const { id, messages } = cluster.connect(2);
  take(bind("ada", id));
  take(toUser("ada", "1"));
  take({ name: "joinUserToGroups", params: { groupIds: ["room"], userId: "ada" } });
  take(toGroup("room", "2"));
  take(join("hall", id));
  take(toGroup("hall", "3"));
  take(toGroupsOf("ada", "4"));
  await run();
  expect(messages).toEqual(["1", "2", "3", "4"]);
  expect(settled.map(({ values }) => values)).toEqual([["done"], [1], ["done"], [1], ["done"], [1], [1]]);
  expect(cluster.sent()[0]).toEqual([]);
});

test("what comes behind a command in two halves waits until the second one is sent", async () => {
  const here = cluster.connect(0, { userId: "ada", groupIds: ["room"] });
  const there = cluster.connect(1, { groupIds: ["room"] });
  await vi.advanceTimersByTimeAsync(100);
  cluster.clear();
  take(toGroup("room", "1"));
  take(toGroupsOf("ada", "2"));
  take(toGroupsOf("ada", "3"));
  take(toGroup("room", "4"));
  take(toUser("ada", "5"));
  await run();
  expect(here.messages).toEqual(["1", "2", "3", "4", "5"]);
  expect(there.messages).toEqual(["1", "2", "3", "4"]);
  // Both questions go together, and so do both second halves with what waited.
  expect(cluster.sent()[0]).toEqual([
    ["sendToGroup"],
    ["listGroupsOfUser", "listGroupsOfUser"],
    ["sendToGroups", "sendToGroups", "sendToGroup", "sendToUser"],
  ]);
});

test("a node that failed the first half is not sent the second one", async () => {
  cluster.connect(0, { userId: "ada", groupIds: ["room"] });
  cluster.connect(1, { userId: "ada", groupIds: ["room"] });
  await vi.advanceTimersByTimeAsync(100);
  cluster.clear();
  cluster.node(1).run = () => {
    throw new Error("broken");
  };
  const piped = take(toGroupsOf("ada", "1"));
  await run();
  expect(new Set(piped.values)).toEqual(new Set([1, "INTERNAL"]));
  expect(cluster.sent()[1]).toEqual([["listGroupsOfUser"]]);
});

test("small commands do not overtake a large one, whose frame goes in pieces", async () => {
  const { messages } = cluster.connect(0, { userId: "ada" });
  await vi.advanceTimersByTimeAsync(100);
  const large = "L".repeat(200_000);
  take(toUser("ada", "1"));
  take(toUser("ada", large), { bytes: large.length + 100 });
  take(toUser("ada", "2"));
  await run();
  pipeline.take(new Piped(toUser("ada", "3"), 1000, 100));
  await run();
  expect(messages.map((message) => message.slice(0, 2))).toEqual(["1", "LL", "2", "3"]);
});

test("a stream of any length goes in frames that are not cut in pieces", async () => {
  const { messages } = cluster.connect(0, { userId: "ada" });
  await vi.advanceTimersByTimeAsync(100);
  cluster.clear();
  const message = "m".repeat(900);
  for (let at = 0; at < 200; at += 1) take(toUser("ada", message), { bytes: 1000 });
  await run();
  expect(messages).toHaveLength(200);
  const counts = cluster.sent()[0]?.map((names) => names.length) ?? [];
  expect(Math.max(...counts)).toBeLessThanOrEqual(24);
  expect(counts.length).toBeLessThanOrEqual(Math.ceil(200 / 24) + 1);
});

test("lists, which can be large, do not share a reply", async () => {
  for (let at = 0; at < 3; at += 1) take({ name: "listConnections", params: {} });
  take({ name: "countConnections", params: {} });
  await run();
  expect(cluster.sent()[0]).toEqual([
    ["listConnections"],
    ["listConnections"],
    ["listConnections"],
    ["countConnections"],
  ]);
});

test("a frozen node keeps nobody else waiting, and its commands settle at their own times", async () => {
  cluster.connect(0, { userId: "here" });
  cluster.connect(1, { userId: "there" });
  await vi.advanceTimersByTimeAsync(100);
  cluster.node(0).onCall = () => undefined;
  const soon = take(toUser("here"), { timeoutMs: 200 });
  const later = take(toUser("here"), { timeoutMs: 400 });
  const other = take(toUser("there"));
  await run();
  expect(settled).toEqual([other]);
  await run(200);
  expect(settled).toEqual([other, soon]);
  await run(200);
  expect(settled).toEqual([other, soon, later]);
  expect([soon.values, later.values]).toEqual([["NODE_TIMEOUT"], ["NODE_TIMEOUT"]]);
});

test("what waits for a large command, or for a first half, is given up when its own time ends", async () => {
  cluster.connect(0, { userId: "ada", groupIds: ["room"] });
  await vi.advanceTimersByTimeAsync(100);
  cluster.node(0).onCall = () => undefined;
  const large = take(toUser("ada", "L".repeat(100_000)), { bytes: 100_100, timeoutMs: 2000 });
  const behind = take(toUser("ada"), { timeoutMs: 300 });
  const halved = take(toGroupsOf("ada", "1"), { timeoutMs: 3000 });
  const waiting = take(toUser("nobody"), { timeoutMs: 300 });
  await run(400);
  expect(settled.map(({ endsAt }) => endsAt)).toEqual([behind.endsAt]);
  expect(behind.values).toEqual(["NODE_OVERLOADED"]);
  expect(dropped.map(({ error }) => error.code)).toEqual(["CENTER_BUSY"]);
  expect(dropped[0]?.piped).toBe(waiting);
  await run(3000);
  // The first half has half of the time.
  expect(settled.indexOf(halved)).toBe(1);
  expect(settled.indexOf(large)).toBe(2);
  expect([large.values, halved.values]).toEqual([["NODE_TIMEOUT"], ["NODE_OVERLOADED"]]);
});

test("a node that leaves settles what it had, and what comes behind goes on", async () => {
  const { id } = cluster.connect(0);
  cluster.connect(1, { userId: "there" });
  await vi.advanceTimersByTimeAsync(100);
  cluster.node(0).onCall = () => undefined;
  const lost = take({ name: "sendToConnection", params: { connectionId: id, message: "x" } });
  await run();
  await cluster.node(0).close();
  await run();
  expect(lost.values).toEqual(["NODE_LEFT"]);
  const next = take(toUser("there"));
  await run();
  expect(next.values).toEqual([1]);
  cluster.nodes.splice(0, 1);
});

test("what was not sent when the caller went away is not run", async () => {
  const { messages } = cluster.connect(0, { userId: "ada" });
  await vi.advanceTimersByTimeAsync(100);
  take(toUser("ada", "sent"));
  pipeline.flush();
  take(toUser("ada", "not sent"));
  pipeline.close();
  await run();
  expect(messages).toEqual(["sent"]);
});
