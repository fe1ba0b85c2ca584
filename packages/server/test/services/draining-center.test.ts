import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { createCenter, createSilentLogger, method, type Service, z } from "../../src/index.js";
import { Program } from "../node/program.js";
import { startCenter, startNode, untilListed } from "./cluster.js";

const MiB = 1024 * 1024;

/** A service whose calls run until they are let go. */
class Slow {
  readonly started: Promise<void>;
  /** How many calls have begun. */
  runs = 0;
  letGo: (result: string) => void = () => undefined;
  #start: () => void = () => undefined;
  readonly service: Service;

  constructor() {
    this.started = new Promise((resolve) => (this.#start = resolve));
    const result = new Promise<string>((resolve) => (this.letGo = resolve));
    const run = method({
      params: z.object({}),
      result: z.string(),
      handler: () => {
        this.runs += 1;
        this.#start();
        return result;
      },
    });
    this.service = { name: "slow", methods: { run } };
  }
}

const call = { service: "slow", method: "run" };

test("a center that gets SIGTERM answers the requests of nodes that run, large answers too, and then ends", async () => {
  const program = await Program.start("center", { WSC_LOG_FORMAT: "json" });
  const slow = new Slow();
  const options = { centers: [program.address("link")] };
  const node = await startNode([], [slow.service], options);
  const asking = await startNode([], [], options);
  await vi.waitFor(async () => expect((await asking.cluster.countUsers({})).nodes).toHaveLength(2));
  const answer = asking.cluster.services.call(call, { timeoutMs: 30_000 });
  await slow.started;
  program.process.kill("SIGTERM");
  // It refuses what is new, and goes on with what runs.
  await vi.waitFor(() =>
    expect(asking.cluster.countUsers({})).rejects.toMatchObject({ code: "CENTER_BUSY" }),
  );
  const text = "x".repeat(5 * MiB);
  slow.letGo(text);
  expect(await answer).toEqual([{ nodeId: node.id, ok: true, value: text }]);
  expect(await program.exited).toEqual({ code: 0, signal: null });
}, 30_000);

test("requests that take longer than half of the grace time are answered then", async () => {
  const center = await startCenter({ shutdownGraceMs: 300 });
  const slow = new Slow();
  const node = await startNode([center], [slow.service]);
  await untilListed(center, "slow", 1);
  const answers = [node.cluster, center.cluster].map(({ services }) =>
    services.call(call, { timeoutMs: 30_000 }),
  );
  await vi.waitFor(() => expect(slow.runs).toBe(2));
  await center.drain();
  for (const answer of answers) {
    expect(await answer).toMatchObject([{ ok: false, code: "ABORTED", message: "the center stops" }]);
  }
  expect(await center.cluster.countUsers({})).toMatchObject({ failures: [{ code: "ABORTED" }] });
});

test("a mounted center answers the calls that run before its links close", async () => {
  const center = createCenter({ linkPort: 0 }, { log: createSilentLogger(), mounted: true });
  const server = createServer((request, response) =>
    center.handleRequest(request, response, () => response.end("the application's own")),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await center.stop();
  });
  await center.start();
  const slow = new Slow();
  const node = await startNode([center], [slow.service]);
  await untilListed(center, "slow", 1);
  const { port } = server.address() as AddressInfo;
  const answer = fetch(`http://127.0.0.1:${port}/services/slow/run`, { method: "POST", body: "{}" });
  await slow.started;
  let isDrained = false;
  const drained = center.drain().then(() => (isDrained = true));
  await node.cluster
    .countUsers({})
    .catch((error: unknown) => expect(error).toMatchObject({ code: "CENTER_BUSY" }));
  expect(isDrained).toBe(false);
  slow.letGo("done");
  await drained;
  await center.stop();
  expect(await (await answer).json()).toMatchObject({
    results: [{ nodeId: node.id, ok: true, value: "done" }],
  });
});
