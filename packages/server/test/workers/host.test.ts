import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { ask, connectClient, startCenter } from "../cli/cluster.js";
import { endAll, occupy, run, start } from "../cli/command.js";
import { createNode } from "../../src/index.js";
import { findProgram } from "../programs.js";
import { allGone, connectMany, handshakeStatus, metric, startHost, workerOf } from "./host.js";

const folder = mkdtempSync(join(tmpdir(), "websocket-center-workers-"));
afterEach(endAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
vi.setConfig({ testTimeout: 60_000 });

test("messages cross workers through a center, and each worker takes its share of the clients", async () => {
  const center = await startCenter();
  const host = await startHost([center]);
  const clients = await connectMany(host.url, 200);
  const counts = (await ask(center, { getConnectionCount: {} }))["getConnectionCount"] ?? {};
  expect(Object.keys(counts).toSorted()).toEqual(
    host
      .workers()
      .map(({ nodeId }) => nodeId)
      .toSorted(),
  );
  expect(Object.values(counts).reduce((sum: number, count) => sum + Number(count), 0)).toBe(200);
  for (const count of Object.values(counts)) expect(Number(count)).toBeGreaterThanOrEqual(50);

  for (const [index, { id }] of clients.entries()) {
    await ask(center, { bindId: { _id: id, id: `user-${index}` } });
    await ask(center, { joinGroupById: { id: `user-${index}`, groupId: "all" } });
  }
  const sent = (await ask(center, { sendToGroup: { groupId: "all", msg: "hello" } }))["sendToGroup"];
  expect(sent).toEqual(counts);
  for (const client of clients) expect(await client.next()).toBe("hello");
});

test("/assign at the shared port sends users to each worker's own address, where they are served", async () => {
  const center = await startCenter();
  const host = await startHost([center]);
  const own = host.workers().map(({ publicUrl }) => publicUrl);
  expect(new Set([...own, host.url]).size).toBe(4);
  await vi.waitFor(
    async () => {
      const found = new Set<string>();
      for (let user = 0; user < 50; user += 1) {
        const response = await fetch(`${host.http}/assign?id=user-${user}`);
        found.add(((await response.json()) as { url: string }).url);
      }
      expect([...found].toSorted()).toEqual(own.toSorted());
    },
    { timeout: 20_000 },
  );
  for (const worker of host.workers()) {
    expect(workerOf(host, await connectClient(worker.publicUrl))).toEqual(worker);
  }
});

test("the shared port serves no API, whatever a request looks like; each worker's own port does", async () => {
  const host = await startHost([]);
  const [first] = host.workers();
  const requests: [string, RequestInit?][] = [
    [`${host.http}/?event=getConnectionCount`],
    [`${host.http}/?event=broadcast`, { method: "POST", body: '{"broadcast":{"msg":"x"}}' }],
    [`${host.http}/metrics`],
  ];
  for (const [url, init] of requests) {
    const response = await fetch(url, init);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: 1,
      data: [],
      msg: expect.stringContaining("own port"),
    });
  }
  expect(await rawStatus(host.http, "/?event=broadcast&broadcast[msg]=用户")).toBe("404");
  const api = (first?.publicUrl ?? "").replace("ws", "http");
  expect(await (await fetch(`${api}/?event=getConnectionCount`)).json()).toMatchObject({ code: 0 });
  expect(await rawStatus(api, "/?event=broadcast&broadcast[msg]=用户")).toBe("200");
});

test("a client of the shared port that does not end its request is answered 408", async () => {
  const host = await startHost([], ["--handshake-timeout-ms", "200"]);
  expect(await exchange(host.http, "GET / HTTP/1.1\r\nHost: localhost\r\n")).toMatch(/^HTTP\/1\.1 408 /);
});

test("with one worker a node is what it is without", async () => {
  const host = await startSingle();
  expect(await (await fetch(`${host}/?event=getConnectionCount`)).json()).toMatchObject({ code: 0 });
});

test("metrics of the host are the sums of its workers', and those of processes carry their number", async () => {
  const center = await startCenter();
  const host = await startHost([center]);
  await connectMany(host.url, 7);
  expect(await metric(host.admin, "wsc_connections")).toBe(7);
  expect(await metric(host.admin, "wsc_connections_opened_total")).toBe(7);
  expect(await metric(host.admin, "wsc_links")).toBe(3);
  expect(await metric(host.admin, "wsc_workers")).toBe(3);
  expect(await metric(host.admin, "wsc_build_info")).toBe(1);
  const text = await (await fetch(`${host.admin}/metrics`)).text();
  const labels = [...text.matchAll(/^process_resident_memory_bytes\{worker="(\w+)"\}/gm)].map(
    ([, name]) => name,
  );
  expect(new Set(labels)).toEqual(new Set(["1", "2", "3", "host"]));
});

test("the host is ready once all of its workers are, and says of each what it lacks", async () => {
  const host = await startHost([]);
  const readyz = await fetch(`${host.admin}/readyz`);
  expect(readyz.status).toBe(503);
  expect(await readyz.json()).toEqual({
    ready: false,
    reasons: [1, 2, 3].map((worker) => `worker ${worker}: no center is linked`),
  });
  expect((await fetch(`${host.admin}/livez`)).status).toBe(200);
  const center = await startCenter();
  const linked = await startHost([center]);
  await vi.waitFor(async () => {
    expect(await (await fetch(`${linked.admin}/readyz`)).json()).toEqual({ ready: true, reasons: [] });
  });
});

