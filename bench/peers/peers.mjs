// The servers of the fan-out rows, one entry each: what it is, what it needs, and how it is started.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { cores, nodeCommand, Program } from "../process.mjs";
import { peerFile, programs } from "../setup.mjs";
import { nats } from "./nats.mjs";
import { nchan } from "./nchan.mjs";
import { PAYLOAD_BYTES } from "./serve.mjs";

/** A server that takes ticks as bytes on its standard input (serve.mjs). */
const byFifo = (command) => async () => {
  const program = new Program(command(), { core: cores.server, fifo: true });
  const { port } = await program.answer();
  const tickTarget = ["--tick-fifo", program.fifo];
  return { program, port, pids: [program.pid], ticks: { 1: "t", 16: "s" }, tickTarget };
};
const node = (file, ...args) => byFifo(() => [...nodeCommand, "--expose-gc", peerFile(file), ...args]);

/** Without it, the package is another program: one in JavaScript. */
const uwebsocketsBinary = peerFile(
  `../node_modules/@trufflesuite/uws-js-unofficial/dist/uws_${process.platform}_${process.arch}_${process.versions.modules}.node`,
);

/** Servers of rows other than fan-out. */
const servers = {
  ws: node("ws.mjs"),
  "websocket-center": node("websocket-center.mjs"),
  /** Each connection has a user and a group of ten. */
  "websocket-center-bound": node("websocket-center.mjs", "bound"),
  /** By stamps; frames wait for others, or do not. */
  "coalesce-1": node("paced.mjs", "1"),
  "coalesce-0": node("paced.mjs", "0"),
};

export const startServer = (name) => servers[name]();

export const peers = [
  {
    name: "websocket-center",
    title: "**websocket-center**",
    how: "a node with its defaults, `hub.broadcast`",
    start: node("websocket-center.mjs"),
  },
  {
    name: "websocket-center-no-heartbeats",
    title: "**websocket-center**, without heartbeats",
    how: "the same, with `heartbeatIntervalMs` at an hour",
    start: node("websocket-center.mjs", "no-heartbeats"),
  },
  {
    name: "node-loop",
    title: "bare Node.js loop",
    how: "limit: one shared buffer (the joined frames of the tick), `socket.write` to each socket",
    start: node("node-loop.mjs"),
  },
  {
    name: "node-loop-heartbeats",
    title: "the same loop, with heartbeats",
    how: "and a ping to each client every 25 s, as a node sends them",
    start: node("node-loop.mjs", "heartbeats"),
  },
  {
    name: "c-loop",
    title: "C loop",
    how: "limit: `write` of one shared buffer to each socket",
    start: byFifo(() => [programs.writeLoop, String(PAYLOAD_BYTES)]),
  },
  { name: "ws", title: "ws", how: "a loop of `send`; `bufferutil` installed", start: node("ws.mjs") },
  {
    name: "socket-io",
    title: "Socket.IO",
    how: "`io.emit`; WebSocket only, `bufferutil` installed, handshake requests let go",
    load: ["--engine-io", "1", "--hello-text", "40", "--path", "/socket.io/?EIO=4&transport=websocket"],
    start: node("socket-io.mjs"),
  },
  {
    name: "uwebsockets",
    title: "uWebSockets.js",
    how: "`app.publish` to a topic; the unofficial npm package",
    missing: () =>
      existsSync(uwebsocketsBinary)
        ? undefined
        : `its npm package has no binary for Node.js ${process.version} here`,
    start: node("uwebsockets.mjs"),
  },
  {
    name: "bun",
    title: "Bun",
    how: "`server.publish` to a topic",
    missing: () => (findBun() === undefined ? "npm installed no binary of Bun for this system" : undefined),
    start: byFifo(() => [findBun(), peerFile("bun.mjs")]),
  },
  nchan,
  nats,
];

/** Where npm put Bun: its own package runs a script at install that npm may hold back; the binary comes in another. */
function findBun() {
  const folder = peerFile("../node_modules/@oven");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const files = names.map((name) => path.join(folder, name, "bin", "bun"));
  return [...files, peerFile("../node_modules/bun/bin/bun.exe")].find((file) => existsSync(file));
}
