import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { freePort } from "../../../packages/server/test/free-ports.js";

let room: ChildProcess;
let httpPort: number;
let url: string;

beforeAll(async () => {
  const [linkPort, http, port] = await Promise.all([freePort(), freePort(), freePort()]);
  httpPort = http;
  room = spawn(process.execPath, [fileURLToPath(new URL("../chat-room.mjs", import.meta.url))], {
    env: { ...process.env, LINK_PORT: String(linkPort), HTTP_PORT: String(http), PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (room.stdout === null) throw new Error("no output to read");
  for await (const line of createInterface(room.stdout)) {
    const found = /open at (ws:\S+)\?name/.exec(line);
    if (found?.[1] !== undefined) {
      url = found[1];
      break;
    }
  }
});

afterAll(async () => {
  const exited = once(room, "exit");
  room.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
});

test("people in the room hear each other, and the back end reaches all of them", async () => {
  const ada = await enter("ada");
  expect(await ada.next()).toEqual({ from: "ada", joined: true });
  const bob = await enter("bob");
  expect(await ada.next()).toEqual({ from: "bob", joined: true });
  expect(await bob.next()).toEqual({ from: "bob", joined: true });

  bob.say("hello, ada");
  expect(await ada.next()).toEqual({ from: "bob", text: "hello, ada" });

  const response = await fetch(`http://127.0.0.1:${httpPort}/?event=sendToGroup`, {
    method: "POST",
    body: JSON.stringify({ sendToGroup: { groupId: "room", msg: '{"from":"back end"}' } }),
  });
  expect(await response.json()).toMatchObject({ code: 0 });
  expect(await ada.next()).toEqual({ from: "back end" });
  expect(await bob.next(), "who spoke does not hear himself").toEqual({ from: "back end" });

  bob.leave();
  expect(await ada.next()).toEqual({ from: "bob", left: true });
  ada.leave();
});

test("who has no name stays outside, and is told why", async () => {
  const socket = new WebSocket(url);
  const [, response] = await once(socket, "unexpected-response");
  expect(response.statusCode).toBe(401);
});

async function enter(name: string) {
  const socket = new WebSocket(`${url}?name=${name}`);
  const lines: unknown[] = [];
  let wake = (): void => {};
  socket.on("message", (data: Buffer) => {
    lines.push(JSON.parse(data.toString()));
    wake();
  });
  await once(socket, "open");
  return {
    say: (text: string) => socket.send(text),
    leave: () => socket.close(),
    async next(): Promise<unknown> {
      while (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return lines.shift();
    },
  };
}
