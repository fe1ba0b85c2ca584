import { expect, test } from "vitest";
import {
  backoffMs,
  type Client,
  type ClientError,
  type ClientOptions,
  createClient,
  type Gap,
  type Undelivered,
} from "../src/index.js";
import { messageStore, statusStore } from "../src/store.js";
import { World } from "./world.js";

interface Told {
  messages: string[];
  gaps: Gap[];
  undelivered: Undelivered[];
  errors: ClientError[];
}

function start(
  world: World,
  options: Omit<ClientOptions<string>, "json" | "environment"> = {},
): { client: Client<string>; told: Told } {
  const client = createClient({
    ...(options.assign === undefined && { url: "ws://node/" }),
    ...options,
    environment: world.environment,
  });
  const told: Told = { messages: [], gaps: [], undelivered: [], errors: [] };
  client.on("message", (message) => told.messages.push(message));
  client.on("gap", (gap) => told.gaps.push(gap));
  client.on("undelivered", (undelivered) => told.undelivered.push(undelivered));
  client.on("error", (error) => told.errors.push(error));
  void client.connect();
  return { client, told };
}

test("a gap begins when the last ping that was answered went out, and ends with the new connection", async () => {
  const world = new World();
  world.latencyMs = 100;
  const { client, told } = start(world, { heartbeat: { intervalMs: 1000, timeoutMs: 500 } });
  await world.advance(300);
  const opened = world.time - 100;
  expect(client.status).toMatchObject({ state: "open", since: opened });
  await world.advance(1500);
  // Pinged at 1,000 ms after the opening, answered 200 ms later, lost before the next ping.
  world.link.fail();
  await world.advance(5000);
  expect(told.gaps).toEqual([
    { from: opened + 1000, to: client.status.state === "open" ? client.status.since : 0 },
  ]);
  world.link.fail();
  await world.advance(5000);
  expect(told.gaps).toHaveLength(2);
  expect(told.gaps[1]?.from, "a gap that was told is over").toBeGreaterThanOrEqual(
    (told.gaps[0]?.to ?? 0) - 200,
  );
});

test("a pong confirms what was sent before its ping, and nothing after", async () => {
  const world = new World();
  const { client, told } = start(world, { heartbeat: { intervalMs: 1000 } });
  await world.advance(10);
  client.send("before");
  await world.advance(1005);
  client.send("after");
  await world.advance(100);
  world.link.fail();
  expect(told.undelivered).toEqual([
    { uncertain: ["after"], unsent: [], forgotten: 0, reason: expect.objectContaining({ code: 1006 }) },
  ]);
});

test("many messages at once are confirmed without waiting for the heartbeat", async () => {
  const world = new World();
  const { client, told } = start(world, { queue: { maxMessages: 10 } });
  await world.advance(10);
  for (let number = 0; number < 25; number += 1) client.send(String(number));
  world.link.fail();
  expect(told.undelivered[0]).toMatchObject({ forgotten: 15 });
  expect(told.undelivered[0]?.uncertain).toHaveLength(10);

  await world.advance(5000);
  for (let number = 0; number < 25; number += 1) client.send(String(number));
  await world.advance(100);
  client.send("last");
  world.link.fail();
  // The ping went out after the fifth; another would have after five more.
  expect(told.undelivered[1]?.uncertain.at(-1)).toBe("last");
  expect((told.undelivered[1]?.uncertain.length ?? 0) + (told.undelivered[1]?.forgotten ?? 0)).toBe(21);
});

test("close() tells what was never sent", () => {
  const { client, told } = start(new World());
  client.send("too early");
  client.close(1000, "bye");
  expect(told.undelivered).toEqual([
    { unsent: ["too early"], uncertain: [], forgotten: 0, reason: { kind: "application", message: "bye" } },
  ]);
});

