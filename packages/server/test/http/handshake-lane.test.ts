import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createHttpServer, type HttpServer } from "../../src/http/server.js";

const MAX_HEADER_BYTES = 2048;

interface Served {
  server: HttpServer;
  port: number;
  /** What was told of requests and upgrades. */
  seen: Record<string, unknown>[];
  /** The requests of upgrades. */
  upgrades: IncomingMessage[];
  /** The server's end of each connection. */
  sockets: Socket[];
  refusals: { message: string; status: number }[];
}

function described(kind: string, req: IncomingMessage, head?: Buffer): Record<string, unknown> {
  const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, headers, rawHeaders, complete } = req;
  const { upgrade } = req as IncomingMessage & { upgrade?: unknown };
  return {
    ...{ kind, method, url, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders, complete, upgrade },
    ...{ headers: { ...headers }, distinct: { ...req.headersDistinct }, trailers: { ...req.trailers } },
    head: head?.toString("latin1"),
  };
}

async function serve({ headersTimeoutMs = 60_000 } = {}): Promise<Served> {
  const seen: Served["seen"] = [];
  const upgrades: IncomingMessage[] = [];
  const sockets: Socket[] = [];
  const refusals: Served["refusals"] = [];
  const server = createHttpServer({
    maxHeaderBytes: MAX_HEADER_BYTES,
    headersTimeoutMs,
    onRequest: (req, res) => {
      seen.push(described("request", req));
      req.resume();
      res.end("answer");
    },
    onUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      seen.push(described("upgrade", req, head));
      upgrades.push(req);
      socket.end("upgraded");
    },
    onClientError: ({ message }, status) => refusals.push({ message, status }),
    log: (message, error) => expect.fail(`${message}: ${String(error)}`),
  });
  server.server.on("connection", (socket: Socket) => sockets.push(socket));
  return { server, port: await server.listen(0, "127.0.0.1"), seen, upgrades, sockets, refusals };
}

async function serveInTest(options: Parameters<typeof serve>[0] = {}): Promise<Served> {
  const served = await serve(options);
  onTestFinished(() => served.server.close(0));
  return served;
}

/** Sends the parts, each when the server has read those before, and answers all that comes back until the end. */
async function talk({ port, sockets }: Served, parts: readonly string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await once(socket, "connect");
  const other = await vi.waitUntil(() => sockets.find(({ remotePort }) => remotePort === socket.localPort));
  let sent = 0;
  for (const part of parts) {
    socket.write(part, "latin1");
    sent += part.length;
    await vi.waitUntil(() => other.bytesRead >= sent || other.destroyed, { timeout: 20_000, interval: 1 });
  }
  socket.end();
  await closed;
  return text.replaceAll(/^Date: .*$/gm, "Date");
}

const plain = [
  ["Host", "localhost"],
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
] as const;

const headOf = (fields: readonly (readonly [string, string])[], line = "GET / HTTP/1.1"): string =>
  `${line}\r\n${fields.map(([name, value]) => `${name}:${value}\r\n`).join("")}\r\n`;

describe("a handshake", () => {
  test("that comes whole never sees node:http, and what came behind it goes with it", async () => {
    const served = await serveInTest();
    const fields = [...plain, ["Sec-WebSocket-Protocol", "chat.v1, chat.v2"]] as const;
    const answer = await talk(served, [`${headOf(fields, "GET /room?a=%20b HTTP/1.1")}behind it`]);
    expect(answer).toBe("upgraded");
    expect(served.seen).toMatchObject([
      {
        ...{ kind: "upgrade", method: "GET", url: "/room?a=%20b", head: "behind it" },
        headers: { host: "localhost", "sec-websocket-protocol": "chat.v1, chat.v2" },
        distinct: { upgrade: ["websocket"] },
      },
    ]);
    // A socket that node:http has had keeps a place for the parser.
    expect(served.sockets.map((socket) => "parser" in socket)).toEqual([false]);
  });

  test("that comes in parts goes through node:http", async () => {
    const served = await serveInTest();
    const head = headOf(plain);
    expect(await talk(served, [head.slice(0, 20), head.slice(20)])).toBe("upgraded");
    expect(served.sockets.map((socket) => "parser" in socket)).toEqual([true]);
  });
});

