// 5,000 clients are connected to one of three nodes, and its process is killed. When do they come back, and where?
//
//   npm run build && node bench/reconnect-storm.mjs [clients]
//
// Prints two curves, and draws them into docs/images/reconnect-storm.svg: when the clients try, by their own plans, and
// when they are back. The second is later, since all clients are one process here, on the machine of the nodes. The
// clients have the defaults of @websocket-center/client.
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createClient } from "@websocket-center/client";
import { createNode, createSilentLogger } from "websocket-center";
import { WebSocket } from "ws";

const self = fileURLToPath(import.meta.url);
const STEP_MS = 100;

if (process.argv[2] === "node") await runNode();
else await runStorm(Number(process.argv[2] ?? 5000));

async function runNode() {
  const node = createNode({ port: 0, centers: [] }, { log: createSilentLogger() });
  await node.start();
  process.send(node.publicUrl);
  process.once("disconnect", () => process.exit());
}

async function runStorm(count) {
  const nodes = [1, 2, 3].map(() => fork(self, ["node"]));
  const urls = await Promise.all(nodes.map(async (node) => (await once(node, "message"))[0]));
  const tries = [];
  const returns = [];
  let killedAt = Infinity;
  const clients = [];
  for (let number = 0; number < count; number += 1) {
    // The first address that a client takes is the node that will die; from then on it has its own luck.
    let isFirst = true;
    const random = () => (isFirst ? Number((isFirst = false)) : Math.random());
    const client = createClient({ url: urls, WebSocket, environment: { random } });
    client.on("status", ({ state, url, since, nextTryAt }) => {
      if (killedAt === Infinity) return;
      if (state === "waiting") tries.push(nextTryAt - killedAt);
      if (state === "open") returns.push({ afterMs: since - killedAt, url });
    });
    clients.push(client);
    if (number % 100 === 99) await Promise.all(clients.slice(-100).map((each) => each.connect()));
  }
  await Promise.all(clients.map((client) => client.connect()));
  const back = Promise.all(
    clients.map(
      (client) =>
        new Promise((resolve) => client.on("status", ({ state }) => void (state === "open" && resolve()))),
    ),
  );
  killedAt = Date.now();
  nodes[0].kill("SIGKILL");
  await back;
  for (const client of clients) client.close();
  for (const node of nodes) node.kill();
  report(count, tries, returns, urls);
}

function report(count, tries, returns, urls) {
  const times = returns.map(({ afterMs }) => afterMs).sort((a, b) => a - b);
  const steps = Array.from({ length: Math.floor(Math.max(...times, ...tries) / STEP_MS) + 1 }, () => [0, 0]);
  for (const at of tries) steps[Math.floor(at / STEP_MS)][0] += 1;
  for (const at of times) steps[Math.floor(at / STEP_MS)][1] += 1;
  const peak = Math.max(...steps.map(([tried]) => tried));
  const at = (share) => `${(times[Math.ceil(count * share) - 1] / 1000).toFixed(1)} s`;
  const shares = urls.slice(1).map((url) => returns.filter((each) => each.url.startsWith(url)).length);
  console.log(`${count} clients, ${tries.length} tries, at most ${peak} in ${STEP_MS} ms`);
  console.log(
    `back at the nodes that live: ${shares.join(" and ")}; half after ${at(0.5)}, all after ${at(1)}`,
  );
  console.log("   after  tries  back");
  for (const [index, [tried, back]] of steps.entries()) {
    const label = `${((index * STEP_MS) / 1000).toFixed(1)} s`.padStart(8);
    const bar = "#".repeat(Math.round((tried / peak) * 50));
    console.log(`${label} ${String(tried).padStart(6)} ${String(back).padStart(5)}  ${bar}`);
  }
  const file = new URL("../docs/images/reconnect-storm.svg", import.meta.url);
  writeFileSync(file, draw(count, steps, peak));
}

function draw(count, steps, peak) {
  const [width, height, left, bottom] = [720, 230, 50, 40];
  const x = (index) => left + (index * (width - left - 10)) / steps.length;
  const y = (value) => height - bottom - (value * (height - bottom - 50)) / peak;
  const bars = steps.map(([tried], index) => {
    const [from, to, top] = [x(index), x(index + 1), y(tried)];
    return `<rect x="${from.toFixed(1)}" y="${top.toFixed(1)}" width="${(to - from - 0.5).toFixed(1)}" height="${(height - bottom - top).toFixed(1)}" fill="#3b7dd8"/>`;
  });
  let total = 0;
  const line = steps.map(([, back], index) => {
    total += back;
    return `${x(index + 1).toFixed(1)},${y((total / count) * peak).toFixed(1)}`;
  });
  const seconds = Array.from(
    { length: Math.floor((steps.length * STEP_MS) / 1000) + 1 },
    (_, second) => second,
  );
  const marks = seconds.map((second) => {
    const at = x((second * 1000) / STEP_MS).toFixed(1);
    return `<text x="${at}" y="${height - bottom + 16}" text-anchor="middle">${second} s</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="18">The node of ${count} clients was killed: in each ${STEP_MS} ms,</text>
<text x="${left}" y="34" fill="#3b7dd8">so many try to connect;</text>
<text x="${left + 160}" y="34" fill="#c2410c">the share that is back (the clients are one process, on the machine of the nodes)</text>
<text x="${left - 6}" y="${y(peak) + 4}" text-anchor="end">${peak}</text>
<text x="${left - 6}" y="${height - bottom + 4}" text-anchor="end">0</text>
<line x1="${left}" y1="${height - bottom}" x2="${width - 10}" y2="${height - bottom}" stroke="#333"/>
${bars.join("\n")}
<polyline points="${line.join(" ")}" fill="none" stroke="#c2410c" stroke-width="1.5"/>
${marks.join("\n")}
</svg>
`;
}
