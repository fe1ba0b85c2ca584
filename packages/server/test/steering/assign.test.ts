import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createNode, createSilentLogger, type NodeOptions } from "../../src/index.js";
import { ask, type Reply, startCenter, startNode } from "../node/running-node.js";

const publicUrl = "wss://node-1.example.com/ws";
const problemOf = ({ text }: Reply): unknown => JSON.parse(text);

async function askNode(path: string, options: NodeOptions = {}, headers = {}): Promise<Reply> {
  const node = await startNode({ publicUrl, ...options });
  const address = node.addresses.client.replace("0.0.0.0", "127.0.0.1");
  return ask(address, path, { headers });
}

describe("GET /assign on a client port", () => {
  test("answers the URL and the node, to any page and any Host", async () => {
    const node = await startNode({ publicUrl });
    const headers = {
      Host: "chat.example.com",
      Origin: "https://shop.example",
      "Sec-Fetch-Site": "cross-site",
    };
    const reply = await ask(node.addresses.client, "/assign?id=ada", { headers });
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text)).toEqual({ url: publicUrl, nodeId: node.id });
    expect(reply.headers).toMatchObject({
      "access-control-allow-origin": "*",
      "cache-control": "no-store",
      "content-type": "application/json; charset=utf-8",
    });
  });

  test.each<[string, NodeOptions]>([
    ["with a token, without that token", { token: ["s3cret"] }],
    ["where the node's HTTP API is off", { host: "0.0.0.0" }],
  ])("is served %s", async (_case, options) => {
    expect((await askNode("/assign?id=ada", options, { Host: "chat.example.com" })).status).toBe(200);
  });

  test("is not the classic API's, whose other paths stay as they were", async () => {
    const node = await startNode({ publicUrl });
    const event = "event=getConnectionCount";
    const assigned = await ask(node.addresses.client, `/assign?id=ada&${event}`);
    expect(JSON.parse(assigned.text)).toMatchObject({ url: publicUrl });
    for (const path of [`/?${event}`, `/assign/?${event}`, `/assigned?${event}`]) {
      expect(JSON.parse((await ask(node.addresses.client, path)).text)).toMatchObject({ code: 0 });
    }
  });

  test("answers the preflight of any page", async () => {
    const node = await startNode({ publicUrl, token: ["s3cret"] });
    const headers = {
      Origin: "https://shop.example",
      "Access-Control-Request-Method": "GET",
      "Access-Control-Request-Headers": "x-trace",
    };
    const reply = await ask(node.addresses.client, "/assign?id=ada", { method: "OPTIONS", headers });
    expect([reply.status, reply.text]).toEqual([204, ""]);
    expect(reply.headers).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "x-trace",
      "access-control-allow-methods": expect.stringContaining("GET"),
    });
  });

  test("redirects to the http form of the URL where that is asked for", async () => {
    const secure = await askNode("/assign?id=ada&redirect=1");
    expect(secure).toMatchObject({
      status: 302,
      headers: { location: "https://node-1.example.com/ws", "access-control-allow-origin": "*" },
    });
    expect(JSON.parse(secure.text)).toMatchObject({ url: publicUrl });
    const plain = await askNode("/assign?id=ada&redirect=1", { publicUrl: "ws://10.0.0.1:8090" });
    expect(plain.headers.location).toBe("http://10.0.0.1:8090");
    expect((await askNode("/assign?id=ada&redirect=0")).status).toBe(200);
  });

  test("HEAD has the headers alone; other methods are refused, and told which are served", async () => {
    const node = await startNode({ publicUrl });
    const head = await ask(node.addresses.client, "/assign?id=ada", { method: "HEAD" });
    expect([head.status, head.text]).toEqual([200, ""]);
    const post = await ask(node.addresses.client, "/assign?id=ada", { method: "POST", body: "{}" });
    expect(post.status).toBe(405);
    expect(post.headers).toMatchObject({ allow: "GET, HEAD, OPTIONS", "access-control-allow-origin": "*" });
  });

  test.each([
    ["no id", "/assign", /id: missing.*\/assign\?id=USER/],
    ["an empty id", "/assign?id=", /id: .*not empty/],
    ["an id that is a map", "/assign?id[a]=1", /id: not a text/],
    ["an id that is not UTF-8", "/assign?id=%ff", /id: not a text in UTF-8/],
    ["an id that is too long", `/assign?id=${"x".repeat(513)}`, /id: longer than 512 bytes/],
    ["an id that is too long in bytes", `/assign?id=${encodeURIComponent("用".repeat(171))}`, /512 bytes/],
    ["another word for redirect", "/assign?id=ada&redirect=yes", /redirect: expected 1 or 0/],
  ])("%s is refused with 400 and what is expected", async (_case, path, detail) => {
    const reply = await askNode(path);
    expect(reply.status).toBe(400);
    expect(reply.headers).toMatchObject({
      "content-type": "application/problem+json; charset=utf-8",
      "access-control-allow-origin": "*",
    });
    expect(problemOf(reply)).toMatchObject({
      status: 400,
      code: "INVALID_PARAMS",
      detail: expect.stringMatching(detail),
    });
  });

  test("pages are limited to those that may connect, where these are limited", async () => {
    const clientOrigins = ["https://app.example"];
    const asked = (headers: object): Promise<Reply> => askNode("/assign?id=ada", { clientOrigins }, headers);
    expect((await asked({ Origin: "https://app.example" })).status).toBe(200);
    expect((await asked({})).status).toBe(200);
    const refused = await asked({ Origin: "https://shop.example" });
    expect(refused.status).toBe(403);
    expect(problemOf(refused)).toMatchObject({ code: "ORIGIN_NOT_ALLOWED" });
  });

  test("is 503 with Retry-After where no node takes clients", async () => {
    const node = await startNode({ publicUrl, closeSpreadMs: 0 });
    await node.drain();
    const reply = await ask(node.addresses.client, "/assign?id=ada");
    expect(reply.status).toBe(503);
    expect(reply.headers).toMatchObject({ "retry-after": "2", "access-control-allow-origin": "*" });
    expect(problemOf(reply)).toMatchObject({ code: "NO_NODE", detail: expect.stringContaining("draining") });
  });

  test("is served by a mounted node, under the prefix that its owner gives it", async () => {
    const node = createNode({ publicUrl, centers: [] }, { log: createSilentLogger(), mounted: true });
    onTestFinished(() => node.stop());
    await node.start();
    const server = createServer((request, response) => {
      request.url = (request.url ?? "").replace("/chat", "");
      node.handleRequest(request, response, () => response.writeHead(404).end());
    });
    node.attach(server, { path: "/ws" });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const reply = await ask(address, "/chat/assign?id=ada", { headers: { Host: "app.example" } });
    expect(JSON.parse(reply.text)).toEqual({ url: publicUrl, nodeId: node.id });
  });
});

