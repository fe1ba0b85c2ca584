import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { Backend } from "../../server/index.js";
import { type OnLine, startBackend, startCenter, startNode, startStandIn } from "./cluster.js";

beforeEach(() => {
  // Calls begin at the first center of the list.
  vi.spyOn(Math, "random").mockReturnValue(0);
  return () => vi.restoreAllMocks();
});

/** Answers each line, and keeps what it was asked. */
function answering(seen: string[] = []): { seen: string[]; onLine: OnLine } {
  return {
    seen,
    onLine: ({ id, command, params }, answer) => {
      seen.push(`${command} ${textOf(params)}`.trim());
      answer({ id, value: command.startsWith("list") ? [] : 1, nodes: { n: 1 } });
    },
  };
}

const textOf = (params: object): string => ("message" in params ? String(params.message) : "");

/** A machine that takes connections, and is silent. */
async function startFrozen(): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("calls of one tick share one stream, and one write", async () => {
  const { seen, onLine } = answering();
  let streams = 0;
  const writes: number[] = [];
  const center = await startStandIn(onLine, {
    onBatch: (req) => {
      streams += 1;
      req.on("data", (chunk: Buffer) => writes.push(chunk.toString().split("\n").length - 1));
      return true;
    },
  });
  const backend = startBackend({ centers: [center.url] });
  await backend.countUsers({});
  await Promise.all(Array.from({ length: 20 }, () => backend.countUsers({})));
  expect(seen).toHaveLength(21);
  expect(streams).toBe(1);
  expect(writes).toEqual([1, 20]);
});

test("when a stream breaks, reads move on, and sends that had left are unknown and never sent again", async () => {
  const lost: string[] = [];
  const first = await startStandIn(({ command, params }, _answer, { req }) => {
    lost.push(`${command} ${textOf(params)}`.trim());
    if (lost.length === 3) req.socket.destroy();
  });
  const { seen, onLine } = answering();
  const second = await startStandIn(onLine);
  const backend = startBackend({ centers: [first.url, second.url] });
  const [sent, other, read] = await Promise.allSettled([
    backend.broadcast({ message: "a" }),
    backend.bindUser({ userId: "ada", connectionId: "1" }),
    backend.countUsers({}),
  ]);
  expect(lost).toEqual(["broadcast a", "bindUser", "countUsers"]);
  expect(sent).toMatchObject({ status: "rejected", reason: { code: "OUTCOME_UNKNOWN", retryable: false } });
  expect(other).toMatchObject({ status: "rejected", reason: { code: "OUTCOME_UNKNOWN" } });
  expect(read).toMatchObject({ status: "fulfilled", value: { value: 1, failures: [] } });
  expect(seen).toEqual(["countUsers"]);
});

test("what was not handed to the network when a stream breaks goes to another center", async () => {
  const first = await startStandIn(() => {}, {
    onBatch: (req, res) => {
      res.writeHead(200, { "Content-Type": "application/x-ndjson" });
      res.flushHeaders();
      let bytes = 0;
      req.on("error", () => {});
      req.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > 1_000_000) req.socket.destroy();
      });
      return false;
    },
  });
  const { seen, onLine } = answering();
  const second = await startStandIn(onLine);
  const backend = startBackend({ centers: [first.url, second.url] });
  const padding = "x".repeat(60_000);
  const messages = Array.from({ length: 400 }, (_, number) => `${number} ${padding}`);
  const results = await Promise.allSettled(messages.map((message) => backend.broadcast({ message })));
  const unknown = results.filter(({ status }) => status === "rejected");
  expect(unknown.length).toBeGreaterThan(0);
  expect(seen.length).toBeGreaterThan(0);
  const moved = messages.filter((_, at) => results[at]?.status === "fulfilled");
  expect(seen).toEqual(moved.map((message) => `broadcast ${message}`));
  for (const result of unknown) expect(result).toMatchObject({ reason: { code: "OUTCOME_UNKNOWN" } });
});

test("what a center says that it did not run goes to another", async () => {
  let refused = 0;
  const first = await startStandIn(({ id }, answer) => {
    refused += 1;
    answer({ id, line: id, error: { code: "CENTER_BUSY", message: "the center stops" } });
  });
  const { seen, onLine } = answering();
  const second = await startStandIn(onLine);
  const backend = startBackend({ centers: [first.url, second.url] });
  expect((await backend.broadcast({ message: "a" })).value).toBe(1);
  expect(refused).toBe(1);
  expect(seen).toEqual(["broadcast a"]);
});

test("what a center has not answered when it ends a stream whole was not taken, and goes to another", async () => {
  const first = await startStandIn((_line, _answer, { res }) => void res.end());
  const { seen, onLine } = answering();
  const second = await startStandIn(onLine);
  const backend = startBackend({ centers: [first.url, second.url] });
  expect((await backend.broadcast({ message: "a" })).value).toBe(1);
  expect(seen).toEqual(["broadcast a"]);
});

test("a batch stays in order: only its tail moves on, one that would be overtaken stays undone", async () => {
  const first = await startStandIn(({ id, params }, answer) => {
    if (["1", "3"].includes(textOf(params))) answer({ id, value: 1, nodes: {} });
    else answer({ id, line: id, error: { code: "CENTER_BUSY", message: "the center stops" } });
  });
  const { seen, onLine } = answering();
  const second = await startStandIn(onLine);
  const backend = startBackend({ centers: [first.url, second.url] });
  const results = await backend.batch(
    ["1", "2", "3", "4", "5"].map((message) => ({ command: "broadcast" as const, params: { message } })),
  );
  expect(results.map((result) => (result.ok ? result.value : result.error.code))).toEqual([
    1,
    "CENTER_BUSY",
    1,
    1,
    1,
  ]);
  expect(seen).toEqual(["broadcast 4", "broadcast 5"]);
});

