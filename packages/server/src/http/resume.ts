import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";

/**
 * The connection of `socket` from `first` on, for an HTTP server to begin anew with: node:http has given its own
 * reading of the socket up, and is taken off it.
 */
export function resumeWith(
  socket: Duplex & { remoteAddress?: string | undefined; localPort?: number | undefined },
  first: Buffer,
): Duplex {
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
  Object.defineProperty(connection, "localPort", { value: socket.localPort });
  socket.removeAllListeners("data").removeAllListeners("end");
  socket.on("data", (chunk: Buffer) => {
    if (!connection.push(chunk)) socket.pause();
  });
  socket.once("end", () => connection.push(null));
  socket.once("close", () => connection.destroy());
  connection.push(first);
  return connection;
}

/**
 * The request again, as bytes and without its offer to change the protocol, with what came behind it.
 *
 * A server that takes upgrades gets every request that offers one, also to HTTP/2 as Java's client and `curl --http2`
 * do with any request. A server may ignore such an offer (RFC 9110, 7.8).
 */
export function withoutUpgrade({ method, url, rawHeaders }: IncomingMessage, head: Buffer): Buffer {
  const lines = [`${method ?? "GET"} ${url ?? "/"} HTTP/1.1`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    const value = rawHeaders[at + 1] ?? "";
    if (/^(?:upgrade|http2-settings)$/i.test(name)) continue;
    lines.push(`${name}: ${/^connection$/i.test(name) ? withoutOffers(value) : value}`);
  }
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]);
}

function withoutOffers(connection: string): string {
  const options = connection.split(",").map((option) => option.trim());
  return options.filter((option) => !/^(?:upgrade|http2-settings)$/i.test(option)).join(", ");
}
