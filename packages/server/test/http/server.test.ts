import { once } from "node:events";
import { Agent, get, type Server, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CenterError } from "../../src/errors.js";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../src/http/server.js";
import { ask, sendRaw } from "./http-client.js";

const running: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close(0)));
});

function create(options: Partial<HttpServerOptions> = {}): HttpServer {
  const server = createHttpServer({
    maxHeaderBytes: 65_536,
    headersTimeoutMs: 60_000,
    onRequest: (req, res) => {
      req.resume();
      res.end("answer");
    },
    ...options,
  });
  running.push(server);
  return server;
}

async function start(
  options: Partial<HttpServerOptions> = {},
): Promise<{ server: HttpServer; port: number }> {
  const server = create(options);
  return { server, port: await server.listen(0, "127.0.0.1") };
}

/** Requests that wait for their answer: each is given to the one who asks for the next. */
function heldRequests(): { onRequest: HttpServerOptions["onRequest"]; next: () => Promise<ServerResponse> } {
  const held: ServerResponse[] = [];
  const waiting: ((res: ServerResponse) => void)[] = [];
  return {
    onRequest: (_req, res) => {
      const hear = waiting.shift();
      if (hear === undefined) held.push(res);
      else hear(res);
    },
    next: () => {
      const res = held.shift();
      return res === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(res);
    },
  };
}

const failure = (message: string): string => `{"code":1,"msg":"${message}","data":[]}`;

