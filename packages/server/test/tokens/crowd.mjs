// Many clients in a process of their own: `node crowd.mjs URL COUNT`. Of the two lines of stdin, every second client sends
// the first, the others the second. What has come about is written to stdout, a JSON object a line.
import { createInterface } from "node:readline";
import { WebSocket } from "ws";

const [url = "", countText = "0"] = process.argv.slice(2);
const count = Number(countText);
const totals = { open: 0, answers: 0, errors: 0, messages: 0, closed: {} };
const sockets = [];

function tell(what) {
  process.stdout.write(`${JSON.stringify({ what, ...totals })}\n`);
}

function connect() {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  sockets.push(socket);
  return new Promise((resolve) => {
    socket.on("message", (/** @type {Buffer} */ data) => {
      const text = data.toString();
      if (text.startsWith('{"cmd":"open"')) {
        totals.open += 1;
        resolve();
      } else if (text.startsWith('{"cmd":"token","expiresAt"')) {
        totals.answers += 1;
        if (totals.answers === count) tell("answered");
      } else if (text.startsWith('{"cmd":"token"')) {
        totals.errors += 1;
        tell("error");
      } else {
        totals.messages += 1;
        if (totals.messages === count / 2) tell("messages");
      }
    });
    socket.on("close", (code) => {
      totals.closed[code] = (totals.closed[code] ?? 0) + 1;
      totals.open -= 1;
      if (totals.open === count / 2) tell("half");
    });
    socket.on("error", (error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    });
  });
}

async function connectAll(left) {
  while (left.next < count) {
    left.next += 1;
    await connect();
  }
}

const left = { next: 0 };
await Promise.all(Array.from({ length: 50 }, () => connectAll(left)));
tell("open");
const lines = [];
createInterface({ input: process.stdin }).on("line", (line) => {
  lines.push(line);
  if (lines.length === 2) sockets.forEach((socket, index) => socket.send(lines[index % 2]));
});
