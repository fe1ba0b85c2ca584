import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { encode } from "@msgpack/msgpack";
import { expect, onTestFinished, test, vi } from "vitest";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** A masked binary WebSocket message of up to 125 bytes that holds one link frame. */
function linkMessage(value: unknown): Buffer {
  const frame = Buffer.from(encode(value));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  const payload = Buffer.concat([length, frame]);
  // A mask of zeros leaves the payload as it is (RFC 6455, 5.3).
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

test("a refused greeting with a broken WebSocket frame behind it, in one packet, harms nobody", async () => {
  // A process of its own: what nothing catches would end it.
  const center = spawn(process.execPath, [main, "center", "--link-port", "0", "--http-port", "0"], {
    env: { PATH: process.env["PATH"], WSC_LOG_FORMAT: "json", WSC_LINK_SECRET: "s".repeat(32) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => {
    center.kill("SIGKILL");
  });
  let addresses: { link: string; http: string } | undefined;
  for await (const text of createInterface(center.stdout)) {
    const line = JSON.parse(text) as { link?: string; http?: string };
    if (line.link === undefined || line.http === undefined) continue;
    addresses = { link: line.link, http: line.http };
    break;
  }
  center.stdout.resume();
  if (addresses === undefined) throw new Error("the center ended before it listened");

  const socket = connect(Number(addresses.link.split(":")[1]), "127.0.0.1");
  socket.on("error", () => socket.destroy());
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await once(socket, "data");
  const closed = once(socket, "close");
  socket.resume();
  socket.write(Buffer.concat([linkMessage(["hello", { version: 99 }]), Buffer.from("ff8000000000", "hex")]));
  await closed;
  await vi.waitFor(async () => {
    expect(center.exitCode).toBeNull();
    expect((await fetch(`http://${addresses.http}/livez`)).status).toBe(200);
  });
});
