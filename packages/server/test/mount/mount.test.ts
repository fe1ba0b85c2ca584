import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createCenter, createNode, createSilentLogger, type NodeOptions } from "../../src/index.js";

const log = createSilentLogger();

async function startServer(): Promise<{ server: Server; port: number }> {
  const server = createServer((_request, response) => response.end("the application's own"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

async function startMounted(options: NodeOptions = {}) {
  const node = createNode(
    { centers: [], publicUrl: "ws://app.example/ws", ...options },
    { log, mounted: true },
  );
  onTestFinished(() => node.stop());
  await node.start();
  return node;
}

async function firstMessage(url: string): Promise<string> {
  const socket = new WebSocket(url);
  onTestFinished(() => socket.terminate());
  const [data] = (await once(socket, "message")) as [Buffer];
  return data.toString();
}

function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    httpRequest({ host: "127.0.0.1", port, path, headers }, (response: IncomingMessage) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    })
      .on("error", reject)
      .end();
  });
}

test("nodes and others share the upgrades of a server by their paths", async () => {
  const { server, port } = await startServer();
  const [first, second] = [await startMounted(), await startMounted()];
  first.attach(server, { path: "/first" });
  second.attach(server, { path: "/second" });
  const others = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    if (request.url === "/theirs") others.handleUpgrade(request, socket, head, (ws) => ws.send("theirs"));
  });
  expect(await firstMessage(`ws://127.0.0.1:${port}/first?x=1`)).toContain(first.id.slice(0, 12));
  expect(await firstMessage(`ws://127.0.0.1:${port}/second`)).toContain(second.id.slice(0, 12));
  expect(await firstMessage(`ws://127.0.0.1:${port}/theirs`)).toBe("theirs");
  expect(first.hub.countConnections({})).toBe(1);
});

test("stopping closes what is mounted, and nothing of the application's", async () => {
  const { server, port } = await startServer();
  const node = await startMounted({ closeSpreadMs: 0 });
  node.attach(server, { path: "/ws" });
  const others = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    if (request.url !== "/theirs") return;
    others.handleUpgrade(request, socket, head, (ws) => ws.on("message", (data) => ws.send(data)));
  });
  const theirs = new WebSocket(`ws://127.0.0.1:${port}/theirs`);
  onTestFinished(() => theirs.terminate());
  await once(theirs, "open");
  const ours = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  const closed = once(ours, "close");
  await once(ours, "open");
  await node.drain();
  expect((await closed)[0]).toBe(1012);
  await node.stop();
  expect(server.listenerCount("upgrade")).toBe(1);
  theirs.send("still here");
  expect(String((await once(theirs, "message"))[0])).toBe("still here");
  expect((await ask(port, "/")).text).toBe("the application's own");
});

test("a mounted center answers under a prefix, and reaches mounted nodes", async () => {
  const { server, port } = await startServer();
  const center = createCenter({ linkPort: 0 }, { log, mounted: true });
  onTestFinished(() => center.stop());
  await center.start();
  expect(center.addresses.http).toBe("");
  const node = await startMounted({ centers: [center.addresses.link] });
  node.attach(server);
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    request.url = request.url?.replace("/center", "");
    center.handleRequest(request, response);
  });
  await vi.waitFor(() => expect(center.nodes).toMatchObject([{ publicUrl: "ws://app.example/ws" }]));
  await firstMessage(`ws://127.0.0.1:${port}/any/path`);
  expect(JSON.parse((await ask(port, "/center/nodes")).text)).toMatchObject({ nodes: [{ id: node.id }] });
  const counted = JSON.parse((await ask(port, "/center/?event=getConnectionCount")).text) as object;
  expect(counted).toMatchObject({ code: 0, data: { getConnectionCount: { [node.id]: 1 } } });
});

test("the rules on who may reach an API hold by each request", async () => {
  const { server, port } = await startServer();
  const open = await startMounted();
  const guarded = await startMounted({ token: ["s3cret"] });
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    (request.url?.startsWith("/guarded") === true ? guarded : open).handleRequest(request, response);
  });
  const event = "?event=getConnectionCount";
  expect((await ask(port, `/open${event}`)).status).toBe(200);
  expect((await ask(port, `/open${event}`, { Host: "app.example" })).status).toBe(403);
  expect((await ask(port, `/open${event}`, { Origin: "https://app.example" })).status).toBe(403);
  expect(JSON.parse((await ask(port, `/guarded${event}`)).text)).toMatchObject({
    code: 1,
    msg: "token error",
  });
  const allowed = await ask(port, `/guarded${event}&token=s3cret`, { Host: "app.example" });
  expect(JSON.parse(allowed.text)).toMatchObject({ code: 0 });
});

test("a mounted node must be told its address", () => {
  expect(() => createNode({}, { log, mounted: true })).toThrow(/publicUrl/);
});