describe("GET /assign at a center", () => {
  test("follows the rules of its API: loopback alone without a token, the token where there is one", async () => {
    const open = await startCenter();
    const guarded = await startCenter({ token: ["s3cret"] });
    const centers = [open, guarded].map(({ addresses }) => addresses.link);
    const node = await startNode({ publicUrl, centers });
    await vi.waitFor(() => {
      for (const { nodes } of [open, guarded]) expect(nodes).toHaveLength(1);
    });
    const asked = (center: typeof open, headers: Record<string, string> = {}): Promise<Reply> =>
      ask(center.addresses.http, "/assign?id=ada", { headers });
    expect(JSON.parse((await asked(open)).text)).toEqual({ url: publicUrl, nodeId: node.id });
    expect((await asked(open, { Host: "app.example" })).status).toBe(403);
    expect((await asked(open, { Origin: "https://app.example" })).status).toBe(403);
    expect((await asked(guarded)).status).toBe(401);
    const allowed = await asked(guarded, { Authorization: "Bearer s3cret", Origin: "https://app.example" });
    expect([allowed.status, allowed.headers["access-control-allow-origin"]]).toEqual([200, "*"]);
    expect((await ask(open.addresses.http, "/assign")).status).toBe(400);
  });

  test("is 503 with Retry-After where no node is linked", async () => {
    const center = await startCenter();
    const reply = await ask(center.addresses.http, "/assign?id=ada");
    expect([reply.status, reply.headers["retry-after"]]).toEqual([503, "2"]);
    expect(problemOf(reply)).toMatchObject({ code: "NO_NODE", detail: "no node is known" });
  });
});
