// nats-server's WebSocket listener, told of messages over its own protocol.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { cores, freePort, listening, Program } from "../process.mjs";
import { findCommand } from "../setup.mjs";
import { payload } from "./serve.mjs";

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false}\r\n';

export const nats = {
  name: "nats",
  title: "nats-server",
  how: "its WebSocket listener; each message is a `PUB` over TCP, those of a tick in one write",
  missing: () =>
    findCommand("nats-server") === undefined ? "needs the Debian package `nats-server`" : undefined,
  load: ["--hello-binary", `${CONNECT}SUB b 1\r\n`],
  // It pings each client once, up to two seconds after it came.
  quietAfterMs: 2500,
  start,
};

async function start() {
  const folder = mkdtempSync(path.join(tmpdir(), "wsc-bench-nats-"));
  const [port, tcpPort] = [await freePort(), await freePort()];
  const file = path.join(folder, "nats.conf");
  writeFileSync(
    file,
    `host: 127.0.0.1
port: ${tcpPort}
max_connections: 65000
ping_interval: "1h"
websocket { host: 127.0.0.1, port: ${port}, no_tls: true, compression: false }
`,
  );
  const program = new Program(["nats-server", "-c", file], { core: cores.server, name: "nats-server" });
  await listening(port);
  // What arrives is `MSG b 1 50`, the message, and line ends: 64 bytes.
  const message = payload.slice(14);
  const publish = `PUB b ${message.length}\r\n${message}\r\n`;
  return {
    program,
    port,
    pids: [program.pid],
    ticks: { 1: publish, 16: publish.repeat(16) },
    tickTarget: ["--tick-port", String(tcpPort), "--tick-hello", CONNECT],
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
}
