import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { ask, type CenterProcess, connectClient, startCenter, startCluster, startNode } from "./cluster.js";
import { freePort } from "../free-ports.js";
import { endAll, run, start } from "./command.js";

afterEach(endAll);

interface Sends {
  calls: number;
  answered: number;
  failed: number;
  unsent: number;
  deliveries: number;
  lost: number;
  duplicates: number;
  strays: number;
  answer: { count: number; p50: number; p99: number; p999: number };
  lastReceipt: { count: number; p50: number; p99: number; p999: number };
  load: { cpuShare: number; busyShare: number };
}
interface Answer {
  center: string;
  nodes: { id: string; url: string }[];
  connecting: { asked: number; connected: number; refused: number; latency: { count: number } };
  binding: { latency: { count: number } };
  toUser: Sends;
  toGroup: Sends;
  isStopped: boolean;
}

const few = ["--clients", "6", "--seconds", "1", "--rate", "50", "--group-rate", "10"];
const read = (stdout: string): Answer => JSON.parse(stdout) as Answer;
const inOrder = { failed: 0, lost: 0, duplicates: 0, strays: 0 };

/** Resolves once the nodes of the center hold nothing. */
async function empty(center: CenterProcess): Promise<void> {
  await vi.waitFor(
    async () => {
      const response = await fetch(`${center.url}/nodes`);
      const { nodes } = (await response.json()) as { nodes: object[] };
      expect(nodes).not.toEqual([]);
      for (const node of nodes) expect(node).toMatchObject({ connections: 0, users: 0, groups: 0 });
    },
    { timeout: 10_000 },
  );
}

