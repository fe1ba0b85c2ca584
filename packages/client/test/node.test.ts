import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import {
  type Client,
  type ClientEvents,
  type ClientError,
  type ClientOptions,
  createClient,
  type Status,
} from "../src/index.js";
import { spawnNode, startCable, startCluster, startNode, tokenOf } from "./cluster.js";

/** Soon enough for a test. */
const quick = { backoff: { baseMs: 20, maxMs: 100 } };

function start(options: ClientOptions<string> & { json?: false }): Client<string> {
  const client = createClient({ WebSocket, ...quick, ...options });
  onTestFinished(() => client.close());
  return client;
}

function next<T, E extends keyof ClientEvents<T>>(client: Client<T>, event: E): Promise<ClientEvents<T>[E]> {
  return new Promise((resolve) => {
    const stop = client.on(event, (value) => {
      stop();
      resolve(value);
    });
  });
}

function untilState<T, S extends Status["state"]>(
  client: Client<T>,
  state: S,
): Promise<Status & { state: S }> {
  return new Promise((resolve) => {
    const check = (status: Status): void => {
      if (status.state !== state) return;
      stop();
      resolve(status as Status & { state: S });
    };
    const stop = client.on("status", check);
    check(client.status);
  });
}

test("connects, has the id that back ends know, and hears text, bytes and what it asks for", async () => {
  const { nodes, urls, api } = await startCluster(1);
  nodes[0]?.on("message", (connection, data, isBinary) => {
    connection.send(isBinary ? data : `you said ${data as string}`);
  });
  const client = start({ url: urls });
  expect(client.status).toEqual({ state: "idle" });
  await client.connect();
  const { connectionId } = await untilState(client, "open");
  expect(await api("get_Ids")).toMatchObject({ data: { get_Ids: { [nodes[0]?.id ?? ""]: [connectionId] } } });

  const messages = client.messages();
  await api("broadcast&broadcast[msg]=hello");
  expect((await messages.next()).value).toBe("hello");
  expect(client.send("good morning")).toBe("sent");
  expect((await messages.next()).value).toBe("you said good morning");
  client.send({ a: [1] });
  expect((await messages.next()).value).toBe('you said {"a":[1]}');
  const binary = next(client, "binary");
  client.send(new Uint8Array([1, 2, 3]));
  expect(new Uint8Array(await binary)).toEqual(new Uint8Array([1, 2, 3]));
  client.close();
  expect(await messages.next()).toEqual({ done: true, value: undefined });
});

test("JSON comes parsed and checked; what is not as expected is told, and not delivered", async () => {
  const node = await startNode();
  const client = createClient({
    WebSocket,
    url: node.publicUrl,
    json: (value) => {
      if (typeof value !== "object" || value === null || !("text" in value)) throw new Error("no text");
      return { text: String(value.text) };
    },
  });
  onTestFinished(() => client.close());
  const errors: ClientError[] = [];
  client.on("error", (error) => errors.push(error));
  await client.connect();
  const message = next(client, "message");
  for (const text of ["{", '{"tex":1}', '{"text":"hi"}']) node.hub.broadcast({ message: text });
  expect(await message).toEqual({ text: "hi" });
  expect(errors.map(({ code }) => code)).toEqual(["BAD_MESSAGE", "BAD_MESSAGE"]);
});

test("a node that is killed: it goes to the other one, and tells the gap", async () => {
  const { center, api } = await startCluster(0);
  const nodes = await Promise.all([spawnNode(center.addresses.link), spawnNode(center.addresses.link)]);
  const client = start({ url: nodes.map(({ url }) => url) });
  const startedAt = Date.now();
  await client.connect();
  const { url } = await untilState(client, "open");
  const waiting = untilState(client, "waiting");
  const gap = next(client, "gap");
  nodes.find((node) => url.startsWith(node.url))?.kill();
  const { reason, nextTryAt } = await waiting;
  expect(reason).toEqual({ kind: "lost", code: 1006, message: "" });
  expect(nextTryAt).toBeGreaterThanOrEqual(startedAt);
  const open = await untilState(client, "open");
  expect(open.url).not.toBe(url);
  const { from, to } = await gap;
  expect([from >= startedAt, to === open.since, from <= to]).toEqual([true, true, true]);
  const message = next(client, "message");
  await vi.waitFor(() => expect(center.nodes.map(({ publicUrl }) => `${publicUrl}/`)).toContain(open.url));
  await api("broadcast&broadcast[msg]=still here");
  expect(await message).toBe("still here");
});