test("bytes that wait are those that were given, whatever becomes of their buffer", async () => {
  const world = new World();
  const { client } = start(world);
  const bytes = new Uint8Array([1, 2, 3]);
  client.send(bytes);
  bytes.fill(0);
  const sent: unknown[] = [];
  client.on("status", () => {
    world.link.send = (data) => void sent.push(data);
  });
  await world.advance(20);
  expect(sent).toEqual([new Uint8Array([1, 2, 3])]);
});

test("who slept through the answer to a ping asks again before it gives the node up, and only once", async () => {
  const world = new World();
  const { client } = start(world, { heartbeat: { intervalMs: 1000, timeoutMs: 2000 } });
  await world.advance(20);
  const { link } = world;
  world.answersPings = false;
  await world.advance(1100);
  world.sleep(3_600_000);
  await world.advance(0);
  expect(client.status.state).toBe("open");
  world.answersPings = true;
  await world.advance(10_000);
  expect(world.link).toBe(link);

  world.answersPings = false;
  await world.advance(1100);
  for (const _ of [1, 2]) {
    world.sleep(60_000);
    await world.advance(0);
  }
  expect(client.status).toMatchObject({ state: "waiting", reason: { kind: "silent" } });
  expect(link.closedWith).toEqual({ code: 4001, reason: "no answer to ping" });
});

test.each(["offline", "visible", "awake", "online"] as const)(
  "when the page tells `%s`, a link that is dead is noticed within seconds",
  async (event) => {
    const world = new World();
    const { client } = start(world);
    await world.advance(20);
    world.cutNetwork();
    world.page(event);
    await world.advance(2999);
    expect(client.status.state).toBe("open");
    await world.advance(1);
    expect(client.status).toMatchObject({ state: "waiting", reason: { kind: "silent" } });
  },
);

test("a pong is the node's only while a ping is unanswered; otherwise it is the application's", async () => {
  const world = new World();
  const { told } = start(world, { heartbeat: { intervalMs: 1000 } });
  await world.advance(20);
  const pong = `{"cmd":"pong","_id":"${world.link.id}"}`;
  const open = `{"cmd":"open","_id":"${world.link.id}"}`;
  for (const text of [pong, open, '{"cmd":"token","expiresAt":1}']) world.link.push(text);
  await world.advance(3500);
  expect(told.messages).toEqual([pong, open, '{"cmd":"token","expiresAt":1}']);
});

test("a first frame that is no open frame is a message, and the connection is open without an id", async () => {
  const world = new World();
  world.sendsOpenFrame = false;
  const { client, told } = start(world);
  await world.advance(20);
  expect(client.status.state).toBe("connecting");
  world.link.push("hello");
  await world.advance(20);
  expect(client.status).toMatchObject({ state: "open", connectionId: undefined });
  expect(told.messages).toEqual(["hello"]);
});

test("a try that takes too long is given up, and the next one made", async () => {
  const world = new World();
  world.hasNetwork = false;
  const { client } = start(world, { connectTimeoutMs: 1000 });
  await world.advance(1000);
  expect(client.status).toMatchObject({
    state: "waiting",
    reason: { message: "no connection within 1000 ms" },
  });
  world.hasNetwork = true;
  await world.advance(10_000);
  expect(client.status.state).toBe("open");
  expect(world.links).toHaveLength(2);
});

test("of a list each try takes another one, so that those whose node died spread over all that are left", async () => {
  const urls = ["ws://a/", "ws://b/", "ws://c/"];
  const seconds = new Set<string>();
  for (const random of [0, 0.2, 0.4, 0.6, 0.8, 0.99]) {
    const world = new World();
    let calls = 0;
    world.randomValue = () => (calls++ === 0 ? 0 : random);
    world.isNodeUp = false;
    start(world, { url: urls });
    await world.advance(120_000);
    const tried = world.links.map(({ url }) => url);
    expect(tried.length).toBeGreaterThan(3);
    for (const [at, url] of tried.entries()) expect(url).not.toBe(tried[at - 1]);
    seconds.add(tried[1] ?? "");
  }
  expect([...seconds].sort()).toEqual(["ws://b/", "ws://c/"]);
});