describe("bench", () => {
  test("measures a cluster: every message that was queued is followed to its clients, and others get none", async () => {
    const { centers, nodes } = await startCluster();
    const other = await connectClient(nodes[0].url);
    const { code, stdout, stderr } = await run(["bench", centers[1].url, ...few, "--json"]);
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("to the group") as string,
    });
    const answer = read(stdout);
    expect(answer.center).toBe(centers[1].url);
    expect(answer.nodes.map(({ id }) => id).toSorted()).toEqual(nodes.map(({ id }) => id).toSorted());
    expect(answer.connecting).toMatchObject({ asked: 6, connected: 6, refused: 0, latency: { count: 6 } });
    expect(answer.binding.latency.count).toBe(6);
    for (const [sends, audience] of [[answer.toUser, 1] as const, [answer.toGroup, 6] as const]) {
      expect(sends).toMatchObject(inOrder);
      expect(sends.calls).toBeGreaterThan(0);
      expect(sends.answered).toBe(sends.calls);
      expect(sends.deliveries).toBe(sends.calls * audience);
      expect(sends.answer.count).toBe(sends.calls);
      expect(sends.lastReceipt.count).toBe(sends.calls);
      expect(sends.lastReceipt.p50).toBeLessThanOrEqual(sends.lastReceipt.p99);
      expect(sends.load.cpuShare).toBeGreaterThan(0);
    }
    expect(answer.toUser.calls + answer.toUser.unsent).toBe(25);
    expect(answer.isStopped).toBe(false);
    await ask(centers[0], { broadcast: { msg: "the first that others get" } });
    expect(await other.next()).toBe("the first that others get");
    other.socket.close();
    await empty(centers[0]);
  });

  test("shows a table, and says what this process used", async () => {
    const center = await startCenter([], { TOKEN: "secret" });
    await startNode([center]);
    const flags = [...few.slice(0, 4), "--rate", "max", "--group-rate", "max", "--bytes", "200"];
    const { code, stdout } = await run(["bench", ...flags], { WSC_CENTER_URL: center.url, TOKEN: "secret" });
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]?.split(/ {2,}/)).toEqual([
      "WHAT",
      "COUNT",
      "PER SECOND",
      "P50 MS",
      "P99 MS",
      "P99.9 MS",
      "MAX MS",
    ]);
    const counts = lines.slice(1, 8).map((line) => line.split(/ {2,}/));
    expect(counts[0]?.slice(0, 2)).toEqual(["connecting, until the open frame", "6"]);
    expect(counts[1]?.slice(0, 2)).toEqual(["binding a user and joining", "6"]);
    expect(Number(counts[4]?.[1])).toBeGreaterThan(0);
    expect(Number(counts[5]?.[1])).toBe(Number(counts[4]?.[1]) * 6);
    expect(stdout).toMatch(/^lost 0, came twice 0, 0 calls failed$/m);
    expect(stdout).toMatch(/^load: this process, which used \d+ % of a core, busy \d+ %/m);
  });

  test("Ctrl-C closes its clients, shows what was measured until then, and ends with 1", async () => {
    const center = await startCenter();
    await startNode([center]);
    const bench = start([
      "bench",
      center.url,
      "--clients",
      "5",
      "--seconds",
      "600",
      "--rate",
      "100",
      "--json",
    ]);
    await bench.says(/sending to users/);
    bench.signal("SIGINT");
    expect(await bench.exited).toBe(1);
    const answer = read(bench.stdout());
    expect(answer).toMatchObject({ isStopped: true, connecting: { connected: 5 } });
    expect(answer.toGroup).toBeUndefined();
    expect(bench.stderr()).toMatch(/^Stopped before its end; the clients are closed\.$/m);
    await empty(center);
  });

  test("a host beyond loopback is left alone unless it is named, a center's or a node's", async () => {
    const { code, stderr } = await run(["bench", "http://center.example:8011"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: the center is on center\.example, .*: give --allow-host center\.example/);

    const center = await startCenter();
    const port = await freePort();
    const publicUrl = `ws://0.0.0.0:${port}`;
    await startNode([center], ["--port", String(port), "--public-url", publicUrl]);
    const refused = await run(["bench", center.url, ...few, "--allow-host", "other.example"]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^node [0-9a-f]{12} is on 0\.0\.0\.0, .*: give --allow-host 0\.0\.0\.0 /m);
    const allowed = await run(["bench", center.url, ...few, "--allow-host", "0.0.0.0", "--json"]);
    expect(allowed.code).toBe(0);
    expect(read(allowed.stdout).toUser).toMatchObject(inOrder);
  });

  test("clients that are not let in are counted, and the others measured", async () => {
    const center = await startCenter();
    await startNode([center], ["--max-connections", "4"]);
    const { code, stdout, stderr } = await run(["bench", center.url, ...few, "--json"]);
    expect(code).toBe(1);
    expect(read(stdout).connecting).toMatchObject({ asked: 6, connected: 4, refused: 2 });
    expect(read(stdout).toGroup.deliveries).toBe(read(stdout).toGroup.calls * 4);
    expect(stderr).toMatch(/^clients that were not let in: 2; the first: .* refused it with 503/m);
  });

  test("it says so where nodes ask for tokens of clients, tell no ids, or where there is none", async () => {
    const center = await startCenter();
    const alone = await run(["bench", center.url]);
    expect(alone).toMatchObject({ code: 1, stdout: "" });
    expect(alone.stderr).toContain("No node is linked");

    await startNode([center], ["--no-open-message"]);
    const silent = await run(["bench", center.url, "--clients", "1", "--timeout-ms", "200"]);
    expect(silent).toMatchObject({ code: 1, stdout: "" });
    expect(silent.stderr).toContain("is openMessage off");

    const other = await startCenter();
    await startNode([other], [], { WSC_CLIENT_JWT_SECRET: "s".repeat(32) });
    const refused = await run(["bench", other.url]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("refused a client with 401");
  });

  test.each([
    [["--clients", "0"]],
    [["--clients", "20001"]],
    [["--seconds", "1.5"]],
    [["--rate", "fast"]],
    [["--group-rate", "-1"]],
    [["--bytes", "63"]],
    [["127.0.0.1:1", "--center", "127.0.0.1:1"]],
    [["ftp://127.0.0.1"]],
  ])("%s is wrong usage", async (args) => {
    const { code, stdout, stderr } = await run(["bench", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: /);
  });

  test("a center that is away ends it with 3", async () => {
    expect((await run(["bench", "127.0.0.1:1"])).code).toBe(3);
  });
});

/** A center and a node in one, whose messages to users `deliver` hands on. */
async function startFaulty(
  deliver: (sockets: readonly WebSocket[], user: number, message: string, number: number) => void,
): Promise<string> {
  const nodeId = "0".repeat(32);
  const server = createServer((request, response) => {
    void (async () => {
      let text = "";
      for await (const chunk of request) text += String(chunk);
      response.end(JSON.stringify(answerTo(new URL(request.url ?? "", "http://x"), text)));
    })();
  });
  const clients = new WebSocketServer({ server });
  onTestFinished(() => {
    for (const socket of clients.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  const sockets: WebSocket[] = [];
  clients.on("connection", (socket) => {
    sockets.push(socket);
    socket.send(JSON.stringify({ cmd: "open", _id: String(sockets.length).padStart(32, "0") }));
  });
  const answerTo = ({ pathname, searchParams }: URL, text: string): object => {
    if (pathname === "/nodes") {
      const status = { state: "linked", draining: false, connections: 0, users: 0, groups: 0 };
      const node = { id: nodeId, version: "1", publicUrl: `ws://${address}`, startedAt: "", ...status };
      return { centerId: nodeId, nodes: [node] };
    }
    const events = searchParams.get("event")?.split(",") ?? [];
    const params = text === "" ? {} : (JSON.parse(text) as Record<string, { id?: string; msg?: string }>);
    const { id = "", msg = "" } = params["sendMessageToId"] ?? {};
    if (msg !== "") deliver(sockets, Number(id.split("-").at(-1)), msg, Number(msg.split(" ")[2]));
    const value = msg === "" ? 0 : 1;
    if (events[0] === "sendToGroup")
      for (const socket of sockets) socket.send(params["sendToGroup"]?.msg ?? "");
    const queued = events[0] === "sendToGroup" ? sockets.length : value;
    const data = Object.fromEntries(events.map((event) => [event, { [nodeId]: queued }]));
    return { code: 0, master_ids: [nodeId], data };
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return `http://${address}`;
}

describe("bench, with a node that is not in order,", () => {
  test("counts what was lost, what came twice, and what came to somebody else", async () => {
    const url = await startFaulty((sockets, user, message, number) => {
      if (number === 3) return;
      sockets[user]?.send(message);
      if (number === 5) sockets[user]?.send(message);
      if (number === 7) sockets[(user + 1) % sockets.length]?.send(message);
    });
    const { code, stdout, stderr } = await run(["bench", url, ...few, "--seconds", "2", "--json"]);
    const { toUser, toGroup } = read(stdout);
    expect(toUser).toMatchObject({ failed: 0, lost: 1, duplicates: 1, strays: 1 });
    expect(toUser.deliveries).toBe(toUser.calls - 1);
    expect(toGroup).toMatchObject(inOrder);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^messages to users that were queued and did not come: 1$/m);
    expect(stderr).toMatch(/^messages to users that came twice: 1$/m);
  });

  test("counts clients whose connections end, and calls that then find nobody", async () => {
    const url = await startFaulty((sockets, user, message, number) => {
      sockets[user]?.send(message);
      if (number === 4) sockets[user]?.terminate();
    });
    const { code, stderr } = await run(["bench", url, ...few, "--seconds", "2", "--json"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^clients whose connections ended meanwhile: 1$/m);
  });
});
