import { readFile } from "node:fs/promises";
import type { Locator, Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import { accessibilityFaults, describeInChromium, openConsole, untilKnown } from "./browser.js";
import { connectClient, startCluster } from "./cluster.js";

const WAIT = { timeout: 15_000 };

describeInChromium("the live log", () => {
  test("tells what happens, is filtered, paused, cleared and exported", async () => {
    const { console, centers, nodes } = await startCluster({ nodes: 2 });
    const [node] = nodes;
    if (node === undefined) throw new Error("there is no node");
    const page = await openConsole(console, { path: "/log" });
    const log = page.getByRole("log", { name: "Log" });
    await page.getByText("live", { exact: true }).nth(1).waitFor();
    // A node keeps events from the moment on that it was asked: until then they are made again.
    await vi.waitFor(
      async () => {
        await connectClient(node, { userId: "ada", groups: ["room"] });
        expect(await log.getByText("open", { exact: true }).count()).toBeGreaterThan(0);
      },
      { timeout: 15_000, interval: 500 },
    );
    await log.getByText("bind", { exact: true }).first().waitFor();
    await log.getByText("join", { exact: true }).first().waitFor();
    await fetch(`http://${centers[0].addresses.http}/?event=broadcast&broadcast[msg]=hi`);
    await log.getByText("call", { exact: true }).first().waitFor();
    await page.getByRole("textbox", { name: "Filter by text" }).fill("broadcast");
    await log.getByText("bind", { exact: true }).first().waitFor({ state: "detached" });
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Export as NDJSON" }).click(),
    ]);
    const lines = (await readFile(await download.path(), "utf8"))
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines.map(({ type }) => type)).toContain("call");
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Clear" }).click();
    await fetch(`http://${centers[0].addresses.http}/?event=broadcast&broadcast[msg]=hi`);
    await page.getByText(/· [1-9] more since you paused/).waitFor();
    await page.getByRole("button", { name: "Go on" }).click();
    await log.getByText("call", { exact: true }).first().waitFor();
  });

  test("goes on at another center when its own is gone, and says where it has a gap", async () => {
    const { console, centers } = await startCluster({ nodes: 2 });
    const page = await openConsole(console, { path: "/log", mayFail: /ERR_|Failed to load/ });
    const log = page.getByRole("log", { name: "Log" });
    await page.getByText(`through ${centers[0].addresses.http}`).first().waitFor();
    await page.getByText("live", { exact: true }).nth(1).waitFor();
    await fetch(`http://${centers[0].addresses.http}/?event=broadcast&broadcast[msg]=hi`);
    await log.getByText("call", { exact: true }).first().waitFor();
    await untilKnown(page, centers[1].addresses.http);
    // Whatever else happens meanwhile would push the line out of sight.
    await page.getByRole("textbox", { name: "Filter by text" }).fill("gap");
    await centers[0].stop();
    await log.getByText("gap", { exact: true }).first().waitFor();
    await page.getByRole("textbox", { name: "Filter by text" }).fill("");
    await vi.waitFor(
      async () => {
        await fetch(`http://${centers[1].addresses.http}/?event=broadcast&broadcast[msg]=hi`);
        expect(await log.getByText("call", { exact: true }).count()).toBeGreaterThan(0);
      },
      { timeout: 20_000, interval: 500 },
    );
  });

  test("stays with the newest until one scrolls up, and again when one wishes", async () => {
    const { console, centers } = await startCluster({ nodes: 1 });
    const page = await openConsole(console, { path: "/log" });
    const log = page.getByRole("log", { name: "Log" });
    await page.getByText("live", { exact: true }).nth(1).waitFor();
    /** Makes so many lines at least, and waits until they are there. */
    const untilLines = async (count: number): Promise<void> => {
      const before = await lineCount(page);
      for (let call = 0; call < count; call += 1) {
        await fetch(`http://${centers[0].addresses.http}/?event=broadcast&broadcast[msg]=hi`);
      }
      await vi.waitFor(
        async () => expect(await lineCount(page)).toBeGreaterThanOrEqual(before + count),
        WAIT,
      );
    };
    await untilLines(60);
    await vi.waitFor(async () => expect(await toEnd(log)).toBeLessThan(1), WAIT);
    await log.evaluate((element) => element.scrollBy(0, -400));
    const follow = page.getByRole("button", { name: "Jump to the newest" });
    await follow.waitFor();
    const place = await log.evaluate(({ scrollTop }) => scrollTop);
    await untilLines(20);
    expect(await log.evaluate(({ scrollTop }) => scrollTop)).toBe(place);
    await follow.click();
    await follow.waitFor({ state: "detached" });
    await vi.waitFor(async () => expect(await toEnd(log)).toBeLessThan(1), WAIT);
  });

  test("holds what one reads where it is while the oldest lines go", async () => {
    const { console } = await startCluster({ nodes: 1 });
    const page = await openConsole(console, { path: "/" });
    let made = 0;
    const lines = (count: number): string =>
      Array.from({ length: count }, () => {
        const event = { at: 0, type: "call", detail: `number ${(made += 1)}` };
        return `${JSON.stringify({ kind: "event", source: "center", event })}\n`;
      }).join("");
    // As many as would take minutes of a real cluster, whose stream is sampled.
    await page.route("**/ops/events", (route) =>
      route.fulfill({ contentType: "application/x-ndjson", body: lines(made === 0 ? 10_500 : 300) }),
    );
    await page.goto(`${console}#/log`);
    await page.getByText("10,000 of 10,000 lines").waitFor();
    const log = page.getByRole("log", { name: "Log" });
    await vi.waitFor(async () => expect(await toEnd(log)).toBeLessThan(1), WAIT);
    await log.evaluate((element) => element.scrollBy(0, -100_000));
    const read = log.getByText(/^number 6\d\d\d/).first();
    const text = await read.textContent();
    const top = (await read.boundingBox())?.y;
    const before = made;
    await vi.waitFor(() => expect(made).toBeGreaterThan(before + 600), WAIT);
    expect((await log.getByText(text ?? "", { exact: true }).boundingBox())?.y).toBe(top);
  });

  test.each(["en", "zh"] as const)("can be read by everybody, in %s", async (language) => {
    const { console, centers } = await startCluster({ nodes: 1 });
    const page = await openConsole(console, { path: "/log", language });
    const log = page.getByRole("log", { name: /^(Log|日志)$/ });
    await vi.waitFor(
      async () => {
        await fetch(`http://${centers[0].addresses.http}/?event=broadcast&broadcast[msg]=hi`);
        expect(await log.getByText("call", { exact: true }).count()).toBeGreaterThan(0);
      },
      { timeout: 15_000, interval: 500 },
    );
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});

async function lineCount(page: Page): Promise<number> {
  const text = await page.getByText(/^[\d,]+ of [\d,]+ lines$/).textContent();
  return Number(/of (\d+)/.exec(text ?? "")?.[1]);
}

/** How many pixels are below what is in sight. */
function toEnd(log: Locator): Promise<number> {
  return log.evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
}
