import { EventEmitter, once } from "node:events";
import { request as httpRequest, type RequestOptions } from "node:http";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createAccess } from "../../src/http/access.js";
import { CenterError } from "../../src/errors.js";
import { type ApiOptions, createApi } from "../../src/http/api.js";
import type { ClassicContext } from "../../src/http/classic-answers.js";
import type { CallInfo } from "../../src/http/exchange.js";
import type { ClassicRequest } from "../../src/http/classic-request.js";
import type { Middleware } from "../../src/http/middleware.js";
import { createHttpServer, type HttpServer } from "../../src/http/server.js";
import { ask, type Reply, sendRaw } from "./http-client.js";

const running: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close(0)));
});

interface Served {
  port: number;
  /** The requests that reached `classic`. */
  requests: ClassicRequest[];
  calls: CallInfo[];
  errors: unknown[];
  /** One request whose answer is JSON. */
  json: (path: string, options?: RequestOptions & { body?: string | Buffer }) => Promise<unknown>;
}

const OK = '{"code":0,"msg":"ok","extra":[],"data":"é"}';

async function serve(
  options: Partial<ApiOptions> & { next?: (error?: unknown) => string } = {},
): Promise<Served> {
  const requests: ClassicRequest[] = [];
  const calls: CallInfo[] = [];
  const errors: unknown[] = [];
  const api = createApi({
    access: createAccess({ tokens: () => [] }),
    allowedOrigins: [],
    routes: {},
    classic: (request) => {
      requests.push(request);
      return Promise.resolve(OK);
    },
    strict: false,
    limits: { maxBodyBytes: 1000, maxIdBytes: 100, maxMessageBytes: 100 },
    onCall: (info) => calls.push(info),
    onError: (error) => errors.push(error),
    ...options,
  });
  const { handleShort } = api;
  const server = createHttpServer({
    maxHeaderBytes: 65_536,
    headersTimeoutMs: 60_000,
    // As a center has it.
    lane: handleShort === undefined ? undefined : { maxBodyBytes: 1000, onRequest: handleShort },
    onRequest: (req, res) => {
      const { next } = options;
      if (next === undefined) api.handle(req, res);
      else api.handle(req, res, (error) => res.end(next(error)));
    },
  });
  running.push(server);
  const port = await server.listen(0, "127.0.0.1");
  const json: Served["json"] = async (path, asked) => JSON.parse((await ask(port, path, asked)).text);
  return { port, requests, calls, errors, json };
}

const failed = (message: string) => ({ code: 1, msg: message, data: [] });
const names = ({ events }: ClassicRequest): string[] => events.map(({ event }) => event);