test.each([true, false])(
  "a center that is silent gets nothing: another does, once (pipelining: %j)",
  async (pipelining) => {
    const { center, url } = await startCenter();
    await startNode([center.addresses.link]);
    const seen: string[] = [];
    const second = await startStandIn(answering(seen).onLine, {
      handle: (req, res) => {
        seen.push(`single ${req.url}`);
        center.handleRequest(req, res);
      },
    });
    expect(url).not.toBe("");
    const backend = startBackend({ centers: [await startFrozen(), second.url], pipelining });
    await backend.broadcast({ message: "a" });
    await backend.broadcast({ message: "b" });
    expect(seen).toEqual(
      pipelining ? ["broadcast a", "broadcast b"] : Array(2).fill("single /services/websocket/broadcast"),
    );
  },
);

test.each([
  ["sends", (backend: Backend) => backend.broadcast({ message: "a" })],
  ["reads", (backend: Backend) => backend.countUsers({})],
])("more %s than a frozen center has connections go to the next one, each once", async (_name, call) => {
  const { center } = await startCenter();
  await startNode([center.addresses.link]);
  let runs = 0;
  const second = await startStandIn(() => {}, {
    handle: (req, res) => {
      // A send that was given up before its body left was not run; where the machine is busy, some are.
      req.once("end", () => (runs += 1));
      center.handleRequest(req, res);
    },
  });
  const centers = [await startFrozen(), second.url];
  const backend = startBackend({ centers, pipelining: false, timeoutMs: 10_000 });
  const calls = await Promise.allSettled(Array.from({ length: 300 }, () => call(backend)));
  expect(calls.filter(({ status }) => status === "rejected")).toEqual([]);
  expect(runs).toBe(300);
});

test("where a stream does not get through, calls go one by one", async () => {
  const { center } = await startCenter();
  await startNode([center.addresses.link]);
  let streams = 0;
  const proxied = await startStandIn(() => {}, {
    // As a proxy does that waits for the whole request.
    onBatch: () => {
      streams += 1;
      return false;
    },
    handle: center.handleRequest,
  });
  const backend = startBackend({ centers: [proxied.url] });
  expect((await backend.broadcast({ message: "a" })).value).toBe(0);
  expect((await backend.batch([{ command: "countUsers", params: {} }]))[0]).toMatchObject({
    ok: true,
    value: 0,
  });
  expect(streams).toBe(1);
});

test.each([
  ["404", (body: string) => ({ status: 404, body })],
  ["405", (body: string) => ({ status: 405, body })],
])("a center that answers /batch with %s is called one by one", async (_name, answer) => {
  const { center } = await startCenter();
  await startNode([center.addresses.link]);
  const old = await startStandIn(() => {}, {
    onBatch: (_req, res) => {
      const { status, body } = answer('{"code":1,"msg":"event error","data":[]}');
      res.writeHead(status, { "Content-Type": "application/json" }).end(body);
      return false;
    },
    handle: center.handleRequest,
  });
  const backend = startBackend({ centers: [old.url] });
  expect((await backend.broadcast({ message: "a" })).value).toBe(0);
  const strict = startBackend({ centers: [old.url], pipelining: true });
  await expect(strict.broadcast({ message: "a" })).rejects.toMatchObject({ code: "NOT_A_CENTER" });
});

test("a given-up call says whether it had left", async () => {
  const { url } = await startStandIn(() => {});
  const backend = startBackend({ centers: [url] });
  const controller = new AbortController();
  const seen = startBackend({ centers: [(await startStandIn(() => controller.abort())).url] });
  await expect(seen.broadcast({ message: "a" }, { signal: controller.signal })).rejects.toMatchObject({
    code: "ABORTED",
    message: "the call was given up; nodes may have run it",
  });
  const early = new AbortController();
  const call = backend.broadcast({ message: "a" }, { signal: early.signal });
  early.abort();
  await expect(call).rejects.toMatchObject({
    code: "ABORTED",
    message: "the call was given up; it was not run",
  });
  await expect(backend.broadcast({ message: "a" }, { timeoutMs: 300 })).rejects.toMatchObject({
    code: "OUTCOME_UNKNOWN",
  });
});

test("where no center is, the error says which were tried and why", async () => {
  const backend = startBackend({ centers: ["http://127.0.0.1:1"], timeoutMs: 300 });
  for (const call of [() => backend.broadcast({ message: "a" }), () => backend.nodes()]) {
    await expect(call()).rejects.toMatchObject({
      code: "NO_CENTER",
      retryable: true,
      message: expect.stringContaining("http://127.0.0.1:1: connect ECONNREFUSED"),
    });
  }
});

test("a port that is no center's is told as such, and passed over where there is another", async () => {
  const { center, url } = await startCenter();
  const link = `http://${center.addresses.link}`;
  const alone = startBackend({ centers: [link] });
  await expect(alone.broadcast({ message: "a" })).rejects.toMatchObject({
    code: "NOT_A_CENTER",
    message: expect.stringContaining("is that a center's HTTP port?"),
  });
  await startNode([center.addresses.link]);
  expect((await startBackend({ centers: [link, url] }).nodes()).length).toBe(1);
});
