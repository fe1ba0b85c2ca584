// What an open console costs, and whether it stays smooth: two nodes with 10,000 clients, and 2,000 messages a second to
// users through the center, without a console and with one, page by page.
//
//   npm run build && node bench/console.mjs [--clients 10000] [--rate 2000] [--seconds 20]
//
// Prints the center's share of a core, and the page's long tasks (over 50 ms, by the browser's own count). Needs
// Debian's chromium. The browser shares the machine with all else: where there are few cores, tasks are long for that
// reason too, so the load's own answer time stands beside them.
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { startCluster } from "./cluster.mjs";
import { classicRequest, inFile, NUMBER, sendRequests } from "./load.mjs";
import { cores, stopAll } from "./process.mjs";
import { findCommand, setUp } from "./setup.mjs";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "10000" },
    rate: { type: "string", default: "2000" },
    seconds: { type: "string", default: "20" },
  },
});
const users = Number(values.clients);
const rate = Number(values.rate);
const seconds = Number(values.seconds);
/** What the page does until it has settled is not counted. */
const SETTLE_MS = 5000;

const executablePath = findCommand("chromium");
if (executablePath === undefined) throw new Error("chromium is missing (Debian: chromium)");
setUp((text) => console.error(text));
const cluster = await startCluster({ nodes: 2, users, centerCore: cores.server, nodeCore: cores.others });
const request = inFile(classicRequest("sendMessageToId", { id: NUMBER, msg: "x".repeat(64) }));
const load = (options = {}) =>
  sendRequests({
    port: cluster.http,
    request,
    expect: '"code":0',
    numbers: users,
    rate,
    seconds,
    warmUp: SETTLE_MS / 1000,
    watch: [cluster.center.pid],
    ...options,
  });
const share = ({ serverCpu, seconds: measured }) => serverCpu[0] / measured;

await load({ seconds: 5 });
const rows = [];
const measure = async (name, path) => {
  const before = await load();
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.addInitScript(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries())
        globalThis.longTasks.push({ startTime, duration });
    }).observe({ type: "longtask", buffered: true });
  });
  await page.goto(`http://127.0.0.1:${cluster.http}/console/#${path}`);
  await page.locator("[data-status=live]").waitFor();
  const running = load();
  await setTimeout(SETTLE_MS);
  await page.evaluate(() => (globalThis.longTasks.length = 0));
  const opened = await running;
  const tasks = await page.evaluate(() => globalThis.longTasks.map(({ duration }) => duration));
  await browser.close();
  const after = await load();
  const without = (share(before) + share(after)) / 2;
  rows.push({
    page: name,
    "center without (% of a core)": (without * 100).toFixed(1),
    "with one console": (share(opened) * 100).toFixed(1),
    difference: ((share(opened) - without) * 100).toFixed(1),
    "long tasks": tasks.length,
    "longest (ms)": Math.round(Math.max(0, ...tasks)),
    "over 100 ms": tasks.filter((duration) => duration > 100).length,
    "answers p99 (ms)": opened.p99.toFixed(1),
  });
};
await measure("overview", "/");
await measure("live log", "/log");
await measure("connections", "/connections");
console.table(rows);
await cluster.stop();
await stopAll();
