import { once } from "node:events";
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createAccess } from "../../src/http/access.js";
import { createApi } from "../../src/http/api.js";
import { createHttpServer, type HttpServer } from "../../src/http/server.js";
import { sendRaw } from "./http-client.js";

const MAX_BODY_BYTES = 1000;

interface Served {
  server: HttpServer;
  port: number;
  /** Requests that came through node:http. */
  throughNodeHttp: () => number;
  /** Ends the calls that wait. */
  answerAll: () => void;
  waiting: () => number;
  /** Requests that ran. */
  calls: () => number;
}

async function serve({
  withLane,
  holds = false,
  headersTimeoutMs = 60_000,
  keepAliveMs = 65_000,
}: {
  withLane: boolean;
  holds?: boolean;
  headersTimeoutMs?: number;
  keepAliveMs?: number;
}): Promise<Served> {
  let count = 0;
  let calls = 0;
  const held: (() => void)[] = [];
  const api = createApi({
    access: createAccess({ tokens: () => ["secret"] }),
    allowedOrigins: [],
    routes: {
      "/livez": { public: true, handle: () => ({ status: 200, contentType: "text/plain", body: "live" }) },
    },
    classic: async ({ events }) => {
      calls += 1;
      if (holds) await new Promise<void>((resolve) => held.push(resolve));
      return JSON.stringify(events);
    },
    strict: false,
    limits: { maxBodyBytes: MAX_BODY_BYTES, maxIdBytes: 100, maxMessageBytes: 500 },
    onError: (error) => expect.fail(String(error)),
  });
  const server = createHttpServer({
    maxHeaderBytes: 2048,
    headersTimeoutMs,
    keepAliveMs,
    lane:
      withLane && api.handleShort !== undefined
        ? { maxBodyBytes: MAX_BODY_BYTES, onRequest: api.handleShort }
        : undefined,
    onRequest: (req, res) => {
      count += 1;
      api.handle(req, res);
    },
  });
  return {
    server,
    port: await server.listen(0, "127.0.0.1"),
    throughNodeHttp: () => count,
    answerAll: () => held.splice(0).forEach((answer) => answer()),
    waiting: () => held.length,
    calls: () => calls,
  };
}

async function serveInTest(options: Parameters<typeof serve>[0]): Promise<Served> {
  const served = await serve(options);
  onTestFinished(() => served.server.close(0));
  return served;
}

/** A connection, and all that came back on it. */
async function open(port: number): Promise<{ socket: Socket; text: () => string; closed: Promise<void> }> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await once(socket, "connect");
  return { socket, text: () => text, closed };
}

/** Waits for what nobody tells, on a busy machine too. */
const until = (isTrue: () => boolean): Promise<unknown> => vi.waitUntil(isTrue, { timeout: 20_000 });

const plain = (path = "/?event=getIds&token=secret"): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const last = "GET /?event=getIds&token=secret HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/** Without what differs from answer to answer. */
function comparable(text: string): string {
  return text.replaceAll(/^(WSC-Call-Id|Date): .*$/gm, "$1");
}

