import { createServer } from "node:http";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { consoleRoutes } from "../../../src/center/http/console/console.js";
import { createApi } from "../../../src/http/api.js";

const script = "console.log('hello');\n".repeat(200);
const page = "<!doctype html><title>console</title>";

/** A built console, as Vite leaves it. */
function built(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "wsc-console-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(path.join(folder, "console", "assets"), { recursive: true });
  writeFileSync(path.join(folder, "secret.txt"), "secret");
  writeFileSync(path.join(folder, "console", "index.html"), page);
  writeFileSync(path.join(folder, "console", "assets", "index-Abc_1234.js"), script);
  return path.join(folder, "console");
}

/** Serves that folder as a center does, with a token set. @param prefix - that is taken away, as a proxy would. */
async function serve(folder: string, prefix = ""): Promise<number> {
  const api = createApi({
    access: { needsToken: () => true, identify: () => undefined },
    allowedOrigins: [],
    routes: consoleRoutes(folder),
    strict: false,
    limits: { maxBodyBytes: 1000, maxIdBytes: 1000, maxMessageBytes: 1000 },
    onError: (error) => {
      throw error;
    },
  });
  const server = createServer((request, response) => {
    if (prefix !== "") request.url = (request.url ?? "").replace(prefix, "");
    api.handle(request, response);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** The answer to a request whose path no client has tidied up. */
async function raw(port: number, target: string, headers = ""): Promise<{ head: string; body: Buffer }> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers}\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  const end = all.indexOf("\r\n\r\n");
  return { head: all.toString("latin1", 0, end), body: all.subarray(end + 4) };
}

test("the page comes with strict headers, to whoever asks, and is looked at anew each time", async () => {
  const response = await fetch(`http://127.0.0.1:${await serve(built())}/console/`);
  expect(await response.text()).toBe(page);
  const headers = Object.fromEntries(response.headers);
  expect(headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
  });
  const policy = headers["content-security-policy"] ?? "";
  for (const rule of [
    "default-src 'none'",
    "script-src 'self';",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ]) {
    expect(policy).toContain(rule);
  }
});

test("files whose name is their content's are kept for good, and are sent in the smallest encoding", async () => {
  const port = await serve(built());
  const target = "/console/assets/index-Abc_1234.js";
  const plain = await raw(port, target);
  expect(plain.head).toContain("max-age=31536000, immutable");
  expect(plain.head).not.toContain("Content-Encoding");
  expect(plain.body.toString()).toBe(script);
  const brotli = await raw(port, target, "Accept-Encoding: gzip, deflate, br\r\n");
  expect(brotli.head).toContain("Content-Encoding: br");
  expect(brotliDecompressSync(brotli.body).toString()).toBe(script);
  const gzip = await raw(port, target, "Accept-Encoding: br;q=0, gzip\r\n");
  expect(gzip.head).toContain("Content-Encoding: gzip");
  expect(gunzipSync(gzip.body).toString()).toBe(script);
  const tag = /ETag: (.*)/.exec(gzip.head)?.[1] ?? "";
  const again = await raw(port, target, `Accept-Encoding: gzip\r\nIf-None-Match: "x", W/${tag}\r\n`);
  expect(again.head).toMatch(/^HTTP\/1\.1 304 /);
  expect(again.head).not.toContain("Content-Length");
  expect(again.body).toHaveLength(0);
});

test("nothing but the files that are there is served, whatever the path", async () => {
  const port = await serve(built());
  const targets = [
    "/console/../secret.txt",
    "/console/..%2fsecret.txt",
    "/console/%2e%2e/secret.txt",
    "/console/assets/../../secret.txt",
    "/console/assets/..%5c..%5csecret.txt",
    "/console//etc/passwd",
    "/console/assets",
    "/console/assets/",
    "/console/index.html/",
    "/console/%00",
  ];
  for (const target of targets) {
    const { head, body } = await raw(port, target);
    expect(head, target).toMatch(/^HTTP\/1\.1 404 /);
    expect(body.toString()).not.toContain("secret\n");
  }
  const post = await fetch(`http://127.0.0.1:${port}/console/`, { method: "POST" });
  expect(post.status).toBe(405);
});

test("without its slash the page is found behind any prefix", async () => {
  const port = await serve(built(), "/some/prefix");
  const response = await fetch(`http://127.0.0.1:${port}/some/prefix/console`);
  expect(response.url).toBe(`http://127.0.0.1:${port}/some/prefix/console/`);
  expect(await response.text()).toBe(page);
});

test("where it was not built, the answer says how to build it", async () => {
  const port = await serve(path.join(tmpdir(), "no such folder"));
  const response = await fetch(`http://127.0.0.1:${port}/console/`);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining("npm run build") });
});