test("limits on connections count over all workers and all ports", async () => {
  const host = await startHost([], ["--max-connections", "5", "--max-connections-per-address", "4"]);
  const [first] = host.workers();
  const clients = await connectMany(host.url, 3);
  clients.push(await connectClient(first?.publicUrl ?? ""));
  for (const url of [host.url, first?.publicUrl ?? ""]) expect(await handshakeStatus(url)).toBe(429);
  const other = { localAddress: "127.0.0.2" };
  const fifth = await handshakeStatus(host.url, other);
  expect(fifth).toBe(101);
  await vi.waitFor(async () => expect(await metric(host.admin, "wsc_connections")).toBe(4));
  clients[0]?.socket.close();
  await clients[0]?.closed;
  await vi.waitFor(async () => expect(await handshakeStatus(host.url)).toBe(101));
});

test("a worker that a center drains gets no clients of the shared port", async () => {
  const center = await startCenter();
  const host = await startHost([center]);
  const [first] = host.workers();
  await fetch(`${center.url}/nodes/${first?.nodeId ?? ""}/drain`, { method: "POST", body: "{}" });
  await host.command.prints(/"worker":1[^\n]*"draining, as a center asks"/);
  // What it still gets before it has told, it refuses: it would be the first to be given one.
  await vi.waitFor(async () => {
    for (let times = 0; times < 6; times += 1) expect(await handshakeStatus(host.url)).toBe(101);
  });
  const clients = await connectMany(host.url, 12);
  expect(clients.map((client) => workerOf(host, client).worker)).not.toContain(1);
});

test.skipIf(process.platform !== "linux")(
  "secrets from files reach workers, and neither by arguments nor by variables",
  async () => {
    const file = join(folder, "token");
    writeFileSync(file, "unspoken");
    const host = await startHost([], ["--token-file", file]);
    for (const { pid, publicUrl } of host.workers()) {
      expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toContain("worker-");
      for (const place of ["cmdline", "environ"]) {
        expect(readFileSync(`/proc/${pid}/${place}`, "utf8")).not.toContain("unspoken");
      }
      const api = `${publicUrl.replace("ws", "http")}/?event=getConnectionCount`;
      expect(await (await fetch(api)).json()).toMatchObject({ msg: "token error" });
      expect(await (await fetch(`${api}&token=unspoken`)).json()).toMatchObject({ code: 0 });
    }
  },
);

test.skipIf(findProgram("openssl") === undefined)(
  "with a certificate the shared port and the workers' own speak wss",
  async () => {
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", key, "-out", cert, "-days", "2"];
    execFileSync("openssl", ["req", "-x509", ...newKey, ...files, ...subject], { stdio: "ignore" });
    const host = await startHost([], ["--tls-cert", cert, "--tls-key", key]);
    const own = host.workers().map(({ publicUrl }) => publicUrl);
    expect(own.every((url) => url.startsWith("wss://"))).toBe(true);
    const ca = readFileSync(cert);
    for (const url of [host.url.replace("ws", "wss"), ...own])
      expect(await handshakeStatus(url, { ca })).toBe(101);
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const url = `${host.http.replace("http", "https")}/?event=getConnectionCount`;
      get(url, { ca, agent: false }, (response) => resolve(response.resume().statusCode)).once(
        "error",
        reject,
      );
    });
    expect(answer).toBe(404);
  },
);

test("every line of a worker has its number", async () => {
  const host = await startHost([]);
  const lines = host.command.stdout().trim().split("\n");
  const listening = lines.map((line) => JSON.parse(line) as { msg: string; worker?: number });
  const numbers = listening.flatMap(({ msg, worker }) => (msg === "listening" ? [worker] : []));
  expect(new Set(numbers)).toEqual(new Set([1, 2, 3]));
});

test("a port of a worker that is taken is named, and nothing is left running", async () => {
  const { port, free } = await occupy(0);
  const flags = ["--port", "0", "--centers", "1", "--workers", "2", "--worker-port", String(port)];
  const { code, stderr } = await run(["node", ...flags]);
  await free();
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`worker 1: port ${port} .*is taken.*WSC_WORKER_PORT`));
});

test("ports that do not fit are an error of the configuration", async () => {
  const { code, stderr } = await run(["node", "--port", "8090", "--worker-port", "8089", "--workers", "2"]);
  expect(code).toBe(2);
  expect(stderr).toContain("the workers' own ports, 8089 to 8090, have the client port 8090 among them");
  expect(() => createNode({ workers: 2 })).toThrow(/websocket-center node --workers/);
});

test("workers end with the host, in order", async () => {
  const center = await startCenter();
  const host = await startHost([center]);
  const clients = await connectMany(host.url, 6);
  const pids = host.workers().map(({ pid }) => pid);
  host.command.signal("SIGTERM");
  expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual(Array(6).fill(1012));
  expect(await host.command.exited).toBe(0);
  await allGone(pids);
});

async function startSingle(): Promise<string> {
  const command = start(["node", "--workers", "1", "--port", "0", "--centers", "1"]);
  const [line] = await command.prints(/^.*"msg":"listening".*$/m);
  return `http://${(JSON.parse(line) as { client: string }).client}`;
}

/** What the server sends until it ends the connection. */
function exchange(base: string, request: string): Promise<string> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(Number(port), hostname, () => socket.write(request));
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.once("error", reject).once("close", () => resolve(text));
  });
}

/** The status of a request whose URL has bytes that are not escaped, as some back ends send. */
async function rawStatus(base: string, target: string): Promise<string | undefined> {
  const head = `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
  return (await exchange(base, head)).split(" ")[1];
}