describe("whatever comes", () => {
  let lane: Served;
  let whole: Served;
  beforeAll(async () => {
    // Requests of which a part never comes are among them, which end only with this.
    const keepAliveMs = 3000;
    lane = await serve({ withLane: true, keepAliveMs });
    whole = await serve({ withLane: false, keepAliveMs });
  });
  afterAll(async () => {
    await Promise.all([lane.server.close(0), whole.server.close(0)]);
  });

  const target = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        "/?event=getIds&token=secret",
        "/?event=isOnlineId&isOnlineId[id]=a+b%C3%A9&token=secret",
      ),
    },
    fc.constantFrom(
      "/",
      "/?event=getIds",
      "/?event=getIds&token=wrong",
      "/livez",
      "/any?event=getIds&token=secret",
      "/?event=a#b",
      "*",
      "http://localhost/?event=getIds&token=secret",
      "/?event=é&token=secret",
      "/?event=%FF&token=secret",
    ),
  );
  const field = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.constantFrom(
        "Accept: */*",
        "User-Agent: x",
        "Authorization: Bearer secret",
        "Connection: keep-alive",
        "connection:Keep-Alive ",
        "Origin: http://localhost",
        "X-Empty:",
        "__proto__: 1",
        "constructor: 2",
      ),
    },
    fc.constantFrom(
      "Content-Length: 0",
      "Content-Length: 5",
      "content-length: 05",
      "Content-Length: +5",
      "Content-Length: 5, 5",
      "Content-Length: 2000",
      "Transfer-Encoding: chunked",
      "Host: other",
      "Expect: 100-continue",
      "Bad Name: 1",
      "Bad\u0000: 1",
      " folded: 1",
      "Name : 1",
      "Upgrade: h2c",
      "NoColon",
      "X: a\rb",
      "TE: trailers",
      "Latin: é",
    ),
  );
  const body = fc.constantFrom(
    "",
    "",
    "{}",
    "hello",
    '{"event":"getIds","token":"secret"}',
    "not json",
    "x".repeat(1200),
  );
  const request = fc
    .record({
      method: fc.constantFrom("GET", "POST", "GET", "POST", "HEAD", "PUT", "OPTIONS", "get", "BREW"),
      target,
      fields: fc.array(field, { maxLength: 4 }),
      body,
      hasLength: fc.boolean(),
      version: fc.constantFrom("1.1", "1.1", "1.1", "1.0", "2.0"),
      host: fc.constantFrom("Host: localhost\r\n", "Host: localhost\r\n", "Host: evil.example\r\n", ""),
    })
    .map(({ method, target: to, fields, body: text, hasLength, version, host }) => {
      const length = hasLength ? `Content-Length: ${Buffer.byteLength(text)}\r\n` : "";
      const rest = fields.map((each) => `${each}\r\n`).join("");
      return `${method} ${to} HTTP/${version}\r\n${host}${rest}${length}\r\n${hasLength ? text : ""}`;
    });

  /**
   * Writes the parts, each in a turn of its own, until the server has closed the connection.
   * @returns undefined where the end was a reset, which may destroy what came before.
   */
  async function exchange(port: number, parts: readonly Buffer[]): Promise<string | undefined> {
    const { socket, text, closed } = await open(port);
    let isReset = false;
    socket.on("error", () => (isReset = true));
    for (const part of parts) {
      if (!socket.writable) break;
      socket.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    return isReset ? undefined : comparable(text());
  }

  test("in whatever packets, a server with the lane answers as one without", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(3),
        request,
        fc.array(fc.nat(4000), { maxLength: 3 }),
        async (count, odd, cuts) => {
          const bytes = Buffer.from(`${plain().repeat(count)}${odd}${last}`, "utf8");
          const ends = [...new Set(cuts.map((cut) => cut % bytes.length))].sort(
            (left, right) => left - right,
          );
          const parts = [0, ...ends].map((start, at) => bytes.subarray(start, ends[at] ?? bytes.length));
          const [first, second] = await Promise.all([
            exchange(lane.port, parts),
            exchange(whole.port, parts),
          ]);
          fc.pre(first !== undefined && second !== undefined);
          const [shorter = "", longer = ""] = [first, second].toSorted(
            (a = "", b = "") => a.length - b.length,
          );
          // Where a broken or last request comes behind others, node:http may give the connection up before they are answered.
          if (count > 0 || /HTTP\/1\.1 4/.test(longer)) expect(longer.slice(0, shorter.length)).toBe(shorter);
          else expect(first).toBe(second);
        },
      ),
      { numRuns: Number(process.env["WSC_TEST_RUNS"] ?? 60) },
    );
  }, 120_000);

  test("plain requests do not go through node:http, and others do", async () => {
    const before = lane.throughNodeHttp();
    const { socket, text } = await open(lane.port);
    socket.write(plain());
    await until(() => text().includes("]"));
    const body = '{"event":"getIds","token":"secret"}';
    socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await vi.waitUntil(() => text().split("HTTP/1.1 200 OK").length === 3);
    expect(lane.throughNodeHttp()).toBe(before);
    socket.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => text().endsWith("live"));
    expect(lane.throughNodeHttp()).toBe(before + 1);
    // A connection that was handed over stays with node:http.
    socket.end(last);
    await vi.waitUntil(() => lane.throughNodeHttp() === before + 2);
  });
});

test("a thousand requests in one packet are answered in order", async () => {
  const { port, throughNodeHttp } = await serveInTest({ withLane: true });
  const requests = Array.from({ length: 1000 }, (_, at) => plain(`/?event=e${at}&token=secret`));
  const { socket, text, closed } = await open(port);
  socket.write(requests.join(""));
  await until(() => text().includes(`"event":"e999"`));
  socket.end();
  await closed;
  expect([...text().matchAll(/"event":"e(\d+)"/g)].map((match) => Number(match[1]))).toEqual([
    ...Array.from({ length: 1000 }).keys(),
  ]);
  expect(throughNodeHttp()).toBe(0);
});

test("a raw URL in two packets behind a plain request is answered", async () => {
  const { port } = await serveInTest({ withLane: true });
  const { socket, text, closed } = await open(port);
  socket.write(plain());
  await until(() => text().includes("]"));
  const bytes = Buffer.from(
    "GET /?event=isOnlineId&isOnlineId[id]=é&token=secret HTTP/1.1\r\nHost: localhost\r\n\r\n",
  );
  socket.write(bytes.subarray(0, 20));
  await new Promise((resolve) => setImmediate(resolve));
  socket.write(bytes.subarray(20));
  await closed;
  expect(text()).toContain('"userId":"Ã©"');
});

