import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** A bare TCP connection to 127.0.0.1, whose errors are kept, not thrown. */
export function open(port: number, options: { allowHalfOpen?: boolean } = {}): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", ...options });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

/** Resolves when the bytes have been handed to the system, or the peer has closed. */
export function write(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.write(bytes, () => resolve());
  });
}

/** Everything that the peer sends until it ends. */
export function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.once("end", () => resolve(text));
    socket.once("close", () => resolve(text));
  });
}

export const upgrade = (path = "/"): string =>
  [
    `GET ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "",
    "",
  ].join("\r\n");

/** A WebSocket opened by hand: resolves with the socket and the connection id of its open frame. */
export async function openByHand(port: number): Promise<{ socket: Socket; id: string }> {
  const socket = await open(port);
  const found = new Promise<string>((resolve, reject) => {
    let text = "";
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      const id = /"cmd":"open","_id":"([0-9a-f]{32})"/.exec(text)?.[1];
      if (id !== undefined) {
        socket.off("data", onData);
        resolve(id);
      }
    };
    socket.on("data", onData);
    socket.once("close", () => reject(new Error(`closed after ${text}`)));
  });
  await write(socket, upgrade());
  return { socket, id: await found };
}

/** The memory that a process holds, in MiB. */
export function residentMib(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) / 1_024;
}
