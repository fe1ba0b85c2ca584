import { request } from "node:http";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "./client.js";
import { at } from "./cluster.js";
import { dataOf, isFailure, parse } from "./http.js";
import type { Answer } from "./http.js";
import { useCluster } from "./use-cluster.js";

const cluster = useCluster({ env: { WSC_ALLOWED_ORIGINS: "https://app.example,http://other.example:8080" } });
let client: Client;

beforeAll(async () => {
  client = await cluster().connectClient(0);
});

beforeEach(() => client.flushAndTake());

const path = "/?event=broadcast&broadcast[msg]=ran";

describe.each(["a center", "a node's port"])("%s without a token", (place) => {
  const ask = (headers: Record<string, string>, method = "GET"): Promise<Answer> =>
    place === "a center"
      ? cluster().atCenter(0, { method, path, headers })
      : cluster().atNode(0, { method, path, headers });

  async function served(headers: Record<string, string>): Promise<Answer> {
    const answer = await ask(headers);
    expect(dataOf(answer)).toHaveProperty("broadcast");
    expect(await client.flushAndTake()).toEqual(["ran"]);
    return answer;
  }

  async function refused(headers: Record<string, string>, method = "GET"): Promise<void> {
    const answer = await ask(headers, method);
    expect(answer.status).toBe(403);
    expect(parse(answer)).toSatisfy(isFailure);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(await client.flushAndTake()).toEqual([]);
  }

  test.each([
    "localhost",
    "localhost:1234",
    "LOCALHOST",
    "a.localhost",
    "a.b.localhost:80",
    "127.0.0.1:8011",
    "127.8.9.1",
    "[::1]",
    "[::1]:8011",
  ])("answers the host %s", async (host) => {
    await served({ host });
  });

  test.each([
    "evil.example",
    "localhost.evil.example",
    "notlocalhost",
    "evil-localhost:80",
    "127.0.0.1.evil.example",
    "127.evil.example",
    "128.0.0.1",
    "192.168.1.1",
    "0.0.0.0",
    "[::2]",
    "[::1].evil.example",
    "127.0.0.1@evil.example",
    "evil.example#localhost",
  ])("refuses the host %s", async (host) => {
    await refused({ host });
  });

  test.each([
    "http://localhost",
    "http://localhost:3000",
    "https://app.localhost:8443",
    "http://127.0.0.1:5173",
    "http://127.200.0.9",
    "http://[::1]:3000",
    "https://app.example",
    "http://other.example:8080",
  ])("serves the origin %s and echoes it", async (origin) => {
    const answer = await served({ origin });
    expect(answer.headers["access-control-allow-origin"]).toBe(origin);
    expect(answer.headers["vary"]).toMatch(/origin/i);
  });

  test.each([
    "https://evil.example",
    "http://app.example",
    "https://app.example:8443",
    "https://sub.app.example",
    "https://app.example.evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://other.example",
    "null",
    "file://",
    "localhost",
  ])("refuses the origin %s", async (origin) => {
    await refused({ origin });
    await refused({ origin }, "POST");
  });

  test("refuses a foreign origin's preflight", async () => {
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    const answer = await ask(headers, "OPTIONS");
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("refuses a cross-site request without an origin, such as an image", async () => {
    await refused({ "sec-fetch-site": "cross-site" });
    await refused({
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    });
  });

  test.each(["same-origin", "none"])("serves Sec-Fetch-Site: %s", async (site) => {
    await served({ "sec-fetch-site": site });
  });

  test("serves an allowed origin from across sites", async () => {
    await served({ origin: "https://app.example", "sec-fetch-site": "cross-site" });
  });

  test("refuses a foreign host even with an allowed origin", async () => {
    await refused({ host: "evil.example", origin: "http://localhost" });
  });

  test("sends no CORS header where nobody asks", async () => {
    expect((await served({})).headers["access-control-allow-origin"]).toBeUndefined();
  });
});

test("a node's upgrade is public: any host, any origin", async () => {
  const other = await cluster().connectClient(0, "?a=1", {
    origin: "https://evil.example",
    headers: { host: "chat.example", "sec-fetch-site": "cross-site" },
  });
  expect(await other.close()).toEqual({ code: 1000, reason: "" });
});

test("a center's own lists refuse foreign hosts and origins too", async () => {
  for (const headers of [{ host: "evil.example" }, { origin: "https://evil.example" }]) {
    const answer = await cluster().atCenter(0, { path: "/nodes", headers });
    expect(answer.status).toBe(403);
    expect(cluster().nodeIds.some((id) => answer.text.includes(id))).toBe(false);
  }
});

test.each(["https://evil.example", "http://localhost:3000", "https://app.example", "null"])(
  "a link accepts no request that has the origin %s",
  async (origin) => {
    for (const target of ["/", "/link"]) {
      const status = await new Promise<number>((resolve, reject) => {
        const outgoing = request({
          host: "127.0.0.1",
          port: at(cluster().ports.link, 0),
          path: target,
          headers: {
            origin,
            connection: "Upgrade",
            upgrade: "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
          },
        });
        outgoing.on("upgrade", (_, socket) => {
          socket.destroy();
          resolve(101);
        });
        outgoing.on("response", (incoming) => {
          incoming.resume();
          resolve(incoming.statusCode ?? 0);
        });
        outgoing.on("error", reject);
        outgoing.end();
      });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }
  },
);
