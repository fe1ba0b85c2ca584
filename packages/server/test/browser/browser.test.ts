import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { classicEvents } from "@websocket-center/protocol";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createCenter, createNode, createSilentLogger } from "../../src/index.js";
import { chromiumPath, launchChromium } from "../chromium.js";

/** A name that the browser resolves to loopback, as an attacker's name server would. */
const FOREIGN_HOST = "foreign.example";

const log = createSilentLogger();
const center = createCenter({ linkPort: 0, httpPort: 0 }, { log });
let node: ReturnType<typeof createNode>;
let pages: Server;
let pagesPort: number;
let browser: Browser;

describe.skipIf(chromiumPath === "")("a page in a real browser", () => {
  beforeAll(async () => {
    await center.start();
    node = createNode({ port: 0, centers: [center.addresses.link] }, { log });
    await node.start();
    await vi.waitFor(() => expect(center.nodes).toHaveLength(1));
    pages = createServer((_request, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end("<!doctype html><title>A page that somebody else wrote</title>");
    }).listen(0, "127.0.0.1");
    await once(pages, "listening");
    const address = pages.address();
    pagesPort = address !== null && typeof address === "object" ? address.port : 0;
    browser = await launchChromium(`--host-resolver-rules=MAP ${FOREIGN_HOST} 127.0.0.1`);
  });

  afterAll(async () => {
    await browser?.close();
    pages?.close();
    await node?.stop();
    await center.stop();
  });

  test("on another local port drives every event, by GET and by POST, and hears what is sent", async () => {
    const page = await openPage(`http://localhost:${pagesPort}/`);
    const seen = await page.evaluate(driveEveryEvent, {
      api: `http://${center.addresses.http}/`,
      webSocket: node.publicUrl,
      events: Object.entries(classicEvents).map(([name, { params }]) => ({
        name,
        params: params.map((param) => param.name),
      })),
    });
    expect(seen.failures).toEqual([]);
    expect(seen.messages).toContain("hello from the page");
    expect(seen.messages.at(-1)).toBe("closed 4500 bye");
    await page.close();
  });

  test("of any origin is told by a node where to connect, and connects there", async () => {
    const page = await openPage(`http://${FOREIGN_HOST}:${pagesPort}/`);
    const opened = await page.evaluate(async (client) => {
      const response = await fetch(`http://${client}/assign?id=ada`, { headers: { "X-Trace": "1" } });
      const { url } = (await response.json()) as { url: string };
      const socket = new WebSocket(url);
      return new Promise<string>((resolve, reject) => {
        socket.addEventListener("message", ({ data }) => resolve(String(data)));
        socket.addEventListener("error", () => reject(new Error(`cannot connect to ${url}`)));
      });
    }, node.addresses.client);
    expect(JSON.parse(opened)).toMatchObject({ cmd: "open" });
    await page.close();
  });

  test("of another origin reads nothing, changes nothing, and cannot use a rebound host name", async () => {
    const connected = new Promise<{ id: string }>((resolve) => node.on("open", resolve));
    const ours = await openPage(`http://127.0.0.1:${pagesPort}/`);
    await ours.evaluate((url) => {
      // eslint-disable-next-line no-new -- the socket lives as long as the page
      new WebSocket(url);
    }, node.publicUrl);
    const { id } = await connected;

    const foreign = await openPage(`http://${FOREIGN_HOST}:${pagesPort}/`);
    const query = `?event=bindId&bindId[id]=mallory&bindId[_id]=${id}`;
    const rebound = center.addresses.http.replace("127.0.0.1", FOREIGN_HOST);
    for (const base of [`http://${center.addresses.http}/`, `http://${node.addresses.client}/`]) {
      expect(await foreign.evaluate(attack, `${base}${query}`)).toEqual({ read: "refused", blind: "opaque" });
    }
    const direct = await foreign.goto(`http://${rebound}/${query}`);
    expect(direct?.status()).toBe(403);
    expect(node.hub.getUserOfConnection({ connectionId: id })).toBeNull();
    await Promise.all([ours.close(), foreign.close()]);
  });

  test("cannot speak to a link port", async () => {
    const page = await openPage(`http://localhost:${pagesPort}/`);
    const outcome = await page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(url);
          socket.addEventListener("open", () => resolve("open"));
          socket.addEventListener("error", () => resolve("refused"));
        }),
      `ws://${center.addresses.link}/link`,
    );
    expect(outcome).toBe("refused");
    await page.close();
  });
});

async function openPage(url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}

/** Runs in the page: what a foreign page can try with fetch, reading and blind. */
async function attack(url: string): Promise<{ read: string; blind: string }> {
  const read = await fetch(url).then(
    () => "read",
    () => "refused",
  );
  const blind = await fetch(url, { mode: "no-cors", method: "POST", body: "{}" });
  return { read, blind: blind.type };
}

/** Runs in the page, so it holds all that it needs. */
async function driveEveryEvent(setup: {
  api: string;
  webSocket: string;
  events: { name: string; params: string[] }[];
}): Promise<{ failures: string[]; messages: string[] }> {
  const messages: string[] = [];
  const failures: string[] = [];
  const socket = new WebSocket(`${setup.webSocket}/?from=page`);
  let open = (_id: string): void => {};
  const opened = new Promise<string>((resolve) => (open = resolve));
  let close = (): void => {};
  const closed = new Promise<void>((resolve) => (close = resolve));
  socket.addEventListener("message", ({ data }: { data: string }) => {
    messages.push(data);
    if (messages.length === 1) open(JSON.parse(data)._id);
  });
  socket.addEventListener("close", ({ code, reason }) => {
    messages.push(`closed ${code} ${reason}`);
    close();
  });
  const values: Record<string, string> = {
    _id: await opened,
    id: "ada",
    groupId: "room",
    msg: "hello from the page",
    data: "hello from the page",
    reason: "bye",
  };
  const check = async (name: string, response: Response): Promise<void> => {
    const answer = await response.json();
    const places: unknown[] = Object.values(answer.data?.[name] ?? {});
    const failed = places.some((place) => typeof place === "object" && place !== null && "code" in place);
    if (answer.code !== 0 || places.length !== 1 || failed)
      failures.push(`${name}: ${JSON.stringify(answer)}`);
  };
  for (const { name, params } of setup.events) {
    // These end the connection: last, and one of them is enough.
    if (name.startsWith("close")) continue;
    const given = params.filter((param) => param in values);
    const query = given
      .map((param) => `&${name}[${param}]=${encodeURIComponent(values[param] ?? "")}`)
      .join("");
    await check(name, await fetch(`${setup.api}?event=${name}${query}`));
    const body = JSON.stringify({ [name]: Object.fromEntries(given.map((param) => [param, values[param]])) });
    const headers = { "Content-Type": "application/json" };
    await check(name, await fetch(`${setup.api}?event=${name}`, { method: "POST", headers, body }));
  }
  const bind = `bindId,closeById&bindId[id]=ada&bindId[_id]=${values["_id"]}&closeById[id]=ada&closeById[reason]=bye`;
  await check("closeById", await fetch(`${setup.api}?event=${bind}`));
  await closed;
  return { failures, messages };
}