test("a function hears which address to keep away from", async () => {
  const world = new World();
  const avoided: (string | undefined)[] = [];
  start(world, {
    url: ({ avoid }) => {
      avoided.push(avoid);
      return "ws://node/";
    },
  });
  await world.advance(20);
  world.link.closeByNode(1013);
  await world.advance(10_000);
  expect(avoided).toEqual([undefined, "ws://node/"]);
});

test("a function hears of an address that does not answer, too", async () => {
  const world = new World();
  world.cutNetwork();
  const { client } = start(world, {
    url: ({ avoid }) => (avoid === "ws://frozen/" ? "ws://node/" : "ws://frozen/"),
  });
  await world.advance(5000);
  expect(world.links.map(({ url }) => url)).toEqual(["ws://frozen/"]);
  world.hasNetwork = true;
  await world.advance(10_000);
  expect(client.status).toMatchObject({ state: "open", url: "ws://node/" });
});

test("/assign is asked before each try, and a refusal that names a time is heeded even when the page comes back", async () => {
  const world = new World();
  world.answerFetch = () => new Response("", { status: 503, headers: { "Retry-After": "20" } });
  const { client, told } = start(world, { assign: { url: "https://center/assign?token=t", userId: "ada&" } });
  await world.advance(5000);
  world.page("visible");
  await world.advance(14_000);
  expect(world.fetched).toEqual(["https://center/assign?token=t&id=ada%26"]);
  expect(told.errors[0]).toMatchObject({ code: "NO_ADDRESS", retryAfterMs: 20_000 });
  world.answerFetch = () => Response.json({ url: "wss://one/", nodeId: "1" });
  await world.advance(2000);
  await bodies();
  await world.advance(20);
  expect(client.status).toMatchObject({ state: "open", url: "wss://one/" });
  world.answerFetch = () => Response.json({ nodeId: "1" });
  world.link.fail();
  await world.advance(3000);
  await bodies();
  expect(told.errors.at(-1)).toMatchObject({
    message: "https://center/assign?token=t answered without an address",
  });
});

/** Bodies of responses are read in turns of the real event loop. */
async function bodies(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A JWT as far as the client looks: nobody verifies it here. */
function jwt(claims: object): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
}

test("a token is renewed on the open connection before it runs out: no reconnect, no gap, and the answer is not a message", async () => {
  const world = new World();
  const frames: string[] = [];
  world.onToken = (link, frame) => {
    frames.push(frame);
    link.push(JSON.stringify({ cmd: "token", expiresAt: world.time + 300_000 }));
  };
  let number = 0;
  const tokens: string[] = [];
  const token = (): string => {
    tokens.push(jwt({ n: (number += 1), exp: Math.floor(world.time / 1000) + 100 }));
    return tokens.at(-1) ?? "";
  };
  const { told } = start(world, { token });
  await world.advance(71_000);
  expect(frames).toEqual([JSON.stringify({ cmd: "token", access_token: tokens[1] })]);
  await world.advance(269_000);
  expect(frames, "the node's word counts, not the token's").toHaveLength(1);
  await world.advance(2000);
  expect(frames).toHaveLength(2);
  expect(world.links).toHaveLength(1);
  expect(world.link.url).toBe(`ws://node/?access_token=${tokens[0]}`);
  expect(told).toEqual({ messages: [], gaps: [], undelivered: [], errors: [] });
});

