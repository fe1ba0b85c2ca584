import { spawn } from "node:child_process";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { freePort } from "../packages/server/test/free-ports.js";

/** Longer than it takes; the machine may be busy. */
const WAIT = { timeout: 10_000 };

/** A running example that has a center and two nodes in its server. */
export interface MountedApplication {
  base: string;
  /** Ends it with SIGINT; its exit code. */
  end: () => Promise<number | null>;
  ask: (
    path: string,
    options?: { headers?: Record<string, string>; body?: string },
  ) => Promise<{ status: number; text: string }>;
  /** A client of the node at `path`, after its open frame. */
  connect: (path: string) => Promise<{ socket: WebSocket; messages: string[] }>;
}

/** Starts an example on free ports; resolves once the center has both nodes. */
export async function startApplication(
  file: URL,
  env: Record<string, string> = {},
): Promise<MountedApplication> {
  const [linkPort, port] = await Promise.all([freePort(), freePort()]);
  const child = spawn(process.execPath, [fileURLToPath(file)], {
    env: { PATH: process.env["PATH"], LINK_PORT: String(linkPort), PORT: String(port), ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  onTestFinished(() => void child.kill("SIGKILL"));
  for await (const line of createInterface(child.stdout)) if (line.includes("listening on")) break;
  child.stdout.resume();

  const ask: MountedApplication["ask"] = (path, { headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const method = body === undefined ? "GET" : "POST";
      const request = httpRequest({ host: "127.0.0.1", port, path, method, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      request.on("error", reject).end(body);
    });
  const headers = env["TOKEN"] === undefined ? {} : { Authorization: `Bearer ${env["TOKEN"]}` };
  const nodesAreLinked = async (): Promise<void> => {
    const { text } = await ask("/center/nodes", { headers });
    expect((JSON.parse(text) as { nodes: unknown[] }).nodes).toHaveLength(2);
  };
  await vi.waitFor(nodesAreLinked, WAIT);
  return {
    base: `127.0.0.1:${port}`,
    ask,
    end: async () => {
      child.kill("SIGINT");
      return ((await exited) as [number | null])[0];
    },
    connect: async (path) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
      onTestFinished(() => socket.terminate());
      const messages: string[] = [];
      await once(socket, "message");
      socket.on("message", (data: Buffer) => messages.push(data.toString()));
      return { socket, messages };
    },
  };
}

const contentTypes = [
  undefined,
  "application/json",
  "application/json; charset=gbk",
  "application/x-www-form-urlencoded",
  "text/plain",
];

/** What holds for a center and nodes mounted into any server. */
export function mountedApplicationSuite(file: URL): void {
  test("the application's pages, the center and both nodes share one port", async () => {
    const { ask, connect } = await startApplication(file);
    expect((await ask("/")).text).toBe("the application's own page\n");
    const news = await connect("/ws/news");
    const chat = await connect("/ws/chat?x=1");
    const { text } = await ask("/center/?event=broadcast&broadcast[msg]=hi");
    const { data } = JSON.parse(text) as { data: { broadcast: Record<string, number> } };
    expect(Object.values(data.broadcast)).toEqual([1, 1]);
    await vi.waitFor(() => expect([news.messages, chat.messages]).toEqual([["hi"], ["hi"]]), WAIT);
    expect((await ask("/node/chat/?event=getConnectionCount")).text).toContain('{"getConnectionCount":1}');
    expect((await ask("/center/services?name=websocket")).status).toBe(200);
  });

  test("a body is JSON to the mounted APIs, whatever its content type", async () => {
    const { ask } = await startApplication(file);
    const body = '{"isOnlineId":{"id":9007199254740993}}';
    for (const contentType of contentTypes) {
      const headers: Record<string, string> =
        contentType === undefined ? {} : { "Content-Type": contentType };
      for (const path of ["/center/", "/node/news/"]) {
        const { text } = await ask(`${path}?event=isOnlineId`, { headers, body });
        expect(JSON.parse(text), `${path} ${contentType}`).toMatchObject({ code: 0 });
      }
      const wrong = await ask("/center/?event=getIds", { headers, body: "{" });
      expect(wrong.text, contentType).toContain("JSON");
    }
  });

  test("an upgrade that no node takes is the application's to refuse; SIGINT ends all in order", async () => {
    const { base, connect, end } = await startApplication(file);
    const stranger = new WebSocket(`ws://${base}/elsewhere`);
    const [, response] = (await once(stranger, "unexpected-response")) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(404);
    const { socket } = await connect("/ws/news");
    const closed = once(socket, "close");
    const code = await end();
    expect((await closed)[0]).toBe(1012);
    expect(code).toBe(0);
  });

  test("without a token the mounted APIs answer this machine only, by the address of the request", async () => {
    const { ask } = await startApplication(file, { TRUSTED_PROXIES: "127.0.0.1" });
    const status = async (path: string, headers: Record<string, string>): Promise<number> =>
      (await ask(path, { headers })).status;
    for (const path of ["/center/?event=getIds", "/center/nodes", "/node/news/?event=getIds"]) {
      expect(await status(path, {})).toBe(200);
      expect(await status(path, { "X-Forwarded-For": "127.0.0.1" })).toBe(200);
      expect(await status(path, { "X-Forwarded-For": "203.0.113.7" })).toBe(403);
      expect(await status(path, { Forwarded: "for=203.0.113.7" })).toBe(403);
      expect(await status(path, { Host: "app.example" })).toBe(403);
      expect(await status(path, { Origin: "https://app.example" })).toBe(403);
    }
  });

  test("with a token they answer whoever has it", async () => {
    const { ask } = await startApplication(file, { TOKEN: "s3cret", TRUSTED_PROXIES: "127.0.0.1" });
    const headers = { Host: "app.example", "X-Forwarded-For": "203.0.113.7" };
    for (const path of ["/center/?event=getIds", "/node/news/?event=getIds"]) {
      expect((await ask(path, { headers })).text).toContain("token error");
      expect((await ask(`${path}&token=s3cret`, { headers })).text).toContain('"code":0');
    }
    expect((await ask("/center/nodes", { headers })).status).toBe(401);
  });
}