test.each([
  ["whole", 0],
  ["in parts", 20],
])("the request of a handshake that comes %s has a body that ends", async (_, at) => {
  const served = await serveInTest();
  const head = headOf(plain);
  await talk(served, [head.slice(0, at), head.slice(at)]);
  const [request] = served.upgrades;
  if (request?.readableEnded === false) await once(request.resume(), "end");
  expect(request?.readableEnded).toBe(true);
});

describe("whatever comes", () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
  });
  afterAll(() => served.server.close(0));

  const line = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("GET / HTTP/1.1", "GET /a/b?c=d&e=%C3%A9 HTTP/1.1") },
    fc.constantFrom(
      ...["POST / HTTP/1.1", "GET / HTTP/1.0", "GET /#x HTTP/1.1", "GET /\xe9 HTTP/1.1", "GET * HTTP/1.1"],
      ...["GET  / HTTP/1.1", "GET / HTTP/2.0", "HEAD / HTTP/1.1", "GET http://h/x HTTP/1.1"],
    ),
  );
  const field = fc.constantFrom(
    ...([
      ["host", "other"],
      ["Origin", " https://example.com"],
      ["X-Blank", "\t a \xa0b \t"],
      ["X-Empty", ""],
      ["X-Bytes", "\xe9\xff"],
      ["Cookie", " a=b"],
      ["cookie", " c=d"],
      ["X-Forwarded-For", " 192.0.2.1"],
      ["__proto__", " x"],
      ["constructor", " x"],
      ["Sec-WebSocket-Protocol", " one, two"],
      ["Connection", " keep-alive, Upgrade"],
      ["Connection", " keep-alive"],
      ["Connection", " close"],
      ["Upgrade", " WebSocket"],
      ["Upgrade", " h2c"],
      ["Upgrade", " websocket, h2c"],
      ["Content-Length", " 0"],
      ["Content-Length", " 3"],
      ["Transfer-Encoding", " chunked"],
      ["Expect", " 100-continue"],
      ["TE", " trailers"],
      ["Bad Name", "x"],
      ["X-Folded", " a\r\n b"],
      ["X-Bare", " a\nb"],
      ["X-Long", ` ${"x".repeat(MAX_HEADER_BYTES)}`],
    ] as const),
  );
  /** The fields of a handshake, of which some are changed, taken out or there twice. */
  const fields = fc
    .tuple(fc.subarray([...plain], { minLength: 3 }), fc.array(field, { maxLength: 2 }), fc.boolean())
    .map(([kept, added, isWhole]) => [...(isWhole ? plain : kept), ...added]);

  test("comes to the same as through node:http", { timeout: 120_000 }, async () => {
    let upgrades = 0;
    await fc.assert(
      fc.asyncProperty(line, fields, fc.constantFrom("", "abc"), async (first, given, behind) => {
        const text = headOf(given, first) + behind;
        const begin = served.seen.length;
        const whole = await talk(served, [text]);
        const middle = served.seen.length;
        // The first byte alone takes it to node:http.
        const inParts = await talk(served, [text.slice(0, 1), text.slice(1)]);
        expect(whole).toBe(inParts);
        expect(served.seen.slice(begin, middle)).toEqual(served.seen.slice(middle));
        if (served.seen[begin]?.kind === "upgrade") upgrades += 1;
      }),
      { numRuns: 300 },
    );
    expect(upgrades).toBeGreaterThan(50);
  });
});

describe("a connection that sends nothing", () => {
  test("is answered with 408", async () => {
    const served = await serveInTest({ headersTimeoutMs: 100 });
    const socket = connect(served.port, "127.0.0.1").setEncoding("latin1");
    let text = "";
    socket.on("data", (chunk: string) => (text += chunk));
    await once(socket, "close");
    expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(served.refusals).toEqual([{ message: "nothing was sent", status: 408 }]);
  });

  test("and ends, is let go; so is one that is reset", async () => {
    const served = await serveInTest();
    const ended = connect(served.port, "127.0.0.1");
    await once(ended.end(), "close");
    const reset = connect(served.port, "127.0.0.1");
    await once(reset, "connect");
    await vi.waitUntil(() => served.sockets.length === 2);
    reset.resetAndDestroy();
    await vi.waitUntil(() => served.server.socketCount === 0);
    expect(served.refusals).toEqual([]);
  });
});