test("a token that is not to be had, or not answered, is told and tried again while the old one lasts", async () => {
  const world = new World();
  const frames: string[] = [];
  world.onToken = (_link, frame) => frames.push(frame);
  let fails = false;
  const { client, told } = start(world, {
    token: () => {
      if (fails) throw new Error("logged out");
      return jwt({ exp: Math.floor(world.time / 1000) + 60 });
    },
  });
  await world.advance(20);
  fails = true;
  await world.advance(30_000);
  expect(told.errors).toMatchObject([{ code: "TOKEN_FAILED", cause: { message: "logged out" } }]);
  fails = false;
  await world.advance(2000);
  expect(frames).toHaveLength(1);
  await world.advance(10_000);
  expect(told.errors.at(-1)).toMatchObject({
    message: "the `token` function or the node did not answer in time",
  });
  await world.advance(2000);
  expect(frames).toHaveLength(2);
  world.link.push('{"cmd":"token","error":"bad signature"}');
  await world.advance(1000);
  expect(told.errors.at(-1)).toMatchObject({ message: "the node refused the new token: bad signature" });
  await world.advance(2000);
  expect(frames).toHaveLength(3);
  expect(told.messages).toEqual([]);
  expect(client.status.state).toBe("open");
});

test("a token function that never answers is given up, told, and asked again while the old token lasts", async () => {
  const world = new World();
  const frames: string[] = [];
  world.onToken = (_link, frame) => frames.push(frame);
  const signals: AbortSignal[] = [];
  const { client, told } = start(world, {
    token: ({ signal }) => {
      signals.push(signal);
      if (signals.length === 2) return new Promise<string>(() => undefined);
      return jwt({ n: signals.length, exp: Math.floor(world.time / 1000) + 100 });
    },
  });
  await world.advance(80_500);
  expect(told.errors).toMatchObject([
    { code: "TOKEN_FAILED", message: "the `token` function or the node did not answer in time" },
  ]);
  expect(signals[1]?.aborted).toBe(true);
  await world.advance(2000);
  expect(frames).toHaveLength(1);
  expect(client.status.state).toBe("open");
});

test.each([
  ["ahead", 3_600_000],
  ["behind", -3_600_000],
])("a clock that is an hour %s makes no storm of tokens, and no late one", async (_way, skewMs) => {
  const world = new World();
  const nodeTime = (): number => world.time - skewMs;
  const renewedAt: number[] = [];
  world.onToken = (link) => {
    renewedAt.push(nodeTime());
    link.push(JSON.stringify({ cmd: "token", expiresAt: nodeTime() + 300_000 }));
  };
  const token = (): string => {
    const iat = Math.floor(nodeTime() / 1000);
    return jwt({ iat, exp: iat + 300 });
  };
  const startedAt = nodeTime();
  start(world, { token });
  await world.advance(300_000);
  expect(renewedAt).toHaveLength(1);
  expect((renewedAt[0] ?? 0) - startedAt).toBeLessThan(300_000);
});

test("subprotocols made of the token keep it out of the address", async () => {
  const world = new World();
  start(world, { token: () => "secret", protocols: (token) => ["plain", `token.${token}`] });
  await world.advance(20);
  expect(world.link.url).toBe("ws://node/");
  expect(world.link.protocols).toEqual(["plain", "token.secret"]);
});

test("a try that fails for want of a token is told, and the next one has it", async () => {
  const world = new World();
  let asked = 0;
  const { client, told } = start(world, {
    token: () => (++asked === 1 ? Promise.reject(new Error("503")) : "t"),
  });
  await world.advance(5000);
  expect(told.errors).toMatchObject([{ code: "TOKEN_FAILED" }]);
  expect(client.status.state).toBe("open");
});

test("a loop over messages that lags behind gets what is there, and then hears that it missed some", async () => {
  const world = new World();
  const { client } = start(world);
  await world.advance(20);
  const messages = client.messages({ maxMessages: 2 });
  for (const text of ["a", "b", "c"]) world.link.push(text);
  await world.advance(20);
  expect((await messages.next()).value).toBe("a");
  expect((await messages.next()).value).toBe("b");
  await expect(messages.next()).rejects.toMatchObject({ code: "TOO_SLOW" });
  expect((await messages.next()).done).toBe(true);
});

