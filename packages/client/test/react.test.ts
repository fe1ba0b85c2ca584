import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { chromiumPath, launchChromium } from "../../server/test/chromium.js";
import { startNode } from "./cluster.js";
import { servePages } from "./pages.js";
import type { ReactPage } from "./react-page.js";

type ReactWindow = typeof globalThis & { start: (url: string) => void; page: ReactPage };

describe.skipIf(chromiumPath === "")("the hook for React, in strict mode in a real browser", () => {
  let browser: Browser;
  let pages: Awaited<ReturnType<typeof servePages>>;

  beforeAll(async () => {
    [browser, pages] = await Promise.all([launchChromium(), servePages()]);
  });

  afterAll(async () => {
    await browser?.close();
    pages?.close();
  });

  async function openPage(url: string): Promise<Page> {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(`${pages.url}react`);
    await page.waitForFunction(() => "start" in globalThis);
    await page.evaluate((given) => (globalThis as ReactWindow).start(given), url);
    return page;
  }

  const show = (page: Page, count: number): Promise<void> =>
    page.evaluate((given) => (globalThis as ReactWindow).page.show(given), count);
  const untilHeard = (page: Page, text: string): Promise<unknown> =>
    page.waitForFunction((wanted) => (globalThis as ReactWindow).page.heard.includes(wanted), text);

  test("the first component connects, once; the last that goes closes; one that comes later connects anew", async () => {
    const node = await startNode();
    const events: string[] = [];
    node.on("open", () => void events.push("open"));
    const left = new Promise<unknown>((resolve) => {
      node.on("close", (_connection, code, reason) => resolve([code, reason]));
    });
    const page = await openPage(node.publicUrl);
    await show(page, 2);
    await page.getByText("1.0 open").waitFor();
    await page.getByText("1.1 open").waitFor();
    await show(page, 1);
    await page.getByText("2.0 open").waitFor();
    expect(events).toEqual(["open"]);
    const states = await page.evaluate(() => (globalThis as ReactWindow).page.states);
    expect(states).toEqual(["connecting", "open"]);
    await show(page, 0);
    expect(await left).toEqual([1000, "no component uses it"]);
    await show(page, 1);
    await page.getByText("4.0 open").waitFor();
    expect(events).toEqual(["open", "open"]);
  });

  test("messages go to the function of the last rendering, once", async () => {
    const node = await startNode();
    const page = await openPage(node.publicUrl);
    await show(page, 1);
    await page.getByText("1.0 open").waitFor();
    await show(page, 1);
    await page.getByText("2.0 open").waitFor();
    node.hub.broadcast({ message: "hello" });
    await untilHeard(page, "2.0: hello");
    expect(await page.evaluate(() => (globalThis as ReactWindow).page.heard)).toEqual(["2.0: hello"]);
  });

  test("a client that the application connected itself outlives the components", async () => {
    const node = await startNode();
    const page = await openPage(node.publicUrl);
    await page.evaluate(() => (globalThis as ReactWindow).page.client.connect());
    await show(page, 1);
    await page.getByText("1.0 open").waitFor();
    await show(page, 0);
    await page.getByText("1.0 open").waitFor({ state: "detached" });
    expect(await page.evaluate(() => (globalThis as ReactWindow).page.client.status.state)).toBe("open");
  });

  test("a client that was told to stay away is not brought back by a component", async () => {
    const node = await startNode();
    const page = await openPage(node.publicUrl);
    await show(page, 1);
    await page.getByText("1.0 open").waitFor();
    node.hub.broadcast({ message: "hello" });
    await untilHeard(page, "1.0: hello");
    const [connectionId] = node.hub.listConnections({});
    node.hub.closeConnection({ connectionId: connectionId ?? "" });
    await page.getByText("1.0 closed").waitFor();
    for (const count of [2, 0, 1]) await show(page, count);
    await page.getByText("4.0 closed").waitFor();
  });
});
