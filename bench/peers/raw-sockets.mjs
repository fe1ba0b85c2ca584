import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { payload } from "./serve.mjs";

/** Accepts every WebSocket handshake and keeps the plain socket: nothing reads what clients send. */
export function acceptAll(onOpen = () => {}) {
  const sockets = [];
  const server = createServer();
  server.on("upgrade", (request, socket) => {
    const key = request.headers["sec-websocket-key"];
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.resume();
    socket.write(`${head.join("\r\n")}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    sockets.push(socket);
    onOpen(socket);
  });
  const listen = () =>
    new Promise((resolve) => {
      server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => resolve(server.address().port));
    });
  return { sockets, listen };
}

/** A text frame from server to client, of up to 65,535 bytes (RFC 6455, 5.2). */
export function encodeText(text) {
  const bytes = Buffer.from(text);
  const header =
    bytes.length < 126 ? [0x81, bytes.length] : [0x81, 126, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from(header), bytes]);
}

/** An empty ping from server to client (RFC 6455, 5.5.2). */
export const ping = Buffer.from([0x89, 0]);

/** A tick for `serve`: one shared buffer to each socket, in which 16 messages are joined. */
export function writeToAll(sockets) {
  const frame = encodeText(payload);
  const joined = Buffer.concat(Array.from({ length: 16 }, () => frame));
  return (messages) => {
    const bytes = messages === 16 ? joined : frame;
    for (const socket of sockets) socket.write(bytes);
  };
}
