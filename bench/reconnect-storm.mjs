// 5,000 clients are connected to one of three nodes, and its process is killed. When do they come back, and where?
//
//   npm run build && node bench/reconnect-storm.mjs [clients]
//
// Prints the curve, and draws it into docs/images/reconnect-storm.svg. Everything is on loopback; the clients have the
// defaults of @websocket-center/client.
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
    client.on("status", ({ state, url }) => {
      if (killedAt === Infinity) return;
      if (state === "connecting") tries.push(performance.now() - killedAt);
      if (state === "open") returns.push({ afterMs: performance.now() - killedAt, url });
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
  killedAt = performance.now();
  nodes[0].kill("SIGKILL");
  await back;
  for (const client of clients) client.close();
  for (const node of nodes) node.kill();
  report(count, tries, returns, urls);
}

function report(count, tries, returns, urls) {
  const times = returns.map(({ afterMs }) => afterMs).sort((a, b) => a - b);
  const steps = Array.from({ length: Math.ceil(times.at(-1) / STEP_MS) }, () => ({ tries: 0, returns: 0 }));
  for (const at of tries) steps[Math.min(steps.length - 1, Math.floor(at / STEP_MS))].tries += 1;
  for (const at of times) steps[Math.min(steps.length - 1, Math.floor(at / STEP_MS))].returns += 1;
  const peak = Math.max(...steps.map((step) => step.tries));
  const at = (share) => `${(times[Math.ceil(count * share) - 1] / 1000).toFixed(1)} s`;
  const shares = urls.slice(1).map((url) => returns.filter((each) => each.url.startsWith(url)).length);
  console.log(`${count} clients; back: half ${at(0.5)}, 99 % ${at(0.99)}, all ${at(1)}`);
  console.log(`tries: ${tries.length}; most in ${STEP_MS} ms: ${peak}; to the nodes that live: ${shares.join(" and ")}`);
  for (const [index, step] of steps.entries()) {
    const label = `${((index * STEP_MS) / 1000).toFixed(1)} s`.padStart(7);
    console.log(`${label} ${String(step.tries).padStart(5)} ${"#".repeat(Math.round((step.tries / peak) * 60))}`);
  }
  const file = new URL("../docs/images/reconnect-storm.svg", import.meta.url);
  writeFileSync(file, draw(count, steps, peak));
}

function draw(count, steps, peak) {
  const [width, height, left, bottom] = [720, 220, 50, 40];
  const x = (index) => left + (index * (width - left - 10)) / steps.length;
  const y = (value) => height - bottom - (value * (height - bottom - 40)) / peak;
  const bars = steps
    .map(({ tries }, index) => {
      const [from, to, top] = [x(index), x(index + 1), y(tries)];
      return `<rect x="${from.toFixed(1)}" y="${top.toFixed(1)}" width="${(to - from - 0.5).toFixed(1)}" height="${(height - bottom - top).toFixed(1)}" fill="#3b7dd8"/>`;
    })
    .join("\n");
  const seconds = (steps.length * STEP_MS) / 1000;
  const marks = Array.from({ length: Math.floor(seconds) + 1 }, (_, second) => {
    const at = x((second * 1000) / STEP_MS).toFixed(1);
    return `<text x="${at}" y="${height - bottom + 16}" text-anchor="middle">${second} s</text>`;
  }).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="20">Tries to connect in ${STEP_MS} ms, after the node of ${count} clients was killed</text>
<line x1="${left}" y1="${height - bottom}" x2="${width - 10}" y2="${height - bottom}" stroke="#333"/>
<text x="${left - 6}" y="${y(peak) + 4}" text-anchor="end">${peak}</text>
<text x="${left - 6}" y="${height - bottom + 4}" text-anchor="end">0</text>
${bars}
${marks}
</svg>
`;
}