describe("an answer", () => {
  test("has exactly its headers, and a call id of its own", async () => {
    const { port, calls } = await serve();
    const first = await ask(port, "/any/path?event=getIds");
    expect(first).toMatchObject({
      status: 200,
      text: OK,
      headers: {
        "content-type": "application/json; charset=utf-8",
        "content-length": String(Buffer.byteLength(OK)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "wsc-call-id": expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      },
    });
    const second = await ask(port, "/?event=getIds");
    expect(second.headers["wsc-call-id"]).not.toBe(first.headers["wsc-call-id"]);
    expect(calls.map(({ callId }) => callId)).toEqual(
      [first, second].map(({ headers }) => headers["wsc-call-id"]),
    );
    expect(calls[0]).toMatchObject({ status: 200, events: ["getIds"], outcome: "ok" });
  });

  test("of HEAD has the headers of GET and no body, and the events run", async () => {
    const { port, requests } = await serve();
    const reply = await ask(port, "/?event=getIds", { method: "HEAD" });
    expect(reply).toMatchObject({ status: 200, text: "" });
    expect(reply.headers["content-length"]).toBe(String(Buffer.byteLength(OK)));
    expect(requests.map(names)).toEqual([["getIds"]]);
  });

  test.each(["PUT", "DELETE", "PATCH", "TRACE"])("to %s is 405, and nothing runs", async (method) => {
    const { port, requests } = await serve();
    const reply = await ask(port, "/?event=getIds", { method });
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toBe("GET, POST, HEAD, OPTIONS");
    expect(JSON.parse(reply.text)).toEqual(failed("method not allowed"));
    expect(requests).toEqual([]);
  });
});

describe("events", () => {
  test("come from body and query, with the deadline of the query", async () => {
    const { json, requests } = await serve();
    await json("/?event=isOnlineId&timeoutMs=70", {
      method: "POST",
      body: '{"isOnlineId":{"id":9007199254740993}}',
    });
    expect(requests).toMatchObject([
      {
        events: [{ command: { name: "isUserOnline", params: { userId: "9007199254740993" } } }],
        timeoutMs: 70,
      },
    ]);
  });

  test("a URL that nobody escaped is read as UTF-8", async () => {
    const { port, requests } = await serve();
    const line = "GET /?event=isOnlineId&isOnlineId[id]=用é HTTP/1.1\r\nHost: localhost\r\n\r\n";
    expect(await sendRaw(port, Buffer.from(line))).toMatch(/^HTTP\/1\.1 200 /);
    expect(requests).toMatchObject([{ events: [{ command: { params: { userId: "用é" } } }] }]);
  });

  test.each([
    ["", "event error"],
    ["?event=0", "event error"],
    ["?event=getIds&timeoutMs=0", "timeoutMs error: expected a whole number from 1 to 60000"],
  ])("/%s fails the request", async (query, message) => {
    const { json, requests, calls } = await serve();
    expect(await json(`/${query}`)).toEqual(failed(message));
    expect(requests).toEqual([]);
    expect(calls).toMatchObject([{ outcome: "refused", events: [] }]);
  });

  test("bad parameters and unknown events reach a center's classic API", async () => {
    const { json, requests } = await serve();
    await json("/?event=bindId,bogus");
    expect(requests[0]?.events.map(({ kind }) => kind)).toEqual(["invalid", "unknown"]);
  });

  test("at a node's port a bad parameter fails all, and so do none but unknown events", async () => {
    const { json, requests, calls } = await serve({ strict: true });
    expect(await json("/?event=getIds,bindId")).toEqual(
      failed('bindId: parameter "id" is missing; expected a user id (text or number)'),
    );
    expect(await json("/?event=bogus")).toEqual(failed('unknown event "bogus"'));
    expect(requests).toEqual([]);
    expect(calls[0]).toMatchObject({ events: ["getIds", "bindId"], outcome: "refused" });
    await json("/?event=bogus,getIds");
    expect(requests.map(names)).toEqual([["bogus", "getIds"]]);
  });
});

describe("bodies", () => {
  test.each([
    ["{", "the body is not valid JSON"],
    ["[1]", "the body is not a JSON object"],
    ["null", "the body is not a JSON object"],
    [Buffer.from([0xff]), "the body is not UTF-8"],
  ])("%j fails the request", async (body, message) => {
    const { json, requests } = await serve();
    const answer = (await json("/?event=getIds", { method: "POST", body })) as { code: number; msg: string };
    expect(answer.code).toBe(1);
    expect(answer.msg).toMatch(message);
    expect(requests).toEqual([]);
  });

  test.each(["", "[]", "{}"])("%j is an empty object", async (body) => {
    const { json, requests } = await serve();
    await json("/?event=getIds", { method: "POST", body, headers: { "Content-Type": "text/plain" } });
    expect(requests).toHaveLength(1);
  });

  test("one that is too large is answered with 413 and nothing runs", async () => {
    const { port, requests, calls } = await serve();
    for (const headers of [{}, { "Transfer-Encoding": "chunked" }]) {
      const body = Buffer.alloc(5_000_000, 32);
      const reply = await ask(port, "/?event=getIds", { method: "POST", body, headers });
      expect(reply.status).toBe(413);
      expect(reply.headers).toMatchObject({
        connection: "close",
        "content-length": String(reply.text.length),
      });
      expect(JSON.parse(reply.text)).toEqual(failed("the body is larger than 1000 bytes"));
    }
    expect(requests).toEqual([]);
    expect(calls).toMatchObject([{ status: 413 }, { status: 413 }]);
  });

  test("GET's is not read", async () => {
    const { json, requests } = await serve();
    await json("/?event=getIds", {
      method: "GET",
      body: '{"event":"get_Ids"}',
      headers: { "Content-Length": 19 },
    });
    expect(requests.map(names)).toEqual([["getIds"]]);
  });

  test("what an application's own parser left is taken", async () => {
    const parser: Middleware = (req, _res, next) => {
      req.on("data", () => undefined);
      req.on("end", () => {
        Object.assign(req, { body: { event: "get_Ids" } });
        next();
      });
    };
    const { json, requests } = await serve({ middleware: [parser] });
    await json("/", { method: "POST", body: "whatever" });
    expect(requests.map(names)).toEqual([["get_Ids"]]);
  });
});

describe("tokens", () => {
  const post = (body: string, headers = {}): RequestOptions & { body: string } => ({
    method: "POST",
    body,
    headers,
  });
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  test("the query's, the header's or the body's opens the API", async () => {
    const { json, requests } = await serve({ access: createAccess({ tokens: () => ["s3cret", "other"] }) });
    await json("/?event=getIds&token=s3cret");
    await json("/?event=getIds", { headers: bearer("other") });
    await json("/?event=getIds", post('{"token":"s3cret"}'));
    expect(requests).toHaveLength(3);
  });

  test("the first of the three decides", async () => {
    const { json, requests } = await serve({ access: createAccess({ tokens: () => ["s3cret"] }) });
    const wrong = [
      json("/?event=getIds"),
      json("/?event=getIds&token="),
      json("/?event=getIds&token[]=s3cret"),
      json("/?event=getIds&token=bad", { headers: bearer("s3cret") }),
      json("/?event=getIds", post('{"token":"s3cret"}', bearer("bad"))),
      json("/?event=getIds&token=bad", post('{"token":"s3cret"}')),
      json("/?event=getIds", post('{"token":["s3cret"]}')),
      json("/?event=getIds", post("{}")),
    ];
    for (const answer of await Promise.all(wrong)) expect(answer).toEqual(failed("token error"));
    expect(requests).toEqual([]);
  });

  test("token error comes before everything else that is wrong", async () => {
    const { json, port } = await serve({ access: createAccess({ tokens: () => ["s3cret"] }) });
    expect(await json("/?token=bad", post("{"))).toEqual(failed("token error"));
    expect(await json("/", post("{"))).toEqual(failed("token error"));
    expect(await json("/?event=0")).toEqual(failed("token error"));
    // Not read at all, so not too large either.
    expect((await ask(port, "/?token=bad", post(" ".repeat(2000)))).status).toBe(200);
  });

  test("any host and origin may ask, and is told so", async () => {
    const { port } = await serve({ access: createAccess({ tokens: () => ["s3cret"] }) });
    const headers = {
      Host: "api.example.com",
      Origin: "https://evil.example",
      "Sec-Fetch-Site": "cross-site",
    };
    const reply = await ask(port, "/?event=getIds", { headers });
    expect(reply).toMatchObject({
      status: 200,
      headers: {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "WSC-Call-Id, Retry-After",
      },
    });
  });
});

test("a body without the right token is not parsed, however large it is", async () => {
  const limits = { maxBodyBytes: 8_388_608, maxIdBytes: 100, maxMessageBytes: 100 };
  const { port, requests } = await serve({ access: createAccess({ tokens: () => ["T"] }), limits });
  const parsed = vi.spyOn(JSON, "parse");
  onTestFinished(() => parsed.mockRestore());
  const long = `[${"12345678901234567,{},".repeat(300_000)}1]`;
  const answers: string[] = [];
  for (const token of ['"wrong"', "true", '{"T":"T"}']) {
    const body = `{"getIds":${long},"token":${token}}`;
    answers.push((await ask(port, "/?event=getIds", { method: "POST", body })).text);
  }
  const longest = Math.max(0, ...parsed.mock.calls.map(([text]) => text.length));
  expect(longest).toBeLessThan(100);
  expect(answers.map((text): unknown => JSON.parse(text))).toEqual(
    Array.from({ length: 3 }, () => failed("token error")),
  );
  expect(requests).toEqual([]);
});

describe("browsers", () => {
  test.each([
    { Host: "rebound.example" },
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { "Sec-Fetch-Site": "cross-site" },
  ])("%j is refused with 403 in the classic shape, and nothing runs", async (headers) => {
    const { port, requests } = await serve();
    for (const method of ["GET", "POST", "HEAD", "OPTIONS"]) {
      const reply = await ask(port, "/?event=getIds", { method, headers });
      expect(reply.status).toBe(403);
      expect(reply.headers).not.toHaveProperty("access-control-allow-origin");
      if (method !== "HEAD") expect(JSON.parse(reply.text)).toMatchObject({ code: 1, data: [] });
    }
    expect(requests).toEqual([]);
  });

  test("a request without Host is refused", async () => {
    const { port } = await serve();
    expect(await sendRaw(port, "GET /?event=getIds HTTP/1.1\r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 403 /,
    );
  });

  test("an allowed origin is echoed", async () => {
    const { port } = await serve({ allowedOrigins: ["https://admin.example.com"] });
    for (const origin of ["http://localhost:5173", "https://admin.example.com"]) {
      const { headers } = await ask(port, "/?event=getIds", { headers: { Origin: origin } });
      expect(headers).toMatchObject({
        "access-control-allow-origin": origin,
        vary: "Origin",
        "access-control-expose-headers": "WSC-Call-Id, Retry-After",
      });
    }
  });

  test("a preflight is answered without a token and runs nothing", async () => {
    const { port, requests } = await serve({ access: createAccess({ tokens: () => ["s3cret"] }) });
    const headers = {
      Origin: "https://app.example",
      "Access-Control-Request-Headers": "content-type, x-trace",
    };
    const reply = await ask(port, "/?event=getIds", { method: "OPTIONS", headers });
    expect(reply).toMatchObject({
      status: 204,
      text: "",
      headers: {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, POST, HEAD, OPTIONS",
        "access-control-allow-headers": "content-type, x-trace",
        "access-control-max-age": "7200",
      },
    });
    expect(reply.headers).not.toHaveProperty("content-length");
    expect(requests).toEqual([]);
  });
});

describe("routes", () => {
  const routes: ApiOptions["routes"] = {
    "/livez": { public: true, handle: () => ({ status: 200, contentType: "text/plain", body: "alive" }) },
    "/metrics": {
      handle: () => Promise.resolve({ status: 200, contentType: "text/plain", body: Buffer.from("m 1\n") }),
    },
    "/broken": { handle: () => Promise.reject(new Error("broken")) },
  };

  test("public ones are answered whoever asks", async () => {
    const { port } = await serve({ routes, access: createAccess({ tokens: () => ["s3cret"] }) });
    expect(await ask(port, "/livez?x=1")).toMatchObject({
      status: 200,
      text: "alive",
      headers: { "content-type": "text/plain", "content-length": "5" },
    });
    const local = await serve({ routes });
    const headers = { Host: "evil.example", Origin: "https://evil.example" };
    expect((await ask(local.port, "/livez", { headers })).status).toBe(200);
    expect(await ask(local.port, "/livez", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
  });

  test("others need the token, and without one the rules of browsers hold", async () => {
    const { port } = await serve({ routes, access: createAccess({ tokens: () => ["s3cret"] }) });
    const refused = await ask(port, "/metrics");
    expect(refused.status).toBe(401);
    expect(refused.headers).toMatchObject({
      "content-type": "application/problem+json; charset=utf-8",
      "www-authenticate": "Bearer",
    });
    expect(JSON.parse(refused.text)).toMatchObject({ status: 401, code: "TOKEN_REQUIRED" });
    expect(await ask(port, "/metrics?token=s3cret")).toMatchObject({ status: 200, text: "m 1\n" });
    expect((await ask(port, "/metrics", { headers: { Authorization: "Bearer s3cret" } })).status).toBe(200);
    const local = await serve({ routes });
    expect((await ask(local.port, "/metrics")).status).toBe(200);
    const foreign = await ask(local.port, "/metrics", { headers: { Host: "evil.example" } });
    expect(foreign).toMatchObject({
      status: 403,
      headers: { "content-type": "application/problem+json; charset=utf-8" },
    });
    expect(JSON.parse(foreign.text)).toMatchObject({ status: 403, code: "REQUEST_REFUSED" });
  });

  test("are for GET and HEAD", async () => {
    const { port } = await serve({ routes });
    expect(await ask(port, "/livez", { method: "POST" })).toMatchObject({
      status: 405,
      headers: { allow: "GET, HEAD" },
    });
    expect(await ask(port, "/metrics", { method: "POST" })).toMatchObject({
      status: 405,
      headers: { allow: "GET, HEAD, OPTIONS" },
    });
    expect((await ask(port, "/metrics", { method: "OPTIONS" })).status).toBe(204);
  });

  test("a body that is too large is a problem document with 413, and nothing runs", async () => {
    const handle = vi.fn(() => ({ status: 200, contentType: "text/plain", body: "" }));
    const { port } = await serve({ routes: { "/things": { method: "POST", handle } } });
    const reply = await ask(port, "/things", { method: "POST", body: Buffer.alloc(5000, 32) });
    expect(reply).toMatchObject({
      status: 413,
      headers: { "content-type": "application/problem+json; charset=utf-8", connection: "close" },
    });
    expect(JSON.parse(reply.text)).toMatchObject({
      code: "BODY_TOO_LARGE",
      detail: "the body is larger than 1000 bytes",
    });
    expect(handle).not.toHaveBeenCalled();
  });

  test("one that fails is a problem document, and is reported", async () => {
    const { port, errors } = await serve({ routes });
    const reply = await ask(port, "/broken");
    expect(reply.status).toBe(500);
    expect(JSON.parse(reply.text)).toMatchObject({ code: "INTERNAL", detail: "internal error" });
    expect(errors.map(String)).toEqual(["Error: broken"]);
  });

  test("their names are paths and nothing else", async () => {
    const { json, requests } = await serve({ routes });
    for (const path of ["/livez/", "/constructor", "/__proto__", "/x/livez"])
      await json(`${path}?event=getIds`);
    expect(requests).toHaveLength(4);
  });
});

describe("every request is told of once, with its call id, status and outcome", () => {
  const answer = { status: 200, contentType: "text/plain", body: "" };
  const routes: ApiOptions["routes"] = {
    "/livez": { public: true, handle: () => answer },
    "/things/{name}": {
      method: "POST",
      handle: ({ params }) => {
        if (params["name"] === "fault") throw new Error("fault");
        if (params["name"] === "late") throw new CenterError("NODE_TIMEOUT", "late");
        if (params["name"] === "wrong") throw new CenterError("INVALID_PARAMS", "wrong");
        return answer;
      },
    },
  };
  const token = "?token=T";

  test.each<[string, string, RequestOptions & { body?: string }, Partial<CallInfo>]>([
    ["a public route", "/livez", {}, { status: 200, outcome: "ok", route: "/livez" }],
    ["another method", "/livez", { method: "PUT" }, { status: 405, outcome: "refused", route: "/livez" }],
    [
      "a route",
      `/things/a${token}`,
      { method: "POST" },
      { status: 200, outcome: "ok", route: "/things/{name}" },
    ],
    [
      "no token",
      "/things/a",
      { method: "POST" },
      { status: 401, outcome: "refused", route: "/things/{name}" },
    ],
    [
      "a preflight",
      "/things/a",
      { method: "OPTIONS" },
      { status: 204, outcome: "ok", route: "/things/{name}" },
    ],
    [
      "a body that is no JSON",
      `/things/a${token}`,
      { method: "POST", body: "{" },
      { status: 400, outcome: "refused" },
    ],
    [
      "a body too large",
      `/things/a${token}`,
      { method: "POST", body: "x".repeat(2000) },
      { status: 413, outcome: "refused" },
    ],
    [
      "a problem of the caller's",
      `/things/wrong${token}`,
      { method: "POST" },
      { status: 400, outcome: "refused" },
    ],
    [
      "a problem of the cluster's",
      `/things/late${token}`,
      { method: "POST" },
      { status: 504, outcome: "failed" },
    ],
    ["a fault", `/things/fault${token}`, { method: "POST" }, { status: 500, outcome: "internalError" }],
    ["a classic preflight", "/", { method: "OPTIONS" }, { status: 204, outcome: "ok", events: [] }],
    ["a classic call", `/${token}&event=getIds`, {}, { status: 200, outcome: "ok", events: ["getIds"] }],
    ["a token error", "/?event=getIds", {}, { status: 200, outcome: "refused", events: [] }],
  ])("%s", async (_, path, options, info) => {
    for (const middleware of [[], [(_req, _res, next) => next()] satisfies Middleware[]]) {
      const { port, calls } = await serve({
        routes,
        access: createAccess({ tokens: () => ["T"] }),
        middleware,
      });
      const { headers, status } = await ask(port, path, options);
      expect(calls).toEqual([expect.objectContaining({ ...info, status, callId: headers["wsc-call-id"] })]);
      expect(status).toBe(info.status);
    }
  });

  test("what middleware answers by itself too", async () => {
    const middleware: Middleware[] = [(_req, res) => void res.writeHead(418).end()];
    const { port, calls } = await serve({ middleware });
    await ask(port, "/?event=getIds");
    await vi.waitUntil(() => calls.length > 0);
    expect(calls).toMatchObject([{ status: 418, outcome: "middleware", events: [] }]);
  });

  test("a caller that leaves while a route runs", async () => {
    const begun = new EventEmitter();
    const slow: ApiOptions["routes"] = {
      "/slow": {
        handle: async ({ signal }) => {
          begun.emit("begun");
          await once(signal, "abort");
          return answer;
        },
      },
    };
    const { port, calls } = await serve({ routes: slow });
    const isBegun = once(begun, "begun");
    const request = httpRequest({ port, host: "127.0.0.1", path: "/slow" }).on("error", () => undefined);
    request.end();
    await isBegun;
    request.destroy();
    await vi.waitUntil(() => calls.length > 0);
    expect(calls).toMatchObject([{ status: 499, outcome: "aborted", route: "/slow" }]);
  });
});

describe("an API that is off, or has routes only", () => {
  test("answers 404 but for public routes", async () => {
    const routes: ApiOptions["routes"] = {
      "/livez": { public: true, handle: () => ({ status: 200, contentType: "text/plain", body: "" }) },
      "/metrics": { handle: () => ({ status: 200, contentType: "text/plain", body: "" }) },
    };
    let isOff = true;
    const { port, requests } = await serve({ routes, off: () => isOff });
    for (const method of ["GET", "POST", "OPTIONS", "PUT"]) {
      const reply = await ask(port, "/?event=getIds", { method });
      expect(reply.status).toBe(404);
      expect(JSON.parse(reply.text)).toEqual(failed("not found"));
    }
    expect((await ask(port, "/metrics")).status).toBe(404);
    expect((await ask(port, "/livez")).status).toBe(200);
    isOff = false;
    expect((await ask(port, "/?event=getIds")).status).toBe(200);
    expect(requests).toHaveLength(1);
  });

  test("leaves what it does not serve to next", async () => {
    const { classic: _classic, ...none } = { classic: undefined };
    const { port } = await serve({ ...none, off: () => true, next: () => "the application's" });
    expect(await ask(port, "/elsewhere")).toMatchObject({ status: 200, text: "the application's" });
  });
});

describe("middleware", () => {
  test("runs first and may answer by itself", async () => {
    const order: string[] = [];
    const { port, requests } = await serve({
      middleware: [
        (_req, res, next) => {
          order.push("first");
          res.setHeader("X-App", "yes");
          next();
        },
        (req, res, next) => {
          order.push("second");
          if (req.url === "/mine") res.end("mine");
          else next();
        },
      ],
    });
    expect(await ask(port, "/mine")).toMatchObject({ text: "mine" });
    expect(await ask(port, "/?event=getIds")).toMatchObject({ text: OK, headers: { "x-app": "yes" } });
    expect(order).toEqual(["first", "second", "first", "second"]);
    expect(requests).toHaveLength(1);
  });

  test.each<[string, Middleware]>([
    [
      "throws",
      () => {
        throw new Error("m");
      },
    ],
    ["rejects", () => Promise.reject(new Error("m"))],
    ["passes an error on", (_req, _res, next) => next(new Error("m"))],
  ])("that %s is an internal error", async (_, middleware) => {
    const { json, errors, requests } = await serve({ middleware: [middleware] });
    expect(await json("/?event=getIds")).toEqual(failed("internal error"));
    expect(errors.map(String)).toEqual(["Error: m"]);
    expect(requests).toEqual([]);
  });

  test("that fails in the middle of an answer breaks it off", async () => {
    const { port, errors } = await serve({
      middleware: [
        (_req, res) => {
          res.write("half");
          throw new Error("m");
        },
      ],
    });
    await expect(ask(port, "/")).rejects.toThrow();
    expect(errors).toHaveLength(1);
  });
});

describe("faults and callers that leave", () => {
  test.each<[string, () => Promise<string>]>([
    [
      "throws",
      () => {
        throw new Error("s3cret fault");
      },
    ],
    ["rejects", () => Promise.reject(new Error("s3cret fault"))],
  ])("a classic API that %s is an internal error that tells nothing", async (_, classic) => {
    const { port, errors, calls } = await serve({ classic });
    const reply: Reply = await ask(port, "/?event=getIds");
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text)).toEqual(failed("internal error"));
    expect(errors.map(String)).toEqual(["Error: s3cret fault"]);
    expect(calls).toMatchObject([{ outcome: "internalError", status: 200 }]);
  });

  test("a hook that throws spoils no answer", async () => {
    const { json, errors } = await serve({
      onCall: () => {
        throw new Error("hook");
      },
    });
    expect(await json("/?event=getIds")).toEqual(JSON.parse(OK));
    expect(errors.map(String)).toEqual(["Error: hook"]);
  });

  test("a caller that goes away aborts the signal", async () => {
    let hear = (_context: ClassicContext): void => undefined;
    const context = new Promise<ClassicContext>((resolve) => (hear = resolve));
    let hearCall = (_info: CallInfo): void => undefined;
    const call = new Promise<CallInfo>((resolve) => (hearCall = resolve));
    const { port, errors } = await serve({
      classic: (_request, given) => {
        hear(given);
        return new Promise((_resolve, reject) =>
          given.signal.addEventListener("abort", {
            handleEvent: () => reject(new CenterError("ABORTED", "gone")),
          }),
        );
      },
      onCall: (info) => hearCall(info),
    });
    const req = httpRequest({ host: "127.0.0.1", port, path: "/?event=getIds" });
    req.on("error", () => undefined);
    req.end();
    const { signal, callId } = await context;
    expect(signal.aborted).toBe(false);
    req.destroy();
    expect(await call).toMatchObject({ callId, outcome: "aborted", status: 499, events: ["getIds"] });
    expect(signal.aborted).toBe(true);
    expect(errors).toEqual([]);
  });

  test("an answered call leaves its signal alone", async () => {
    let signal: ClassicContext["signal"] | undefined;
    const { port } = await serve({
      classic: (_request, context) => {
        signal = context.signal;
        return Promise.resolve(OK);
      },
    });
    await ask(port, "/?event=getIds");
    await running[0]?.close(1000);
    expect(signal?.aborted).toBe(false);
  });
});