test("who ends its side waits for no answer, and the connection ends", async () => {
  const { port, answerAll, waiting } = await serveInTest({ withLane: true, holds: true });
  const { socket, text, closed } = await open(port);
  socket.end(plain());
  await vi.waitUntil(() => waiting() === 1);
  await closed;
  answerAll();
  expect(text()).toBe("");
});

test("closing waits for the answers that are due, says so in them, and ends idle connections", async () => {
  const { server, port, answerAll, waiting } = await serveInTest({ withLane: true, holds: true });
  const idle = await open(port);
  const busy = await open(port);
  busy.socket.write(plain());
  await vi.waitUntil(() => waiting() === 1);
  const closing = server.close(10_000);
  await idle.closed;
  answerAll();
  await Promise.all([closing, busy.closed]);
  expect(busy.text()).toMatch(/^HTTP\/1\.1 200 OK[^]*Connection: close\r\n/);
});

test("closing does not wait for idle peers that never end their side", async () => {
  const { server, port } = await serveInTest({ withLane: true });
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined).write(plain());
  await once(socket, "data");
  await server.close(600_000);
});

test("closing runs nothing of what waits behind the last answer, and ends with it", async () => {
  const { server, port, answerAll, waiting, calls } = await serveInTest({ withLane: true, holds: true });
  const { socket, text, closed } = await open(port);
  socket.write(plain().repeat(2));
  await vi.waitUntil(() => waiting() === 1);
  answerAll();
  // The answer is written by then, and the next request not yet read.
  await new Promise<void>((resolve) => queueMicrotask(() => process.nextTick(resolve)));
  await Promise.all([server.close(600_000), closed]);
  expect(text().match(/HTTP\/1\.1 200 OK/g)).toHaveLength(1);
  expect(calls()).toBe(1);
});

test("closing ends a connection on which more came than was answered", async () => {
  const { server, port, answerAll, waiting, calls } = await serveInTest({ withLane: true, holds: true });
  const { socket, text, closed } = await open(port);
  socket.write(plain().repeat(10_000));
  await vi.waitUntil(() => waiting() === 1);
  const closing = server.close(600_000);
  answerAll();
  await Promise.all([closing, closed]);
  expect(text()).toMatch(/^HTTP\/1\.1 200 OK[^]*Connection: close\r\n/);
  expect(calls()).toBe(1);
});

test("only blanks and tabs around a header's value are no part of it", async () => {
  const { port, calls } = await serveInTest({ withLane: true });
  for (const length of ["\u00a02", "2\u00a0"]) {
    const { socket, text, closed } = await open(port);
    const head = `POST /?event=getIds&token=secret HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;
    socket.end(Buffer.from(`${head}{}`, "latin1"));
    await closed;
    expect(text()).toMatch(/^HTTP\/1\.1 400 /);
  }
  expect(calls()).toBe(0);
});

test("closing cuts off, after its time, who waits for an answer", async () => {
  const { server, port, waiting } = await serveInTest({ withLane: true, holds: true });
  const { socket, text, closed } = await open(port);
  socket.on("error", () => undefined).write(plain());
  await vi.waitUntil(() => waiting() === 1);
  await server.close(50);
  await closed;
  expect(text()).toBe("");
});

test("who sends nothing, and who sends half a request, is told that it took too long", async () => {
  const { port } = await serveInTest({ withLane: true, headersTimeoutMs: 100 });
  const replies = await Promise.all([
    sendRaw(port, ""),
    sendRaw(port, "GET /?event=getIds HTTP/1.1\r\nHost: l"),
  ]);
  for (const reply of replies) expect(reply).toMatch(/^HTTP\/1\.1 408 /);
});

test("who reads no answers gets no further ones made", async () => {
  const { port, calls } = await serveInTest({ withLane: true });
  const socket = connect(port, "127.0.0.1").pause();
  onTestFinished(() => void socket.destroy());
  const total = 40_000;
  let isTaken = false;
  socket.write(plain(`/?event=${"e,".repeat(300)}x&token=secret`).repeat(total), () => (isTaken = true));
  // Until nothing more of it is run while others are served.
  for (let before = -1; before !== calls();) {
    before = calls();
    for (let other = 0; other < 20; other += 1) await sendRaw(port, last.replace("?", "livez?"));
  }
  expect(calls()).toBeLessThan(total);
  socket.resume();
  await vi.waitUntil(() => isTaken, { timeout: 50_000 });
}, 60_000);
