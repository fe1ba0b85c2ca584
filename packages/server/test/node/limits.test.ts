import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { resolveNodeOptions } from "../../src/config/resolve.js";
import { createSilentLogger } from "../../src/index.js";
import { WebSocketNode } from "../../src/node/node.js";
import { clientFrame, opcodes, RawClient } from "./raw-client.js";
import { askUpgrade, Client, metricOf, nextEvent, startNode } from "./running-node.js";

test("over maxConnections clients get 503, and a place that is given back is taken again", async () => {
  const node = await startNode({ maxConnections: 2, adminPort: 0 });
  const clients = [await Client.connect(node), await Client.connect(node)];
  const refused = await askUpgrade(node);
  expect(refused.status).toBe(503);
  expect(refused.headers["retry-after"]).toMatch(/^[1-9][0-9]*$/);
  for (let round = 0; round < 3; round += 1) {
    const ended = nextEvent(node, "close");
    await clients[round % 2]!.close();
    await ended;
    clients[round % 2] = await Client.connect(node);
    expect((await askUpgrade(node)).status).toBe(503);
  }
  expect(await metricOf(node, 'wsc_connections_refused_total{cause="full"}')).toBe(4);
  expect(node.hub.countConnections({})).toBe(2);
});

test("refused clients and broken handshakes keep no place", async () => {
  const node = await startNode({ maxConnections: 1 }, { authorize: ({ url }) => ({ admit: url === "/in" }) });
  for (let attempt = 0; attempt < 5; attempt += 1) {
    expect((await askUpgrade(node, "/out")).status).toBe(403);
    expect((await askUpgrade(node, "/in", { "Sec-WebSocket-Key": "short" })).status).toBe(400);
  }
  const client = await Client.connect(node, { path: "/in" });
  expect(client.id).toMatch(/^[0-9a-f]{32}$/);
});

test("over maxConnectionsPerAddress an address gets 429, until it gives a place back", async () => {
  const node = await startNode({ maxConnectionsPerAddress: 2, adminPort: 0 });
  const [client] = [await Client.connect(node), await Client.connect(node)];
  const refused = await askUpgrade(node);
  expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "5"]);
  const other = await Client.connect(node, { localAddress: "127.0.0.2" });
  const ended = nextEvent(node, "close");
  await client.close();
  await ended;
  await Client.connect(node);
  expect((await askUpgrade(node)).status).toBe(429);
  expect(other.socket.readyState).toBe(other.socket.OPEN);
  expect(await metricOf(node, 'wsc_connections_refused_total{cause="address-full"}')).toBe(2);
});

test("behind a trusted proxy the limit and the address are those of X-Forwarded-For", async () => {
  const node = await startNode({ maxConnectionsPerAddress: 1, trustedProxies: ["127.0.0.1"] });
  const addresses: string[] = [];
  node.on("open", ({ remoteAddress }) => addresses.push(remoteAddress));
  const from = (address: string) => ({ headers: { "X-Forwarded-For": `203.0.113.9, ${address}` } });
  const client = await Client.connect(node, from("192.0.2.1"));
  await Client.connect(node, from("192.0.2.2"));
  expect(addresses).toEqual(["192.0.2.1", "192.0.2.2"]);
  expect((await askUpgrade(node, "/", from("192.0.2.1").headers)).status).toBe(429);
  const ended = nextEvent(node, "close");
  await client.close();
  await ended;
  await Client.connect(node, from("192.0.2.1"));
});

test("X-Forwarded-For from anybody else is not believed", async () => {
  const node = await startNode({ maxConnectionsPerAddress: 1, trustedProxies: ["10.0.0.0/8"] });
  const opened = nextEvent(node, "open");
  await Client.connect(node, { headers: { "X-Forwarded-For": "192.0.2.1" } });
  expect((await opened)[0].remoteAddress).toBe("127.0.0.1");
  expect((await askUpgrade(node, "/", { "X-Forwarded-For": "192.0.2.2" })).status).toBe(429);
});

test("clientOrigins lets in pages of these origins, and clients that are no page", async () => {
  const node = await startNode({ clientOrigins: ["https://app.example.com"], adminPort: 0 });
  await Client.connect(node, { origin: "https://app.example.com" });
  await Client.connect(node);
  for (const origin of [
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "null",
    "",
  ]) {
    expect((await askUpgrade(node, "/", { Origin: origin })).status, origin).toBe(403);
  }
  expect(await metricOf(node, 'wsc_connections_refused_total{cause="origin"}')).toBe(6);
});

test("without clientOrigins a page of any origin and a request for any host is let in", async () => {
  const node = await startNode();
  await Client.connect(node, { origin: "https://anywhere.example", headers: { Host: "chat.example" } });
  expect(node.hub.countConnections({})).toBe(1);
});

test("who is refused for its origin is not judged by authorize", async () => {
  const authorize = vi.fn<() => { admit: true }>(() => ({ admit: true }));
  const node = await startNode({ clientOrigins: ["https://app.example.com"] }, { authorize });
  await askUpgrade(node, "/", { Origin: "https://evil.example" });
  expect(authorize).not.toHaveBeenCalled();
});

test("a client that sends its handshake too slowly is answered with 408", async () => {
  const node = await startNode({ handshakeTimeoutMs: 100 });
  const client = RawClient.dial(node, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: webso");
  expect(await client.readToEnd()).toMatch(/^HTTP\/1\.1 408 /);
});

test("what a client sends while its place is asked for elsewhere waits, and comes in order", async () => {
  let grant: (() => void) | undefined;
  const places = {
    isFull: false,
    take: () => new Promise<undefined>((resolve) => (grant = () => resolve(undefined))),
    release: () => undefined,
  };
  const config = resolveNodeOptions({ port: 0, centers: [], openMessage: false });
  const node = new WebSocketNode(config, { log: createSilentLogger() }, { places });
  onTestFinished(() => node.stop());
  await node.start();
  const sockets: Socket[] = [];
  const onSocket = (message: unknown): void => {
    sockets.push((message as { socket: Socket }).socket);
  };
  subscribe("net.server.socket", onSocket);
  onTestFinished(() => void unsubscribe("net.server.socket", onSocket));
  const heard: unknown[] = [];
  node.on("message", (_connection, data) => {
    heard.push(data);
  });

  const client = RawClient.ask(node);
  await vi.waitUntil(() => grant !== undefined);
  for (const text of ["one", "two"]) client.write(clientFrame(opcodes.text, text));
  const sent = client.socket.bytesWritten;
  await vi.waitUntil(() => sockets[0]?.bytesRead === sent);
  grant?.();
  client.write(clientFrame(opcodes.text, "three"));
  await vi.waitUntil(() => heard.length === 3);
  expect(heard).toEqual(["one", "two", "three"]);
});
