// This project: a node that sends each stamp of twenty bytes that comes on its standard input to everybody, as the
// beginning of a message; and on `f` a row of messages, one a tick without a pause. The argument is `coalesceMs`.
import { setImmediate } from "node:timers/promises";
import { createNode, createSilentLogger } from "websocket-center";
import { PAYLOAD_BYTES } from "./serve.mjs";

const STAMP_BYTES = 20;
const filling = "x".repeat(PAYLOAD_BYTES - STAMP_BYTES);

const node = createNode(
  { port: 0, centers: [], coalesceMs: Number(process.argv[2]) },
  { log: createSilentLogger() },
);
await node.start();
let rest = "";
process.stdin.setEncoding("latin1");
process.stdin.on("data", (text) => {
  if (text === "f") {
    void sendOneATick();
    return;
  }
  const stamps = rest + text;
  const whole = stamps.length - (stamps.length % STAMP_BYTES);
  for (let at = 0; at < whole; at += STAMP_BYTES) {
    node.hub.broadcast({ message: stamps.slice(at, at + STAMP_BYTES) + filling });
  }
  rest = stamps.slice(whole);
});
process.stdin.on("end", () => process.exit(0));
async function sendOneATick() {
  const messages = 5000;
  for (let sent = 0; sent < messages; sent += 1) {
    node.hub.broadcast({ message: filling.padEnd(PAYLOAD_BYTES, "x") });
    await setImmediate();
  }
  console.log(JSON.stringify({ messages }));
}

console.log(JSON.stringify({ port: Number(node.addresses.client.split(":").at(-1)) }));
