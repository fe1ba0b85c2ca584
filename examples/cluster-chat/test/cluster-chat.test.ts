import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { freePort } from "../../../packages/server/test/free-ports.js";

test("what is said on one node is heard on both", async () => {
  const [linkPort, httpPort, first, second] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const room = spawn(process.execPath, [fileURLToPath(new URL("../cluster-chat.mjs", import.meta.url))], {
    env: {
      ...process.env,
      LINK_PORT: String(linkPort),
      HTTP_PORT: String(httpPort),
      PORTS: `${first},${second}`,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => {
    room.kill("SIGKILL");
  });
  for await (const line of createInterface(room.stdout)) if (line.includes("the room is open")) break;
  room.stdout.resume();
  await vi.waitFor(async () => {
    const response = await fetch(`http://127.0.0.1:${httpPort}/nodes`);
    expect(((await response.json()) as { nodes: unknown[] }).nodes).toHaveLength(2);
  });

  const ada = await enter(`ws://127.0.0.1:${first}/?name=ada`);
  const bob = await enter(`ws://127.0.0.1:${second}/?name=bob`);
  ada.send("hello over there");
  await vi.waitFor(() => expect(bob.lines).toEqual([{ from: "ada", text: "hello over there" }]));
  bob.send("hello back");
  await vi.waitFor(() => expect(ada.lines).toContainEqual({ from: "bob", text: "hello back" }));
  bob.close();
  await vi.waitFor(() => expect(ada.lines.at(-1)).toEqual({ from: "bob", left: true }));
  ada.close();

  const exited = once(room, "exit");
  room.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
});

async function enter(url: string) {
  const socket = new WebSocket(url);
  const lines: unknown[] = [];
  const [open] = (await once(socket, "message")) as [Buffer];
  expect(JSON.parse(open.toString())).toMatchObject({ cmd: "open" });
  socket.on("message", (data: Buffer) => lines.push(JSON.parse(data.toString())));
  return { lines, send: (text: string) => socket.send(text), close: () => socket.close() };
}
