import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, vi } from "vitest";
import { chromiumPath, launchChromium } from "../../server/test/chromium.js";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A browser beside a cluster takes its time where there are few cores. */
const TEST_TIMEOUT_MS = 120_000;

let browser: Browser;

/** Tests with a real browser; skipped, by name, where there is none. */
export function describeInChromium(name: string, tests: () => void): void {
  describe.skipIf(chromiumPath === "")(name, () => {
    vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });
    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(() => browser?.close());
    tests();
  });
}

export interface ConsoleOptions {
  /** Which page: `/nodes`. Default: the overview. */
  path?: string;
  language?: "en" | "zh";
  /** Default: a desk's; `phone`: 360 by 740. */
  screen?: "desk" | "phone";
  /** Faults that a test brings about itself, such as requests to a center that is gone. */
  mayFail?: RegExp;
}

/**
 * Opens the console in a context of its own. The test fails for whatever the page reports as an error, what its
 * Content-Security-Policy refuses included.
 */
export async function openConsole(url: string, options: ConsoleOptions = {}): Promise<Page> {
  const { path = "/", language = "en", screen = "desk", mayFail } = options;
  const context = await browser.newContext({
    locale: language === "zh" ? "zh-CN" : "en-US",
    viewport: screen === "phone" ? { width: 360, height: 740 } : { width: 1280, height: 900 },
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(faults.filter((fault) => mayFail?.test(fault) !== true)).toEqual([]);
  });
  await page.goto(`${url}#${path}`);
  return page;
}

/**
 * Waits until the console has heard of another center, to which it can go on: nodes tell of it, once both centers have
 * asked them, which takes some seconds after the start of a cluster.
 */
export async function untilKnown(page: Page, center: string): Promise<void> {
  await page.getByRole("button", { name: /^through/ }).click();
  await page.getByRole("menuitem", { name: center }).waitFor();
  await page.keyboard.press("Escape");
}

/** What axe-core finds that is serious or worse, in light and in dark, as texts; nothing where all is well. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // By the debugger's way, which the page's Content-Security-Policy does not concern.
  await page.evaluate(axeSource);
  const faults: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    await untilStill(page);
    for (const fault of await axeFaults(page)) faults.push(`${colorScheme}: ${fault}`);
  }
  return faults;
}

/** Waits for what fades from one color to another: axe-core would judge the colors between. */
async function untilStill(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document
      .getAnimations()
      .filter(({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime));
    await Promise.allSettled(ending.map(({ finished }) => finished));
  });
}

async function axeFaults(page: Page): Promise<string[]> {
  const results = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<AxeResults> } };
    return axe.run();
  });
  return results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary ?? ""}`),
    );
}
