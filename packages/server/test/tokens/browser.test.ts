import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNode, createSilentLogger, type WebSocketNode } from "../../src/index.js";
import { chromiumPath, launchChromium } from "../chromium.js";
import { hmac, nowSeconds, secret, sign } from "./signing.js";

describe.skipIf(chromiumPath === "")("a page in a real browser", () => {
  let browser: Browser;
  let page: Page;
  let pages: Server;
  let node: WebSocketNode;

  beforeAll(async () => {
    pages = createServer((_request, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end("<!doctype html><title>A page</title>");
    }).listen(0, "127.0.0.1");
    await once(pages, "listening");
    const address = pages.address();
    const port = typeof address === "object" ? address?.port : 0;
    node = createNode(
      {
        port: 0,
        centers: [],
        clientJwtSecret: [secret],
        clientJwtLeewayMs: 0,
        clientOrigins: [`http://localhost:${port}`],
      },
      { log: createSilentLogger() },
    );
    await node.start();
    browser = await launchChromium();
    page = await browser.newPage();
    await page.goto(`http://localhost:${port}/`);
  });

  afterAll(async () => {
    await browser?.close();
    await node?.stop();
    pages?.close();
  });

  test("connects with the token among its subprotocols, renews it, and is closed with 4401 at its end", async () => {
    const [token, renewed] = [
      await sign(hmac(), { exp: nowSeconds() + 60 }),
      await sign(hmac(), { exp: nowSeconds() + 4 }),
    ];
    const seen = await page.evaluate(
      ([url, first, second]) =>
        new Promise<{ protocol: string; messages: string[]; code: number; reason: string }>((resolve) => {
          const socket = new WebSocket(url, ["access_token", first]);
          const messages: string[] = [];
          socket.addEventListener("message", ({ data }) => {
            messages.push(String(data));
            if (messages.length === 1) socket.send(JSON.stringify({ cmd: "token", access_token: second }));
          });
          socket.addEventListener("close", ({ code, reason }) =>
            resolve({ protocol: socket.protocol, messages, code, reason }),
          );
        }),
      [node.publicUrl, token, renewed] as const,
    );
    expect(seen).toMatchObject({ protocol: "access_token", code: 4401, reason: "token expired" });
    expect(seen.messages[0]).toMatch(/^\{"cmd":"open"/);
    expect(seen.messages[1]).toMatch(/^\{"cmd":"token","expiresAt":\d+\}$/);
  });

  test("that is refused learns nothing but that", async () => {
    const code = await page.evaluate(
      (url) =>
        new Promise<number>((resolve) => {
          const socket = new WebSocket(url, ["access_token", "a.b.c"]);
          socket.addEventListener("close", (event) => resolve(event.code));
        }),
      node.publicUrl,
    );
    expect(code).toBe(1006);
  });
});