test("a center's own /assign names a node that takes clients, and after a drain another one", async () => {
  const { center, nodes } = await startCluster(2);
  const client = start({ assign: { url: `http://${center.addresses.http}/assign`, userId: "ada" } });
  await client.connect();
  const { url } = await untilState(client, "open");
  const gap = next(client, "gap");
  await nodes.find(({ publicUrl }) => url.startsWith(publicUrl))?.drain();
  await gap;
  expect((await untilState(client, "open")).url).not.toBe(url);
});

test("a node that drains: 1012 sends it to the other one", async () => {
  const { nodes, urls } = await startCluster(2);
  const client = start({ url: urls });
  await client.connect();
  const { url } = await untilState(client, "open");
  const at = urls.findIndex((each) => url.startsWith(each));
  const waiting = untilState(client, "waiting");
  void nodes[at]?.drain();
  expect((await waiting).reason).toEqual({ kind: "closed", code: 1012, message: "service restart" });
  expect((await untilState(client, "open")).url).toContain(urls[1 - at]);
});

test("a center that is lost disturbs nobody", async () => {
  const { center, nodes, urls } = await startCluster(1);
  const client = start({ url: urls, heartbeat: { intervalMs: 50 } });
  const states: string[] = [];
  client.on("status", ({ state }) => states.push(state));
  await client.connect();
  await center.stop();
  const message = next(client, "message");
  nodes[0]?.hub.broadcast({ message: "here" });
  expect(await message).toBe("here");
  expect(states).toEqual(["connecting", "open"]);
});

test("closed by the back end with 4500 it never comes back by itself, and says why", async () => {
  const { urls, api } = await startCluster(1);
  const client = start({ url: urls });
  await client.connect();
  const { connectionId } = await untilState(client, "open");
  await api(`closeBy_Id&closeBy_Id[_id]=${connectionId}&closeBy_Id[reason]=banned`);
  const { reason } = await untilState(client, "closed");
  expect(reason).toEqual({ kind: "closed", code: 4500, message: "banned" });
  expect(() => client.send("hello?")).toThrow(expect.objectContaining({ code: "CLOSED" }));
  await client.connect();
  expect(client.status.state).toBe("open");
});

test("a cable that is pulled is noticed by silence; what it swallowed is told, and not sent again", async () => {
  const node = await startNode();
  const got: unknown[] = [];
  node.on("message", (_connection, data) => void got.push(data));
  const cable = await startCable(node.publicUrl);
  const client = start({ url: cable.url, heartbeat: { intervalMs: 100, timeoutMs: 100 } });
  await client.connect();
  cable.pull();
  const undelivered = next(client, "undelivered");
  const gap = next(client, "gap");
  expect(client.send("into the void")).toBe("sent");
  const { reason } = await untilState(client, "waiting");
  expect(reason.kind).toBe("silent");
  expect(client.send("for later")).toBe("queued");
  expect(await undelivered).toMatchObject({ uncertain: ["into the void"], unsent: [], forgotten: 0 });
  const arrived = new Promise((resolve) => node.on("message", (_connection, data) => resolve(data)));
  cable.plugIn();
  await gap;
  expect(await arrived).toBe("for later");
  expect(got).toEqual(["for later"]);
});

test("what is sent before there is a connection waits, in order, up to the bound", async () => {
  const node = await startNode();
  const got: unknown[] = [];
  const all = new Promise((resolve) => {
    node.on("message", (_connection, data) => void (got.push(data) === 3 && resolve(undefined)));
  });
  const client = start({ url: node.publicUrl, queue: { maxMessages: 3 } });
  for (const text of ["a", "b", "c"]) expect(client.send(text)).toBe("queued");
  expect(() => client.send("d")).toThrow(expect.objectContaining({ code: "QUEUE_FULL" }));
  await client.connect();
  await all;
  expect(got).toEqual(["a", "b", "c"]);
});

test("a node that sends no open frame and answers no ping serves a client that is told so", async () => {
  const node = await startNode({ openMessage: false, pingMessage: false });
  const client = start({ url: node.publicUrl, openFrame: false, heartbeat: false });
  const opened = new Promise<string>((resolve) => node.on("open", ({ id }) => resolve(id)));
  await client.connect();
  expect(client.status).toMatchObject({ state: "open", connectionId: undefined });
  await opened;
  const message = next(client, "message");
  node.hub.broadcast({ message: '{"cmd":"open","_id":"0"}' });
  expect(await message).toBe('{"cmd":"open","_id":"0"}');
});

