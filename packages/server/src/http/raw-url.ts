import type { Socket } from "node:net";
import { Duplex } from "node:stream";

const CR = 0x0d;
const requestLine = /^[A-Z]+ [^ ]+ HTTP\/1\.[01]$/;

/**
 * A packet that begins with a request whose URL has bytes beyond ASCII, with those bytes percent-escaped; undefined
 * where it begins otherwise, or the line is not whole.
 *
 * node:http refuses such a URL, as RFC 3986 has it; yet curl and PHP send one wherever nobody escaped it.
 */
export function escapeRawUrl(packet: Buffer): Buffer | undefined {
  const end = packet.indexOf(CR);
  if (end === -1) return undefined;
  const line = packet.toString("latin1", 0, end);
  if (!requestLine.test(line)) return undefined;
  const escaped = line.replaceAll(
    /[\x80-\xff]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return escaped === line ? undefined : Buffer.concat([Buffer.from(escaped, "latin1"), packet.subarray(end)]);
}

/**
 * The connection of `socket` from `first` on, for an HTTP server to begin anew with: node:http's own reading of the
 * socket has ended in an error, and is taken off it.
 */
export function resumeWith(socket: Socket, first: Buffer): Duplex {
  const connection = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, callback) => socket.write(chunk, callback),
    final: (callback) => socket.end(callback),
    destroy: (error, callback) => {
      socket.destroy();
      callback(error);
    },
  });
  Object.defineProperty(connection, "remoteAddress", { value: socket.remoteAddress });
  socket.removeAllListeners("data").removeAllListeners("end");
  socket.on("data", (chunk: Buffer) => {
    if (!connection.push(chunk)) socket.pause();
  });
  socket.once("end", () => connection.push(null));
  socket.once("close", () => connection.destroy());
  connection.push(first);
  return connection;
}
