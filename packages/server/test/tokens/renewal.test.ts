import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { createNode, createSilentLogger, type NodeOptions } from "../../src/index.js";
import { Client, metricOf, startNode } from "../node/running-node.js";
import { hmac, nowSeconds, secret, sign } from "./signing.js";

const strict: NodeOptions = { clientJwtSecret: [secret], clientJwtLeewayMs: 0, adminPort: 0 };
const expired = { code: 4401, reason: "token expired" };

const lasting = (seconds: number, claims: object = {}): Promise<string> =>
  sign(hmac(), { exp: nowSeconds() + seconds, ...claims });
const pathOf = (token: string): string => `/?access_token=${token}`;
const frameOf = (token: unknown): string => JSON.stringify({ cmd: "token", access_token: token });

async function renew(client: Client, token: unknown): Promise<unknown> {
  client.socket.send(frameOf(token));
  return JSON.parse(String(await client.next()));
}

test("a connection ends with 4401 when its token does, and leaves the hub", async () => {
  const node = await startNode(strict);
  const client = await Client.connect(node, { path: pathOf(await lasting(2)) });
  await Client.connect(node, { path: pathOf(await lasting(60)) });
  expect(node.hub.countConnections({})).toBe(2);
  expect(await client.closed).toEqual(expired);
  expect(node.hub.countConnections({})).toBe(1);
  expect(await metricOf(node, 'wsc_connections_closed_total{code="4401"}')).toBe(1);
});

test("the leeway counts on the open connection, too", async () => {
  const node = await startNode({ ...strict, clientJwtLeewayMs: 3000 });
  const client = await Client.connect(node, { path: pathOf(await lasting(-1)) });
  expect(await client.closed).toEqual(expired);
});

test("a new token in time keeps the connection, and nothing is lost or comes twice meanwhile", async () => {
  const node = await startNode(strict);
  const heard: unknown[] = [];
  node.on("message", (_connection, data) => heard.push(data));
  const [renewed, witness] = await Promise.all(
    [await lasting(2), await lasting(2)].map((token) => Client.connect(node, { path: pathOf(token) })),
  );
  const messages = Array.from({ length: 400 }, (_unused, index) => `message ${index}`);
  const sending = messages[Symbol.iterator]();
  const timer = setInterval(() => {
    const { value } = sending.next();
    if (value !== undefined) node.hub.sendToUser({ userId: "ada", message: value });
    else clearInterval(timer);
  }, 10);
  onTestFinished(() => clearInterval(timer));
  const exp = nowSeconds() + 60;
  renewed?.socket.send(frameOf(await sign(hmac(), { exp, groups: ["later"] })));
  // The other one, which sent none, shows that the time of both is over.
  expect(await witness?.closed).toEqual(expired);
  const frames = await renewed?.take(401);
  expect(frames?.filter((frame) => !String(frame).startsWith("message"))).toEqual([
    `{"cmd":"token","expiresAt":${exp * 1000}}`,
  ]);
  expect(frames?.filter((frame) => String(frame).startsWith("message"))).toEqual(messages);
  expect(heard).toEqual([]);
  // It renews, and changes nothing else.
  expect(node.hub.listGroupsOfConnection({ connectionId: renewed?.id ?? "" })).toEqual([]);
  expect(await metricOf(node, 'wsc_client_tokens_renewed_total{outcome="ok"}')).toBe(1);
});

test("a new token that does not count is answered with the reason, and the old end stands", async () => {
  const node = await startNode(strict);
  const client = await Client.connect(node, { path: pathOf(await lasting(4)) });
  const answers = [
    [await lasting(60, { sub: "bob" }), "the token is of another sub"],
    [await lasting(-5), "token expired"],
    [await sign(hmac("some other secret that has 32 bytes")), "bad signature"],
    ["x", "malformed token"],
    [7, "access_token must be a string"],
    [undefined, "access_token must be a string"],
  ] as const;
  for (const [token, error] of answers) expect(await renew(client, token)).toEqual({ cmd: "token", error });
  expect(node.hub.listConnectionsOfUser({ userId: "bob" })).toEqual([]);
  expect(await client.closed).toEqual(expired);
});

test("a shorter token counts as well: the last that was accepted decides", async () => {
  const node = await startNode(strict);
  const client = await Client.connect(node, { path: pathOf(await lasting(3600)) });
  const exp = nowSeconds() + 2;
  expect(await renew(client, await sign(hmac(), { exp }))).toEqual({ cmd: "token", expiresAt: exp * 1000 });
  expect(await client.closed).toEqual(expired);
});