test("a loop that is left hears nothing more; close() ends those that wait, and a later one at once", async () => {
  const world = new World();
  const { client } = start(world);
  await world.advance(20);
  const seen: string[] = [];
  world.link.push("a");
  const loop = (async () => {
    for await (const message of client.messages()) {
      seen.push(message);
      break;
    }
  })();
  await world.advance(20);
  await loop;
  const waiting = client.messages().next();
  client.close();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await client.messages().next()).toEqual({ done: true, value: undefined });
  expect(seen).toEqual(["a"]);
});

test("handlers may end, renew and send from within what they hear", async () => {
  const world = new World();
  const { client, told } = start(world);
  let opens = 0;
  client.on("status", ({ state }) => {
    if (state !== "open") return;
    opens += 1;
    client.send(`hello ${opens}`);
    if (opens === 1) client.reconnect();
    if (opens === 2) client.close();
  });
  await world.advance(20_000);
  expect(client.status.state).toBe("closed");
  expect(world.links).toHaveLength(2);
  expect(told.undelivered.map(({ uncertain }) => uncertain)).toEqual([["hello 1"], ["hello 2"]]);
  expect(world.timers.size).toBe(0);
});

test("a handler that throws keeps nothing from the others", async () => {
  const world = new World();
  const { client, told } = start(world);
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  process.prependListener("unhandledRejection", onFailure);
  const others = process.listeners("unhandledRejection").filter((listener) => listener !== onFailure);
  for (const listener of others) process.off("unhandledRejection", listener);
  const failure = new Error("of the application");
  client.on("status", () => {
    throw failure;
  });
  await world.advance(20);
  world.link.push("still here");
  await world.advance(20);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", onFailure);
  for (const listener of others) process.on("unhandledRejection", listener);
  expect(failures).toEqual([failure]);
  expect(told.messages).toEqual(["still here"]);
});

test("the longest wait doubles with each failure up to its bound, and is long while the page is hidden", () => {
  const options = { baseMs: 1000, maxMs: 30_000, hiddenMs: 60_000 };
  const longest = (failures: number, isHidden = false): number =>
    backoffMs(options, { failures, isHidden, random: 1 });
  expect([0, 1, 2, 5, 40].map((failures) => longest(failures))).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  expect(longest(0, true)).toBe(60_000);
});

test("a node that closes whom it has just let in is asked ever more rarely", async () => {
  const world = new World();
  world.randomValue = () => 0.99;
  const { client } = start(world);
  client.on("status", ({ state }) => {
    if (state === "open") world.link.closeByNode(1013);
  });
  await world.advance(120_000);
  expect(world.links.length).toBeLessThan(10);
  expect(world.links.length).toBeGreaterThan(4);
});

test("a connection that lasted makes up for the failures before it", async () => {
  const world = new World();
  world.randomValue = () => 0.99;
  world.isNodeUp = false;
  const { client } = start(world);
  await world.advance(120_000);
  world.isNodeUp = true;
  await world.advance(40_000);
  world.link.fail();
  expect(client.status).toMatchObject({ state: "waiting", nextTryAt: world.time + 1980 });
});

test("stores tell the present value at once, then each new one, until nobody listens", async () => {
  const world = new World();
  const { client } = start(world);
  const states: string[] = [];
  const stop = statusStore(client).subscribe(({ state }) => states.push(state));
  const lines = messageStore(client, [] as string[], (list, message) => [...list, message]);
  const news: string[][] = [];
  lines.listen((value) => news.push(value));
  await world.advance(20);
  stop();
  world.link.push("a");
  world.link.push("b");
  await world.advance(20);
  lines.close();
  world.link.push("c");
  await world.advance(20);
  client.close();
  expect(states).toEqual(["connecting", "open"]);
  expect(news).toEqual([["a"], ["a", "b"]]);
  expect(lines.get()).toEqual(["a", "b"]);
});