describe("listening", () => {
  test("answers the port", async () => {
    const { port } = await start();
    expect(await ask(port, "/")).toMatchObject({ status: 200, text: "answer" });
  });

  test("a taken port rejects with PORT_TAKEN, which names host and port and says what to do", async () => {
    const { port } = await start();
    const error: unknown = await create()
      .listen(port, "127.0.0.1")
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CenterError);
    expect(error).toMatchObject({
      code: "PORT_TAKEN",
      message: `port ${port} on 127.0.0.1 is taken: stop the program that listens there, or set another port`,
    });
  });

  test("an address that is not this machine's rejects with CONFIG_INVALID", async () => {
    await expect(create().listen(0, "192.0.2.1")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("what is no request", () => {
  test("headers that are too large are answered with 431, however much follows", async () => {
    const seen: number[] = [];
    const { port } = await start({
      maxHeaderBytes: 4096,
      onClientError: (_error, status) => seen.push(status),
    });
    const answer = await sendRaw(port, `GET /?${"x".repeat(1_000_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    expect(answer).toContain("Connection: close");
    expect(answer.endsWith(`\r\n\r\n${failure("URL and headers are too large")}`)).toBe(true);
    expect(seen).toEqual([431]);
  });

  test("a URL just below the limit is served", async () => {
    const { port } = await start();
    expect((await ask(port, `/?${"x".repeat(65_000)}`)).status).toBe(200);
  });

  test("garbage is answered with 400", async () => {
    const { port } = await start();
    const answer = await sendRaw(port, "GARBAGE\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain(failure("the request is not valid HTTP"));
  });

  test("a body that breaks the protocol is answered with 400 where no answer was begun", async () => {
    const { port } = await start({ onRequest: (req) => req.on("error", () => undefined).resume() });
    const answer = await sendRaw(
      port,
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("garbage behind a request that waits for its answer is not answered in its place", async () => {
    const { port } = await start({ onRequest: () => undefined });
    expect(await sendRaw(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\n")).toBe("");
  });

  test("headers that do not arrive are answered with 408", async () => {
    const { port } = await start({ headersTimeoutMs: 100 });
    const answer = await sendRaw(port, "GET / HTTP/1.1\r\nHost:");
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(answer).toContain(failure("the request took too long to arrive"));
  });

  test("CONNECT is answered with 405", async () => {
    const { port } = await start();
    const answer = await sendRaw(port, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n/);
    expect(answer).toContain("Allow: GET, POST, HEAD, OPTIONS");
  });

  test.each(["FOO", "get", "BREW-COFFEE"])(
    "the method %s, which nobody knows, is answered with 405",
    async (method) => {
      const { port } = await start();
      const answer = await sendRaw(port, `${method} /?event=getIds HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 405 .*\r\nAllow: GET, POST, HEAD, OPTIONS\r\n/s);
      expect(answer).toContain(failure("method not allowed"));
      expect(await sendRaw(port, `${method}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    },
  );

  test("a request without Host reaches the handler", async () => {
    const { port } = await start();
    expect(await sendRaw(port, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 /);
  });
});

test("an offer of another protocol is ignored, and the connection is kept", async () => {
  const { port } = await start({
    onUpgrade: () => undefined,
    onRequest: (req, res) => {
      let body = "";
      req.on("data", (chunk: Buffer) => (body += chunk.toString()));
      req.on("end", () => res.end(`${req.method} ${req.url} ${String(req.headers["x-a"])} ${body}`));
    },
  });
  const offer = "Upgrade: h2c\r\nHTTP2-Settings: AA\r\nConnection: Upgrade, HTTP2-Settings";
  const socket = connect(port, "127.0.0.1");
  const closed = once(socket, "close");
  socket.write(`POST /1 HTTP/1.1\r\nHost: x\r\n${offer}\r\nX-A: b\r\nContent-Length: 2\r\n\r\n{}`);
  const [first] = (await once(socket, "data")) as [Buffer];
  expect(first.toString()).toContain("POST /1 b {}");
  let answers = "";
  socket.on("data", (chunk: Buffer) => (answers += chunk.toString()));
  const pipelined = `GET /2 HTTP/1.1\r\nHost: x\r\n${offer}\r\nX-A: c\r\n\r\n`;
  socket.write(`${pipelined}GET /3 HTTP/1.1\r\nHost: x\r\n${offer}, close\r\nX-A: d\r\n\r\n`);
  await closed;
  expect(answers).toContain("GET /2 c");
  expect(answers).toContain("GET /3 d");
});

describe("a URL with bytes beyond ASCII", () => {
  const echo: HttpServerOptions["onRequest"] = (req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => res.end(`${req.method} ${req.url} ${Buffer.concat(chunks).toString()}`));
  };
  const utf8 = (text: string): Buffer => Buffer.from(text, "utf8");

  test("is served escaped, and the connection ends with the answer", async () => {
    const { port } = await start({ onRequest: echo });
    const answer = await sendRaw(port, utf8("GET /?a=é用%20x HTTP/1.1\r\nHost: x\r\n\r\n"));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nConnection: close\r\n/i);
    expect(answer).toContain("GET /?a=%C3%A9%E7%94%A8%20x ");
  });

  test("may have a body that comes in later packets", async () => {
    const { port } = await start({ onRequest: echo });
    const socket = connect(port, "127.0.0.1");
    const closed = once(socket, "close");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.write(
      utf8("POST /?a=é HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 300000\r\n\r\n"),
    );
    await once(socket, "data");
    socket.write("y".repeat(300_000));
    await closed;
    expect(Buffer.concat(chunks).toString()).toContain(`POST /?a=%C3%A9 ${"y".repeat(300_000)}`);
  });

  test("may follow an answered request on the same connection", async () => {
    const { port } = await start({ onRequest: echo });
    const socket = connect(port, "127.0.0.1");
    const closed = once(socket, "close");
    let text = "";
    socket.write("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(socket, "data");
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.write(utf8("GET /?b=é HTTP/1.1\r\nHost: x\r\n\r\n"));
    await closed;
    expect(text).toContain("GET /?b=%C3%A9 ");
  });

  /** Sends each part when the server has read those before it, and resolves with all that came back. */
  async function sendInParts(port: number, server: Server, parts: readonly Buffer[]): Promise<string> {
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const client = connect(port, "127.0.0.1");
    client.setNoDelay();
    let text = "";
    client.on("data", (chunk: Buffer) => (text += chunk.toString())).on("error", () => undefined);
    const closed = once(client, "close");
    const [peer] = await accepted;
    let sent = 0;
    for (const part of parts) {
      client.write(part);
      sent += part.length;
      await vi.waitUntil(() => peer.bytesRead === sent || client.closed, { interval: 1 });
    }
    await closed;
    return text;
  }

  test("may come in any number of packets", async () => {
    const {
      server: { server: http },
      port,
    } = await start({ onRequest: echo });
    const request = utf8("POST /?a=aé&b=用 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    const expected = "POST /?a=a%C3%A9&b=%E7%94%A8 hi";
    for (let cut = 1; cut < request.length; cut += 1) {
      const answer = await sendInParts(port, http, [request.subarray(0, cut), request.subarray(cut)]);
      expect(answer, `cut at ${cut}`).toContain(expected);
    }
    const bytes = Array.from(request, (byte) => Buffer.from([byte]));
    expect(await sendInParts(port, http, bytes)).toContain(expected);
  });

  test("may come in several packets behind an answered request with a body", async () => {
    const {
      server: { server: http },
      port,
    } = await start({ onRequest: echo });
    const accepted = once(http, "connection") as Promise<[Socket]>;
    const client = connect(port, "127.0.0.1");
    const closed = once(client, "close");
    const [peer] = await accepted;
    client.write("POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo");
    await vi.waitUntil(() => peer.bytesRead > 50, { interval: 1 });
    client.write("dy");
    await once(client, "data");
    const before = peer.bytesRead;
    client.write("GET /?second");
    await vi.waitUntil(() => peer.bytesRead === before + 12, { interval: 1 });
    let text = "";
    client.on("data", (chunk: Buffer) => (text += chunk.toString()));
    client.write(utf8("=é HTTP/1.1\r\nHost: x\r\n\r\n"));
    await closed;
    expect(text).toContain("GET /?second=%C3%A9 ");
  });

  test("a body that was answered before it came is no part of what follows it", async () => {
    const urls: (string | undefined)[] = [];
    const {
      server: { server: http },
      port,
    } = await start({
      onRequest: (req, res) => {
        urls.push(req.url);
        res.end("early");
      },
    });
    const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    const head = `POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: ${smuggled.length}\r\n\r\n`;
    const answer = await sendInParts(port, http, [
      Buffer.from(head),
      Buffer.from(smuggled.slice(0, 10)),
      Buffer.from(smuggled.slice(10)),
      utf8("GET /?a=é HTTP/1.1\r\nHost: x\r\n\r\n"),
    ]);
    expect(urls).toEqual(["/first"]);
    expect(answer).toContain("HTTP/1.1 400 ");
  });

  test("that does not end is answered with 431, 408 or 400", async () => {
    const {
      server: { server: http },
      port,
    } = await start({ onRequest: echo, maxHeaderBytes: 4096, headersTimeoutMs: 200 });
    const statusOf = async (...parts: readonly string[]): Promise<string> =>
      (await sendInParts(port, http, parts.map(utf8))).slice(9, 12);
    expect(await statusOf("GET /?a=é", "x".repeat(3000), "x".repeat(3000))).toBe("431");
    expect(await statusOf("GET /?a=é")).toBe("408");
    expect(await statusOf("GET /?a=é", "\u0001")).toBe("400");
    expect(await statusOf("GET /?a=\u0001")).toBe("400");
  });

  test.each([
    "GET /?a=é\u0001 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /?a=é b HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET é HTTP/2.0\r\n\r\n",
    "GET /\u0001 HTTP/1.1\r\nHost: x\r\n\r\n",
  ])("that is no URL otherwise is answered with 400: %j", async (request) => {
    const { port } = await start({ onRequest: echo });
    expect(await sendRaw(port, utf8(request))).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("is too large after the escaping where it is over the limit then", async () => {
    const { port } = await start({ maxHeaderBytes: 4096 });
    const request = `GET /?a=${"用".repeat(1000)} HTTP/1.1\r\nHost: x\r\n\r\n`;
    expect(await sendRaw(port, utf8(request))).toMatch(/^HTTP\/1\.1 431 /);
  });

  test("is no upgrade", async () => {
    const { port } = await start({ onUpgrade: () => undefined });
    const request = "GET /?a=é HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(await sendRaw(port, utf8(request))).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("does not keep a server from closing", async () => {
    const held = heldRequests();
    const { server, port } = await start({ onRequest: held.onRequest });
    const answer = sendRaw(port, utf8("GET /?a=é HTTP/1.1\r\nHost: x\r\n\r\n"));
    const res = await held.next();
    const closed = server.close(60_000);
    res.end("last");
    expect(await answer).toContain("last");
    await closed;
  });
});

describe("handlers that throw", () => {
  test("are logged, and end the connection", async () => {
    const logged: unknown[] = [];
    const { port } = await start({
      onRequest: () => {
        throw new Error("request");
      },
      onUpgrade: () => {
        throw new Error("upgrade");
      },
      log: (_message, error) => logged.push(error),
    });
    await expect(ask(port, "/")).rejects.toThrow();
    await sendRaw(port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    expect(logged.map(String)).toEqual(["Error: request", "Error: upgrade"]);
  });
});

describe("closing", () => {
  test("a running request ends with Connection: close, idle connections end, and no new ones are taken", async () => {
    const held = heldRequests();
    const { server, port } = await start({ onRequest: held.onRequest });
    const agent = new Agent({ keepAlive: true });
    const idle = ask(port, "/idle", { agent });
    (await held.next()).end();
    await idle;
    const silent = connect(port, "127.0.0.1");
    await once(silent, "connect");
    const slow = ask(port, "/slow", { agent: new Agent({ keepAlive: true }) });
    const res = await held.next();

    const silentClosed = once(silent, "close");
    const closed = server.close(60_000);
    silent.on("error", () => undefined);
    await silentClosed;
    await expect(ask(port, "/late")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    res.end("slow answer");
    expect(await slow).toMatchObject({ status: 200, text: "slow answer", headers: { connection: "close" } });
    await closed;
    agent.destroy();
  });

  test("an answer that was begun before goes on to its end", async () => {
    const held = heldRequests();
    const { server, port } = await start({ onRequest: held.onRequest });
    const reply = ask(port, "/", { agent: new Agent({ keepAlive: true }) });
    const res = await held.next();
    res.write("one ");
    const closed = server.close(60_000);
    res.end("two");
    expect(await reply).toMatchObject({ text: "one two" });
    await closed;
  });

  test("what is left after the grace is destroyed, upgraded sockets included", async () => {
    const held = heldRequests();
    let heardUpgrade = (): void => undefined;
    const upgraded = new Promise<void>((resolve) => (heardUpgrade = resolve));
    const { server, port } = await start({ onRequest: held.onRequest, onUpgrade: () => heardUpgrade() });
    const stuck = ask(port, "/");
    const rejected = expect(stuck).rejects.toThrow();
    const upgrade = sendRaw(
      port,
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    await Promise.all([held.next(), upgraded]);
    const first = server.close(1);
    expect(server.close(60_000)).toBe(first);
    await first;
    await rejected;
    await upgrade.catch(() => undefined);
  });

  test("a server that never listened closes", async () => {
    await create().close(60_000);
  });

  test("Connection: close stands in answers to requests that come while closing", async () => {
    const held = heldRequests();
    const { server, port } = await start({ onRequest: held.onRequest });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const req = get({ port, host: "127.0.0.1", agent });
    const res = await held.next();
    const closed = server.close(60_000);
    res.end("x");
    const [answer] = (await once(req, "response")) as [
      { headers: { connection?: string }; resume: () => void },
    ];
    answer.resume();
    expect(answer.headers.connection).toBe("close");
    await closed;
  });
});
