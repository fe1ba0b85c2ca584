import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { Program } from "../node/program.js";
import { connect, startCenter, startNode } from "./cluster.js";

const quiet = { WSC_LOG_FORMAT: "json" };

test("a node that was stopped wakes to calls that nobody waits for any more, and runs none of them", async () => {
  const center = await startCenter();
  const env = { ...quiet, REGISTER_CENTER_PORT: center.addresses.link.split(":")[1] ?? "" };
  const program = await Program.start("node", env);
  await vi.waitFor(() => expect(center.nodes).toHaveLength(1));
  const socket = new WebSocket(`ws://${program.address("client")}`);
  onTestFinished(() => socket.terminate());
  const messages: string[] = [];
  socket.on("message", (data: Buffer) => messages.push(data.toString()));
  await once(socket, "message");
  messages.length = 0;

  program.process.kill("SIGSTOP");
  const old = Array.from({ length: 2000 }, (_, at) =>
    center.cluster.broadcast({ message: `old ${at} ${"x".repeat(1000)}` }, { timeoutMs: 1500 }),
  );
  for (const { failures } of await Promise.all(old))
    expect(failures).toMatchObject([{ code: "NODE_TIMEOUT" }]);
  program.process.kill("SIGCONT");
  await vi.waitFor(async () => expect((await center.cluster.broadcast({ message: "new" })).value).toBe(1), {
    timeout: 20_000,
  });
  await vi.waitFor(() => expect(messages).toContain("new"));
  expect(messages.filter((message) => message !== "new").length).toBe(0);
}, 60_000);

test("a center that was stopped wakes to requests that nobody waits for any more, and runs none of them", async () => {
  const program = await Program.start("center", quiet);
  const node = await startNode([], [], { centers: [program.address("link")] });
  await vi.waitFor(async () => expect((await node.cluster.countUsers({})).failures).toEqual([]));
  const client = await connect(node);
  program.process.kill("SIGSTOP");
  const old = Array.from({ length: 200 }, (_, at) =>
    node.cluster.broadcast({ message: `old ${at}` }, { timeoutMs: 1500 }),
  );
  for (const outcome of await Promise.allSettled(old)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "OUTCOME_UNKNOWN" } });
  }
  program.process.kill("SIGCONT");
  await vi.waitFor(async () => expect((await node.cluster.broadcast({ message: "new" })).value).toBe(1), {
    timeout: 20_000,
  });
  await client.settled();
  expect(client.messages.filter((message) => message !== "new").length).toBe(0);
}, 60_000);
