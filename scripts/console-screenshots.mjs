// Takes the pictures of the console that the documents show: a cluster with some traffic, in this process, seen by
// Chromium. Needs `npm run build`, and Debian's chromium and fonts-noto-cjk.
//
//   node scripts/console-screenshots.mjs [NAME ...]      default: all; they go to docs/images
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { createCenter, createNode, createSilentLogger, method } from "websocket-center";
import { WebSocket } from "ws";
import { z } from "zod";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, "docs", "images");
const wanted = process.argv.slice(2);
if (execFileSync("fc-list", [":lang=zh"], { encoding: "utf8" }) === "")
  throw new Error("there is no font with Chinese characters (Debian: fonts-noto-cjk)");
mkdirSync(folder, { recursive: true });
/** How long traffic runs before pictures are taken, so that the charts have something to show. */
const WARM_UP_MS = Number(process.env["WARM_UP_MS"] ?? 90_000);
const CLIENTS = 240;

const log = createSilentLogger();
const common = { auditLog: "off" };
const centers = [8011, 8013].map((httpPort, at) =>
  createCenter({ ...common, httpPort, linkPort: 8010 + 2 * at }, { log }),
);
for (const center of centers) await center.start();
const nodes = [8090, 8091, 8092].map((port) =>
  createNode({ ...common, port, centers: ["8010", "8012"] }, { log }),
);
for (const node of nodes) await node.start();
nodes[0].services.register({
  name: "rooms",
  metadata: { region: "eu" },
  methods: {
    topic: method({
      params: z.object({ room: z.string() }),
      result: z.object({ topic: z.string() }),
      doc: "What the room talks about.",
      scope: "read",
      handler: ({ room }) => ({ topic: `all about ${room}` }),
    }),
  },
});
const names = ["ada", "bob", "cleo", "dan", "eve", "finn", "gus", "hana", "ivo", "jun"];
const rooms = ["lobby", "news", "support", "games"];
const sockets = [];
for (let number = 0; number < CLIENTS; number += 1) {
  const node = nodes[number % nodes.length];
  const socket = new WebSocket(`${node.publicUrl}/?app=web&lang=${number % 3 === 0 ? "zh" : "en"}`, {
    headers: {
      Origin: "https://shop.example",
      "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
    },
  });
  const [first] = await once(socket, "message");
  const { _id: connectionId } = JSON.parse(first.toString());
  node.hub.bindUser({
    userId: `${names[number % names.length]}-${Math.floor(number / names.length)}`,
    connectionId,
  });
  node.hub.joinConnectionToGroup({ groupId: rooms[number % rooms.length], connectionId });
  sockets.push(socket);
}
const api = `http://${centers[0].addresses.http}/`;
const post = (body) =>
  fetch(`${api}?event=${Object.keys(body).join(",")}`, { method: "POST", body: JSON.stringify(body) });
const stop = new AbortController();
const traffic = (async () => {
  for (let round = 0; !stop.signal.aborted; round += 1) {
    const wave = 1 + Math.sin(round / 60);
    const room = rooms[round % rooms.length];
    const user = `${names[round % names.length]}-${round % 24}`;
    const calls = [post({ sendToGroup: { groupId: room, msg: `news ${round}` } })];
    for (let at = 0; at < wave * 4; at += 1)
      calls.push(post({ sendMessageToId: { id: user, msg: `hi ${round}` } }));
    sockets[round % sockets.length].send(`hello ${round}`);
    await Promise.all(calls.map(async (call) => (await call).text()));
    await delay(100);
  }
})();
console.log(`traffic runs for ${WARM_UP_MS / 1000} s`);
await delay(WARM_UP_MS);

const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});

/** @param look - what to do before the picture is taken. */
async function picture(name, place, { dark = false, phone = false, zh = false, look = async () => {} } = {}) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  const context = await browser.newContext({
    colorScheme: dark ? "dark" : "light",
    locale: zh ? "zh-CN" : "en-GB",
    viewport: phone ? { width: 390, height: 800 } : { width: 1360, height: 900 },
    deviceScaleFactor: 1,
  });
  const page = await context.newPage();
  await page.goto(`${api}console/#${place}`);
  await page.locator("[data-status=live]").waitFor();
  await page.getByRole("heading", { level: 1 }).waitFor();
  await look(page);
  await delay(1500);
  await page.screenshot({ path: path.join(folder, `console-${name}.png`) });
  await context.close();
  console.log(`console-${name}.png`);
}

const tryTwo = async (page) => {
  await page.getByRole("button", { name: /Two clients|两个客户端/ }).click();
  await delay(1500);
  const first = page.getByRole("region").first();
  await first.getByRole("textbox", { name: /Message|消息/ }).fill('{"hello":"from another node"}');
  await first.getByRole("button", { name: /Send|发送/ }).click();
};

await picture("overview", "/");
await picture("overview-dark", "/", { dark: true });
await picture("overview-phone", "/", { phone: true });
await picture("overview-zh", "/", { zh: true });
await picture("try", "/try", { look: tryTwo });
await picture("trace", "/trace?userId=ada-0");
await picture("log", "/log", { dark: true, look: () => delay(5000) });

await browser.close();
stop.abort();
await traffic;
for (const socket of sockets) socket.terminate();
await Promise.all(nodes.map((node) => node.stop()));
await Promise.all(centers.map((center) => center.stop()));