test("it is the sub that must stay, whatever user authorize or a back end has bound", async () => {
  const node = await startNode(strict, { authorize: () => ({ admit: true, userId: "user-7" }) });
  const client = await Client.connect(node, { path: pathOf(await lasting(60)) });
  expect(await renew(client, await lasting(60))).toHaveProperty("expiresAt");
  expect(await renew(client, await lasting(60, { sub: "user-7" }))).toHaveProperty("error");
  node.hub.unbindConnection({ connectionId: client.id });
  expect(await renew(client, await lasting(60))).toHaveProperty("expiresAt");
  expect(await renew(client, await lasting(60, { sub: "eve" }))).toHaveProperty("error");
});

test("of several tokens at once one is verified, the others are told so", async () => {
  const node = await startNode(strict);
  const client = await Client.connect(node, { path: pathOf(await lasting(60)) });
  const token = await lasting(60);
  for (let count = 0; count < 3; count += 1) client.socket.send(frameOf(token));
  const answers = (await client.take(3)).map(
    (answer) => Object.keys(JSON.parse(String(answer)) as object)[1],
  );
  expect(answers.filter((answer) => answer === "expiresAt")).toHaveLength(1);
  expect(answers.filter((answer) => answer === "error")).toHaveLength(2);
});

test("messages that only look like it go to the handlers, and so does all where no token is required", async () => {
  const node = await startNode(strict);
  const plain = await startNode();
  const heard = vi.fn<(data: unknown) => void>();
  for (const one of [node, plain]) one.on("message", (_connection, data) => heard(data));
  const lookAlikes = [
    '{"cmd":"tokens","access_token":"x"}',
    '["cmd","token"]',
    '"cmd" "token"',
    '{"cmd":{"cmd":"token"}}',
    '{"cmd":"token"',
    "null",
  ];
  const client = await Client.connect(node, { path: pathOf(await lasting(60)) });
  for (const text of lookAlikes) client.socket.send(text);
  client.socket.send(Buffer.from(frameOf("x")), { binary: true });
  client.socket.send('{ "access_token": 1, "x": [], "cmd": "token" }');
  expect(JSON.parse(String(await client.next()))).toEqual({
    cmd: "token",
    error: "access_token must be a string",
  });
  expect(heard.mock.calls.map(([data]) => String(data))).toEqual([...lookAlikes, frameOf("x")]);
  heard.mockClear();
  const other = await Client.connect(plain);
  other.socket.send(frameOf("x"));
  other.socket.send("ping");
  await other.next();
  expect(heard).toHaveBeenCalledExactlyOnceWith(frameOf("x"));
});

test("a mounted node asks for tokens, too", async () => {
  const { createServer } = await import("node:http");
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `ws://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const node = createNode(
    { ...strict, centers: [], publicUrl: url },
    { mounted: true, log: createSilentLogger() },
  );
  onTestFinished(async () => {
    await node.stop();
    server.close();
  });
  node.attach(server, { path: "/ws" });
  await node.start();
  const client = await Client.connect(url, { path: `/ws${pathOf(await lasting(2)).slice(1)}` });
  expect(node.hub.getUserOfConnection({ connectionId: client.id })).toBe("ada");
  const refused = new WebSocket(`${url}/ws`);
  const [error] = (await once(refused, "error")) as [Error];
  expect(error.message).toContain("401");
  expect(await client.closed).toEqual(expired);
});

test(
  "10,000 connections renew at once; half of them for a short time, and just these end",
  { timeout: 120_000 },
  async () => {
    const count = 10_000;
    const node = await startNode(strict);
    const url = `ws://${node.addresses.client}${pathOf(await lasting(3600))}`;
    const program = fileURLToPath(new URL("crowd.mjs", import.meta.url));
    const crowd = spawn(process.execPath, [program, url, String(count)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void crowd.kill("SIGKILL"));
    const said = createInterface({ input: crowd.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse(String((await said.next()).value));
    expect(await next()).toMatchObject({ what: "open", open: count });
    crowd.stdin.write(`${frameOf(await lasting(15))}\n${frameOf(await lasting(3600))}\n`);
    expect(await next()).toMatchObject({ what: "answered", answers: count, errors: 0, closed: {} });
    expect(await next()).toMatchObject({ what: "half", closed: { 4401: count / 2 } });
    expect(node.hub.countConnections({})).toBe(count / 2);
    node.hub.broadcast({ message: "still here" });
    expect(await next()).toMatchObject({ what: "messages", open: count / 2, closed: { 4401: count / 2 } });
  },
);
