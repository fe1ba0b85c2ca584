import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { freePort } from "../../free-port.js";

test("the application's pages, the center and both nodes share one port", async () => {
  const [linkPort, port] = await Promise.all([freePort(), freePort()]);
  const application = spawn(
    process.execPath,
    [fileURLToPath(new URL("../mount-http.mjs", import.meta.url))],
    {
      env: { ...process.env, LINK_PORT: String(linkPort), PORT: String(port) },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  onTestFinished(() => {
    application.kill("SIGKILL");
  });
  for await (const line of createInterface(application.stdout)) if (line.includes("listening on")) break;
  application.stdout.resume();
  const base = `http://127.0.0.1:${port}`;
  await vi.waitFor(async () => {
    const { nodes } = (await (await fetch(`${base}/center/nodes`)).json()) as { nodes: unknown[] };
    expect(nodes).toHaveLength(2);
  });
  expect(await (await fetch(`${base}/`)).text()).toBe("the application's own page\n");

  const news = await connect(`ws://127.0.0.1:${port}/ws/news`);
  const chat = await connect(`ws://127.0.0.1:${port}/ws/chat?x=1`);
  const answer = await fetch(`${base}/center/?event=broadcast&broadcast[msg]=hi`);
  const { data } = (await answer.json()) as { data: { broadcast: Record<string, number> } };
  expect(Object.values(data.broadcast)).toEqual([1, 1]);
  await vi.waitFor(() => expect([news.messages, chat.messages]).toEqual([["hi"], ["hi"]]));

  const stranger = new WebSocket(`ws://127.0.0.1:${port}/elsewhere`);
  const [, response] = (await once(stranger, "unexpected-response")) as [unknown, { statusCode: number }];
  expect(response.statusCode).toBe(404);
  const closed = once(news.socket, "close");
  const exited = once(application, "exit");
  application.kill("SIGINT");
  expect((await closed)[0]).toBe(1012);
  expect(await exited).toEqual([0, null]);
});

async function connect(url: string) {
  const socket = new WebSocket(url);
  const messages: string[] = [];
  await once(socket, "message");
  socket.on("message", (data: Buffer) => messages.push(data.toString()));
  return { socket, messages };
}
