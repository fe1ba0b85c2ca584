import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "./client.js";
import { dataOf, isFailure, parse } from "./http.js";
import type { Answer, Ask } from "./http.js";
import { useCluster } from "./use-cluster.js";

const broadcast = "/?event=broadcast&broadcast[msg]=ran";
const mebibyte = 1 << 20;

describe.each(["a center", "a node's port"])("%s", (place) => {
  const cluster = useCluster();
  let client: Client;

  beforeAll(async () => {
    client = await cluster().connectClient(0);
  });

  beforeEach(() => client.flushAndTake());

  const ask = (content: Ask): Promise<Answer> =>
    place === "a center" ? cluster().atCenter(0, content) : cluster().atNode(0, content);

  test.each(["/", "/any/path", "/index.php", "//", "/a%2Fb/%E7%94%A8"])(
    "ignores the path %s",
    async (path) => {
      const answer = await ask({ path: `${path}?event=broadcast&broadcast[msg]=ran` });
      expect(dataOf(answer)).toHaveProperty("broadcast");
      expect(await client.flushAndTake()).toEqual(["ran"]);
    },
  );

  test("answers in JSON", async () => {
    const answer = await ask({ path: broadcast });
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
  });

  test.each(["PUT", "DELETE", "PATCH", "PROPFIND"])(
    "refuses %s with 405 and runs nothing",
    async (method) => {
      const answer = await ask({ method, path: broadcast });
      expect(answer.status).toBe(405);
      expect(parse(answer)).toSatisfy(isFailure);
      expect(await client.flushAndTake()).toEqual([]);
    },
  );

  test("refuses a PUT with a body as well", async () => {
    const answer = await ask({
      method: "PUT",
      path: "/?event=broadcast",
      body: '{"broadcast":{"msg":"ran"}}',
    });
    expect(answer.status).toBe(405);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("answers OPTIONS to an allowed origin and runs nothing", async () => {
    const headers = {
      origin: "http://localhost:3000",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    };
    const answer = await ask({ method: "OPTIONS", path: broadcast, headers });
    expect([200, 204]).toContain(answer.status);
    expect(answer.headers["access-control-allow-origin"]).toBe("http://localhost:3000");
    expect(answer.headers["access-control-allow-methods"]).toMatch(/GET.*POST|POST.*GET/);
    expect(answer.headers["access-control-allow-headers"]).toMatch(/authorization/i);
    expect(answer.headers["access-control-allow-headers"]).toMatch(/content-type/i);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("answers HEAD as GET, without a body", async () => {
    const answer = await ask({ method: "HEAD", path: "/?event=getIds" });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe("");
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
  });

  test.each(["GET", "POST"])(
    "ignores the offer of HTTP/2 that Java's client and curl --http2 make (%s)",
    async (method) => {
      const headers = {
        connection: "Upgrade, HTTP2-Settings",
        upgrade: "h2c",
        "http2-settings": "AAMAAABkAARAAAAAAAIAAAAA",
      };
      const content =
        method === "GET" ? { path: broadcast } : { path: "/?event=broadcast", body: '{"broadcast":["ran"]}' };
      expect(dataOf(await ask({ ...content, headers }))).toHaveProperty("broadcast");
      expect(await client.flushAndTake()).toEqual(["ran"]);
    },
  );

  test.each([false, true])("takes a large body beside such an offer (in chunks: %s)", async (chunked) => {
    const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABk" };
    const body = `{"broadcast":["ran"],"x":"${"y".repeat(3 * mebibyte)}"}`;
    expect(dataOf(await ask({ path: "/?event=broadcast", body, headers, chunked }))).toHaveProperty(
      "broadcast",
    );
    expect(await client.flushAndTake()).toEqual(["ran"]);
    const origin = { ...headers, origin: "https://evil.example" };
    expect((await ask({ path: broadcast, headers: origin })).status).toBe(403);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("waits for no body where the client waits for 100 Continue", async () => {
    const headers = { expect: "100-continue" };
    const answer = await ask({ path: "/?event=broadcast", body: '{"broadcast":["ran"]}', headers });
    expect(dataOf(answer)).toHaveProperty("broadcast");
    expect(await client.flushAndTake()).toEqual(["ran"]);
  });

  test("serves a URL of 60,000 bytes", async () => {
    const answer = await ask({ path: `${broadcast}&x=${"y".repeat(60_000)}` });
    expect(dataOf(answer)).toHaveProperty("broadcast");
  });

  test("refuses a URL past 64 KiB with 431 in the classic shape", async () => {
    const answer = await ask({ path: `${broadcast}&x=${"y".repeat(66_000)}` });
    expect(answer.status).toBe(431);
    expect(parse(answer)).toSatisfy(isFailure);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("refuses headers past 64 KiB with 431 in the classic shape", async () => {
    const answer = await ask({ path: broadcast, headers: { "x-long": "y".repeat(66_000) } });
    expect(answer.status).toBe(431);
    expect(parse(answer)).toSatisfy(isFailure);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("serves bodies around 64 KiB whole, which an older implementation dropped without a word", async () => {
    for (const bytes of [65_535, 65_536, 65_537, 200_000]) {
      const message = "y".repeat(bytes - `{"broadcast":{"msg":""}}`.length);
      const answer = await ask({
        path: "/?event=broadcast",
        body: JSON.stringify({ broadcast: { msg: message } }),
      });
      expect(dataOf(answer), `${bytes}`).toHaveProperty("broadcast");
      expect(await client.flushAndTake()).toEqual([message]);
    }
  });

  test("serves a body of 8 MiB", async () => {
    const body = `{"broadcast":{"msg":"ran"},"x":"`;
    const answer = await ask({
      path: "/?event=broadcast",
      body: `${body}${"y".repeat(8 * mebibyte - body.length - 2)}"}`,
    });
    expect(dataOf(answer)).toHaveProperty("broadcast");
    expect(await client.flushAndTake()).toEqual(["ran"]);
  });

  test.each([
    ["one byte more, announced", 8 * mebibyte + 1, false],
    ["one byte more, in chunks", 8 * mebibyte + 1, true],
    ["32 MiB, announced", 32 * mebibyte, false],
    ["32 MiB, in chunks", 32 * mebibyte, true],
  ])("refuses a body of %s with 413 in the classic shape", async (_, length, chunked) => {
    const start = `{"broadcast":{"msg":"ran"},"x":"`;
    const body = `${start}${"y".repeat(length - start.length - 2)}"}`;
    const answer = await ask({ path: "/?event=broadcast", body, chunked });
    expect(answer.status).toBe(413);
    expect(parse(answer)).toSatisfy(isFailure);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("takes timeoutMs from 1 to 60,000", async () => {
    const places = dataOf(await ask({ path: "/?event=getIds&timeoutMs=60000" }));
    expect(places).toHaveProperty("getIds");
    // 1 ms may be too short for an answer of the nodes, never for an answer in the right shape.
    expect(dataOf(await ask({ path: "/?event=getIds&timeoutMs=1" }))).toHaveProperty("getIds");
  });

  test("answers calls that come one behind the other on one connection", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask({ path: broadcast })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await client.flushAndTake()).toHaveLength(50);
  });
});
