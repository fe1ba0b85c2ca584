import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { expect, onTestFinished, test, vi } from "vitest";
import { RemoteKeys } from "../../src/node/tokens/remote-keys.js";
import { askUpgrade, Client, keepLog, metricOf, startNode } from "../node/running-node.js";
import { ecPair, edPair, hmac, type Pair, rsaPair, secret, sign } from "./signing.js";

const pathOf = (token: string): string => `/?access_token=${token}`;
const MINUTE_MS = 60_000;

/** A server of a key set, whose answer can be changed. */
class KeyServer {
  requests = 0;
  answer: RequestListener;
  readonly server: Server;

  private constructor(keys: readonly object[]) {
    this.answer = withKeys(keys);
    this.server = createServer((request, response) => {
      this.requests += 1;
      this.answer(request, response);
    });
  }

  static async start(...keys: object[]): Promise<KeyServer> {
    const keyServer = new KeyServer(keys);
    await keyServer.listen();
    onTestFinished(() => keyServer.stop());
    return keyServer;
  }

  async listen(port = 0): Promise<void> {
    this.server.listen(port, "127.0.0.1");
    await once(this.server, "listening");
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/jwks.json`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

const jwkOf = (pair: Pair, kid?: string, more: object = {}): object => ({
  ...pair.publicKey.export({ format: "jwk" }),
  ...(kid === undefined ? {} : { kid }),
  ...more,
});
const withKeys =
  (keys: readonly object[]): RequestListener =>
  (_request, response) =>
    void response.end(JSON.stringify({ keys }));

/** Keys whose clock the test moves. */
function keysAt(url: string): { keys: RemoteKeys; faults: string[]; advance: (ms: number) => void } {
  let now = 0;
  const faults: string[] = [];
  const keys = new RemoteKeys(url, { now: () => now, onFault: ({ message }) => faults.push(message) });
  onTestFinished(() => keys.close());
  return {
    keys,
    faults,
    advance: (ms) => {
      now += ms;
    },
  };
}

test("keys of every kind verify, with and without ids; secrets, keys for other uses and rubbish do not count", async () => {
  const [rsa, ec, ed, forEncryption, short] = [rsaPair(), ecPair(), edPair(), edPair(), rsaPair(1024)];
  const shared = "a-secret-that-somebody-published-oops";
  const keyServer = await KeyServer.start(
    { kty: "oct", kid: "s", k: Buffer.from(shared).toString("base64url"), alg: "HS256" },
    { kty: "RSA", kid: "broken", n: "AA", e: "" },
    { kty: 7 },
    jwkOf(forEncryption, "enc", { use: "enc" }),
    jwkOf(short, "short"),
    jwkOf(rsa, "rsa", { use: "sig", alg: "RS256" }),
    jwkOf(ec),
    jwkOf(ed, "ed", { key_ops: ["verify"] }),
  );
  const node = await startNode({ clientJwks: keyServer.url });
  const tokens = [
    await sign(rsa, {}, { kid: "rsa" }),
    await sign(rsa),
    await sign(ec),
    await sign(ed, {}, { kid: "ed" }),
  ];
  for (const token of tokens) await Client.connect(node, { path: pathOf(token) });
  expect(keyServer.requests).toBe(1);
  const others = [
    await sign(hmac(shared), {}, { kid: "s" }),
    await sign(rsa, {}, { kid: "ed" }),
    await sign(forEncryption, {}, { kid: "enc" }),
    await sign(rsaPair(), {}, { kid: "rsa" }),
  ];
  for (const token of others) expect((await askUpgrade(node, pathOf(token))).text).toBe("bad signature\n");
});

test("a key that is new at the address verifies at once, and one that was taken away no more", async () => {
  const [old, next] = [edPair(), edPair()];
  const keyServer = await KeyServer.start(jwkOf(old, "old"));
  const { keys, advance } = keysAt(keyServer.url);
  expect(await keys.find("EdDSA", "old")).toHaveLength(1);
  keyServer.answer = withKeys([jwkOf(next, "next")]);
  advance(10_000);
  expect(await keys.find("EdDSA", "next")).toHaveLength(1);
  expect(await keys.find("EdDSA", "old")).toEqual([]);
  expect(keyServer.requests).toBe(2);
});

test("tokens that name unknown keys cause a request every five seconds at most", async () => {
  const keyServer = await KeyServer.start(jwkOf(edPair(), "there"));
  const { keys, advance } = keysAt(keyServer.url);
  for (let count = 0; count < 50; count += 1) expect(await keys.find("EdDSA", `x${count}`)).toEqual([]);
  expect(keyServer.requests).toBe(1);
  advance(5000);
  await Promise.all(Array.from({ length: 50 }, (_unused, index) => keys.find("EdDSA", `y${index}`)));
  expect(keyServer.requests).toBe(2);
});

test("a set that is five minutes old is fetched again, and used meanwhile", async () => {
  const keyServer = await KeyServer.start(jwkOf(edPair(), "a"));
  const { keys, advance } = keysAt(keyServer.url);
  await keys.find("EdDSA", "a");
  let release = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    keyServer.answer = (request, response) => {
      release = () => withKeys([])(request, response);
      resolve();
    };
  });
  advance(5 * MINUTE_MS);
  expect(await keys.find("EdDSA", "a")).toHaveLength(1);
  await asked;
  expect(await keys.find("EdDSA", "a")).toHaveLength(1);
  release();
  await keys.refresh();
  expect(await keys.find("EdDSA", "a")).toEqual([]);
});

test("where the address does not answer any more, the last set counts for an hour, then none; then it is asked again", async () => {
  const keyServer = await KeyServer.start(jwkOf(edPair(), "a"));
  const { keys, faults, advance } = keysAt(keyServer.url);
  await keys.find("EdDSA", "a");
  const { port } = keyServer;
  keyServer.stop();
  advance(59 * MINUTE_MS);
  expect(await keys.find("EdDSA", "a")).toHaveLength(1);
  await keys.refresh();
  // It may be in the set that cannot be had.
  expect(await keys.find("EdDSA", "b")).toBeUndefined();
  advance(MINUTE_MS);
  expect(await keys.find("EdDSA", "a")).toBeUndefined();
  expect(faults[0]).toMatch(/no keys from http:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED/);
  await keyServer.listen(port);
  advance(1000);
  expect(await keys.find("EdDSA", "a")).toHaveLength(1);
});

test.each<[string, RequestListener, RegExp]>([
  ["an error", (_request, response) => void response.writeHead(500).end("{}"), /has status 500/],
  [
    "a redirect",
    (request, response) => {
      if (request.url === "/jwks.json") response.writeHead(302, { Location: "/elsewhere" }).end();
      else withKeys([])(request, response);
    },
    /redirect/,
  ],
  ["no JSON", (_request, response) => void response.end("<html>"), /is no key set/],
  ["no key set", (_request, response) => void response.end('{"keys":{}}'), /is no key set/],
  [
    "an answer without an end",
    (_request, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(" ".repeat(65_536)));
      };
      response.on("drain", write);
      write();
    },
    /is over 262144 bytes/,
  ],
  ["the end of the connection", (request) => void request.socket.destroy(), /./],
])("%s instead of keys opens nothing: 503, and it is logged and counted", async (_what, answer, fault) => {
  const pair = edPair();
  const keyServer = await KeyServer.start();
  keyServer.answer = answer;
  const { log, lines } = keepLog();
  const node = await startNode({ clientJwks: keyServer.url, adminPort: 0 }, { log });
  const reply = await askUpgrade(node, pathOf(await sign(pair)));
  expect([reply.status, reply.text]).toEqual([503, "tokens cannot be verified now\n"]);
  expect(reply.headers["retry-after"]).toBe("5");
  expect(await metricOf(node, 'wsc_connections_refused_total{cause="token-keys"}')).toBe(1);
  expect(await metricOf(node, "wsc_client_keys_errors_total")).toBe(1);
  expect(lines.find(({ level }) => level === "error")?.msg).toMatch(fault);
});

test("an address that never answers holds up no handshake for longer than a handshake may take", async () => {
  const keyServer = await KeyServer.start();
  keyServer.answer = () => undefined;
  const node = await startNode({
    clientJwks: keyServer.url,
    clientJwtSecret: [secret],
    handshakeTimeoutMs: 200,
  });
  const reply = await askUpgrade(node, pathOf(await sign(edPair())));
  expect([reply.status, reply.text]).toEqual([504, "authorization took too long\n"]);
  // Who needs no key from there is not held up at all, nor who names an algorithm that none there has.
  for (const algorithm of ["none", "HS512", "PS256"]) {
    const [, claims = ""] = (await sign()).split(".");
    const head = Buffer.from(JSON.stringify({ alg: algorithm })).toString("base64url");
    expect((await askUpgrade(node, pathOf(`${head}.${claims}.x`))).text).toBe("bad signature\n");
  }
  await Client.connect(node, { path: pathOf(await sign(hmac())) });
  expect((await askUpgrade(node, pathOf(await sign(hmac("x".repeat(32)))))).text).toBe("bad signature\n");
});

test.each<[string, boolean]>([
  ["saves the connection where it counts", true],
  ["ends it where it does not", false],
])(
  "a token that came in time and is still being verified when the old one ends %s",
  async (_what, counts) => {
    const pair = edPair();
    const keyServer = await KeyServer.start();
    const asked = new Promise<() => void>((resolve) => {
      keyServer.answer = (request, response) =>
        resolve(() => withKeys(counts ? [jwkOf(pair)] : [])(request, response));
    });
    const node = await startNode({
      clientJwks: keyServer.url,
      clientJwtSecret: [secret],
      clientJwtLeewayMs: 0,
    });
    const token = await sign(hmac(), { exp: Math.floor(Date.now() / 1000) + 2 });
    const [client, witness] = [
      await Client.connect(node, { path: pathOf(token) }),
      await Client.connect(node, { path: pathOf(token) }),
    ];
    client.socket.send(JSON.stringify({ cmd: "token", access_token: await sign(pair) }));
    expect((await witness.closed).code).toBe(4401);
    expect(node.hub.listConnections({})).toEqual([client.id]);
    (await asked)();
    const answer = JSON.parse(String(await client.next())) as object;
    if (counts) {
      expect(answer).toHaveProperty("expiresAt");
      node.hub.broadcast({ message: "still here" });
      expect(await client.next()).toBe("still here");
    } else {
      expect(answer).toEqual({ cmd: "token", error: "bad signature" });
      expect((await client.closed).code).toBe(4401);
    }
  },
);

test("the end of the node ends the request for keys", async () => {
  const keyServer = await KeyServer.start();
  const gone = new Promise((resolve) => {
    keyServer.answer = (request) => void request.socket.once("close", resolve);
  });
  const { log, lines } = keepLog();
  const node = await startNode({ clientJwks: keyServer.url }, { log });
  await vi.waitFor(() => expect(keyServer.requests).toBe(1));
  await node.stop();
  await gone;
  expect(lines.filter(({ level }) => level === "error")).toEqual([]);
});