test("the token goes with each connection, and is asked for anew each time", async () => {
  const seen: (string | null)[] = [];
  const node = await startNode(
    {},
    {
      authorize: (request) => {
        const token = new URL(request.url ?? "", "http://node").searchParams.get("access_token");
        seen.push(token);
        return token === "t1&" || token === "t3&" ? { admit: true } : { admit: false, status: 401 };
      },
    },
  );
  let number = 0;
  const client = start({ url: `${node.publicUrl}/?app=1`, token: () => `t${(number += 1)}&` });
  await client.connect();
  client.reconnect();
  await untilState(client, "waiting");
  await untilState(client, "open");
  expect(seen).toEqual(["t1&", "t2&", "t3&"]);
});

test("asks /assign which node to use, with the user's id, and waits as long as it is told", async () => {
  const node = await startNode();
  const asked: string[] = [];
  const steering = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (asked.length === 1) response.writeHead(503, { "Retry-After": "1" }).end("no room");
    else response.end(JSON.stringify({ url: node.publicUrl, nodeId: node.id }));
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void steering.close());
  await once(steering, "listening");
  const url = `http://127.0.0.1:${(steering.address() as AddressInfo).port}/assign`;
  const client = start({ assign: { url, userId: "ada & bob" } });
  const error = next(client, "error");
  const startedAt = Date.now();
  void client.connect();
  const { reason, nextTryAt } = await untilState(client, "waiting");
  expect(reason.kind).toBe("not-ready");
  expect(nextTryAt).toBeGreaterThanOrEqual(startedAt + 1000);
  expect(await error).toMatchObject({ code: "NO_ADDRESS", message: expect.stringContaining("503") });
  await untilState(client, "open");
  expect(asked).toEqual(["/assign?id=ada%20%26%20bob", "/assign?id=ada%20%26%20bob"]);
});

test("a close code that no client may send is refused, and nothing has ended", async () => {
  const node = await startNode();
  const client = start({ url: node.publicUrl });
  await client.connect();
  expect(() => client.close(999)).toThrow();
  const message = next(client, "message");
  node.hub.broadcast({ message: "still here" });
  expect(await message).toBe("still here");
  const left = new Promise((resolve) => {
    node.on("close", (_connection, code, reason) => resolve([code, reason]));
  });
  client.close(4000, "enough");
  expect(await left).toEqual([4000, "enough"]);
});

test("a token is renewed on a real connection before it runs out; one that is not, costs the connection", async () => {
  const secret = "a-secret-of-clients-with-over-32-bytes";
  const node = await startNode({ clientJwtSecret: [secret], clientJwtLeewayMs: 0 });
  let given = 0;
  let isLoggedIn = true;
  const client = start({
    url: node.publicUrl,
    protocols: (token) => ["access_token", token],
    token: () => {
      if (!isLoggedIn) throw new Error("logged out");
      given += 1;
      return tokenOf(secret, { sub: "ada", exp: Date.now() / 1000 + 4 });
    },
  });
  const states: string[] = [];
  client.on("status", ({ state }) => states.push(state));
  await client.connect();
  await vi.waitFor(() => expect(given).toBe(4), { timeout: 20_000 });
  expect(states).toEqual(["connecting", "open"]);
  isLoggedIn = false;
  const { reason } = await untilState(client, "waiting");
  expect(reason).toEqual({ kind: "closed", code: 4401, message: "token expired" });
  const gap = next(client, "gap");
  isLoggedIn = true;
  await gap;
});

test("an aborted signal closes the client, and keeps it closed", async () => {
  const node = await startNode();
  const controller = new AbortController();
  const client = start({ url: node.publicUrl, signal: controller.signal });
  await client.connect();
  const left = new Promise((resolve) => node.on("close", (_connection, code) => resolve(code)));
  controller.abort();
  expect(client.status).toMatchObject({ state: "closed", reason: { kind: "application" } });
  expect(await left).toBe(1000);
  await expect(client.connect()).rejects.toMatchObject({ code: "CLOSED" });
});

test.each([
  [{}, "`url`"],
  [{ url: [] }, "`url`"],
  [{ url: "ws://node", protocols: () => ["a"] }, "needs `token`"],
  [{ url: "ftp://node" }, 'got "ftp://node"'],
  [{ url: "ws://node", backoff: { baseMs: 0 } }, "backoff.baseMs must be a number above 0, got 0"],
  [{ url: "ws://node", connectTimeoutMs: Number.NaN }, "connectTimeoutMs"],
])("options that cannot be, are refused with what is expected: %j", (options, text) => {
  expect(() => start(options)).toThrow(
    expect.objectContaining({ code: "BAD_OPTIONS", message: expect.stringContaining(text) }),
  );
});
