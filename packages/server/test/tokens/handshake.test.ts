import { createHmac } from "node:crypto";
import { expect, test, vi } from "vitest";
import { createNode, createSilentLogger, type NodeOptions } from "../../src/index.js";
import { askUpgrade, Client, keepLog, metricOf, startCenter, startNode } from "../node/running-node.js";
import {
  ecPair,
  edPair,
  fileOf,
  forged,
  hmac,
  nowSeconds,
  type Pair,
  rsaPair,
  secret,
  sign,
} from "./signing.js";

const withSecret: NodeOptions = { clientJwtSecret: [secret] };
const pathOf = (token: string): string => `/?access_token=${token}`;

test("a client with a token has its user and groups before the open frame goes out, through a center too", async () => {
  const center = await startCenter();
  const node = await startNode({ ...withSecret, centers: [center.addresses.link] });
  await vi.waitFor(() => expect(center.nodes).toHaveLength(1));
  const seen: unknown[] = [];
  node.on("open", ({ userId, groupIds }) => {
    seen.push(userId, groupIds);
    node.hub.sendToGroup({ groupId: "b", message: "to the group" });
  });
  const client = await Client.connect(node, {
    path: pathOf(await sign(hmac(), { sub: "用户 7", groups: ["a", "b", "a"] })),
  });
  expect(await client.next()).toBe("to the group");
  expect(seen).toEqual(["用户 7", ["a", "b"]]);
  await center.cluster.sendToUser({ userId: "用户 7", message: "to the user" });
  expect(await client.next()).toBe("to the user");
});

test.each<[string, () => Pair]>([
  ["RS256", rsaPair],
  ["ES256", ecPair],
  ["EdDSA", edPair],
  ["Ed25519", () => edPair("Ed25519")],
])(
  "%s verifies with a public key in a PEM file, and another key's signature does not count",
  async (_name, make) => {
    const [pair, other] = [make(), make()];
    const node = await startNode({ clientJwtPublicKey: await fileOf(pair.publicPem) });
    const client = await Client.connect(node, { path: pathOf(await sign(pair)) });
    expect(node.hub.listConnectionsOfUser({ userId: "ada" })).toEqual([client.id]);
    const reply = await askUpgrade(node, pathOf(await sign(other)));
    expect([reply.status, reply.text]).toEqual([401, "bad signature\n"]);
  },
);

test("two secrets count while one replaces the other, and so do several keys in one file", async () => {
  const [rsa, ed] = [rsaPair(), edPair()];
  const other = "another-secret-that-has-32-bytes-too";
  const node = await startNode({
    clientJwtSecret: [secret, other],
    clientJwtPublicKey: await fileOf(`${rsa.publicPem}\nbetween\n${ed.publicPem}`),
  });
  for (const signer of [hmac(), hmac(other), rsa, ed]) {
    await Client.connect(node, { path: pathOf(await sign(signer)) });
  }
  expect(node.hub.countConnections({})).toBe(4);
});

test("the kind of the key decides what it verifies, whatever alg the token names", async () => {
  const rsa = rsaPair();
  const node = await startNode({ clientJwtPublicKey: await fileOf(rsa.publicPem) });
  const claims = { sub: "ada", exp: nowSeconds() + 60 };
  // The classic confusion: the public key, which everybody has, as the secret of an HMAC.
  const asSecrets = [
    rsa.publicPem,
    rsa.publicPem.trim(),
    rsa.publicKey.export({ type: "spki", format: "der" }),
  ].map((key) => {
    const unsigned = forged({ alg: "HS256" }, claims).slice(0, -1);
    return `${unsigned}.${createHmac("sha256", key).update(unsigned).digest("base64url")}`;
  });
  const signature = (await sign(rsa)).split(".")[2] ?? "";
  const others = ["none", "None", "", "HS512", "RS512", "PS256", "ES256", "EdDSA"].map((alg) =>
    forged({ alg }, claims, alg.toLowerCase() === "none" ? "" : signature),
  );
  for (const token of [...asSecrets, ...others, forged({ alg: "none" }, claims, signature)]) {
    const { status, text } = await askUpgrade(node, pathOf(token));
    expect([status, text], token).toEqual([
      401,
      expect.stringMatching(/^(bad signature|malformed token)\n$/),
    ]);
  }
  const secretNode = await startNode(withSecret);
  for (const token of [
    forged({ alg: "none" }, claims),
    await sign(rsa),
    await sign({ algorithm: "HS512", key: hmac().key }),
  ]) {
    expect((await askUpgrade(secretNode, pathOf(token))).text, token).toBe("bad signature\n");
  }
});

test.each<[string, Record<string, unknown>, string]>([
  ["has expired", { exp: nowSeconds() - 120 }, "token expired"],
  ["is not valid yet", { nbf: nowSeconds() + 120 }, "token is not valid yet"],
  ["is for others", { aud: "others" }, "wrong audience"],
  ["is for nobody", { aud: undefined }, "the token has no aud"],
  ["is of another issuer", { iss: "others" }, "wrong issuer"],
  ["never ends", { exp: undefined }, "the token has no exp"],
  ["ends never, in numbers", { exp: 1e300 }, "the token's exp is no time"],
  ["ends in words", { exp: "tomorrow" }, "the token's exp is not usable"],
  ["names nobody", { sub: undefined }, "the token has no sub"],
  ["has an empty sub", { sub: "" }, "the token's sub is no user id"],
  ["has a number as sub", { sub: 7 }, "the token's sub is no user id"],
  ["has half a surrogate pair as sub", { sub: "\ud800" }, "the token's sub is no user id"],
  ["has a sub over maxIdBytes", { sub: "x".repeat(513) }, "the token's sub is no user id"],
  ["has groups that are no list", { groups: { a: 1 } }, "the token's groups is no list of groups"],
  ["has a group without a name", { groups: ["a", ""] }, "the token's groups is no list of groups"],
  ["has a number as group", { groups: [7] }, "the token's groups is no list of groups"],
])("a token that %s is refused with 401 and the reason", async (_what, claims, reason) => {
  const node = await startNode({
    ...withSecret,
    adminPort: 0,
    clientJwtAudience: ["chat", "web"],
    clientJwtIssuer: ["https://login.example.com"],
  });
  const good = { aud: ["x", "web"], iss: "https://login.example.com" };
  await Client.connect(node, { path: pathOf(await sign(hmac(), good)) });
  const reply = await askUpgrade(node, pathOf(await sign(hmac(), { ...good, ...claims })));
  expect([reply.status, reply.text]).toEqual([401, `${reason}\n`]);
  expect(reply.headers["www-authenticate"]).toBe(
    `Bearer error="invalid_token", error_description="${reason}"`,
  );
  expect(await metricOf(node, 'wsc_connections_refused_total{cause="token"}')).toBe(1);
});

test("what is no token is malformed", async () => {
  const node = await startNode(withSecret);
  const token = await sign();
  const noTokens = [
    "x",
    "a.b",
    "a.b.c",
    `${token}.x`,
    `${token}%FF`,
    "x".repeat(20_000),
    forged({ alg: 7 }, { sub: "ada" }, "x"),
    forged({ alg: ["HS256"] }, { sub: "ada" }, "x"),
    forged({ alg: "HS256", kid: {} }, { sub: "ada" }, "x"),
    forged({}, { sub: "ada" }, "x"),
    forged({ alg: "HS256", crit: ["x"], x: 1 }, { sub: "ada" }, "x"),
  ];
  for (const text of noTokens) {
    const { status, text: answer } = await askUpgrade(node, pathOf(text));
    expect([status, answer], text).toEqual([401, "malformed token\n"]);
  }
  for (const path of ["/?access_token[]=x", "/?access_token="])
    expect((await askUpgrade(node, path)).text).toBe("malformed token\n");
});

test("a client without a token gets 401 without an error code, and one with several gets 400", async () => {
  const node = await startNode(withSecret);
  const none = await askUpgrade(node, "/?token=x");
  expect([none.status, none.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
  expect((await askUpgrade(node, "/", { "Sec-WebSocket-Protocol": "access_token" })).status).toBe(401);
  const token = await sign();
  const twice = await askUpgrade(node, `${pathOf(token)}&access%5Ftoken=${token}`);
  expect([twice.status, twice.headers["www-authenticate"]]).toEqual([
    400,
    'Bearer error="invalid_request", error_description="there is more than one token"',
  ]);
  const bothWays = await askUpgrade(node, pathOf(token), {
    "Sec-WebSocket-Protocol": `access_token, ${token}`,
  });
  expect(bothWays.status).toBe(400);
});

test("clocks may be off by the leeway, and no more", async () => {
  const lenient = await startNode({ ...withSecret, clientJwtLeewayMs: 300_000 });
  await Client.connect(lenient, { path: pathOf(await sign(hmac(), { exp: nowSeconds() - 200 })) });
  await Client.connect(lenient, { path: pathOf(await sign(hmac(), { nbf: nowSeconds() + 200 })) });
  const strict = await startNode({ ...withSecret, clientJwtLeewayMs: 0 });
  for (const claims of [{ exp: nowSeconds() - 1 }, { nbf: nowSeconds() + 60 }])
    expect((await askUpgrade(strict, pathOf(await sign(hmac(), claims)))).status).toBe(401);
  const byDefault = await startNode(withSecret);
  await Client.connect(byDefault, { path: pathOf(await sign(hmac(), { exp: nowSeconds() - 10 })) });
});

test.each<[string, string[] | undefined, string[], string]>([
  ["alone is answered with access_token", undefined, [], "access_token"],
  ["before others is answered with the first of these", undefined, ["chat.v2", "chat.v1"], "chat.v2"],
  ["after others is answered with the first of these", ["chat.v2"], [], "chat.v2"],
])(
  "a token among the subprotocols, %s, and never with the token",
  async (_what, before = [], after, answer) => {
    const node = await startNode(withSecret);
    const token = await sign();
    const requests: unknown[] = [];
    node.on("open", (_connection, { headers, headersDistinct, rawHeaders }) => {
      requests.push(JSON.stringify([headers, headersDistinct, rawHeaders]));
    });
    const client = await Client.connect(node, {
      protocols: [...before, "access_token", token, ...after],
    });
    expect(client.socket.protocol).toBe(answer);
    expect(node.hub.listConnectionsOfUser({ userId: "ada" })).toEqual([client.id]);
    expect(requests).toHaveLength(1);
    expect(requests[0]).not.toContain(token);
    expect(requests[0]).toContain([...before, ...after].join(", ") || "access_token");
  },
);

test("the token is in nothing that is kept, shown or logged", async () => {
  const { log, text } = keepLog();
  const seen: string[] = [];
  const token = await sign(hmac(), { sub: "ada", groups: ["g"] });
  const look = (request: { url?: string | undefined; rawHeaders: string[]; headers: object }): void => {
    seen.push(request.url ?? "", JSON.stringify([request.rawHeaders, request.headers]));
  };
  const node = await startNode(withSecret, {
    log,
    authorize: (request) => {
      look(request);
      return { admit: true };
    },
  });
  node.on("open", (_connection, request) => look(request));
  node.on("message", (_connection, data) => seen.push(String(data)));
  const path = `/chat?room=7&access_token=${token}&color=r%20d`;
  const client = await Client.connect(node, { path });
  const connectionId = client.id;
  expect(node.hub.getConnectionData({ connectionId })).toEqual({ room: "7", color: "r d" });
  client.socket.send(JSON.stringify({ cmd: "token", access_token: token }));
  await client.next();
  client.socket.send(JSON.stringify({ cmd: "token", access_token: `${token}x` }));
  await client.next();
  await client.close();
  await askUpgrade(node, `/?access_token=${token}x`);
  await askUpgrade(node, path, { "Sec-WebSocket-Protocol": `access_token, ${token}` });
  expect(seen.filter((one) => one.startsWith("/"))).toEqual(Array(2).fill("/chat?room=7&color=r%20d"));
  expect(text()).toContain("a client was refused");
  for (const part of token.split(".")) expect(seen.join("\n") + text()).not.toContain(part);
  expect(text()).not.toContain(secret);
});

test("authorize comes after the token, knows its claims, and may name another user and further groups", async () => {
  const asked: unknown[] = [];
  const node = await startNode(withSecret, {
    authorize: (_request, { claims }) => {
      asked.push(claims?.["role"]);
      if (claims?.["role"] === "guest") return { admit: false, status: 402, reason: "guests pay" };
      if (claims?.["role"] === "plain") return { admit: true, data: { plan: "free" } };
      return { admit: true, userId: "user-7", groups: ["g2"] };
    },
  });
  const connect = async (role: string): Promise<string> => {
    const token = await sign(hmac(), { role, groups: ["g1"] });
    return (await Client.connect(node, { path: pathOf(token) })).id;
  };
  expect((await askUpgrade(node, "/")).status).toBe(401);
  expect((await askUpgrade(node, pathOf("a.b.c"))).status).toBe(401);
  expect(asked).toEqual([]);
  const admin = await connect("admin");
  expect(node.hub.getUserOfConnection({ connectionId: admin })).toBe("user-7");
  expect(node.hub.listGroupsOfConnection({ connectionId: admin })).toEqual(["g1", "g2"]);
  const plain = await connect("plain");
  expect(node.hub.getUserOfConnection({ connectionId: plain })).toBe("ada");
  expect(node.hub.listGroupsOfConnection({ connectionId: plain })).toEqual(["g1"]);
  expect(node.hub.getConnectionData({ connectionId: plain })).toEqual({ plan: "free" });
  const guest = await askUpgrade(node, pathOf(await sign(hmac(), { role: "guest" })));
  expect([guest.status, guest.text]).toEqual([402, "guests pay\n"]);
  expect(asked).toEqual(["admin", "plain", "guest"]);
});

test("the claim of groups has the name that is set, and one text is one group", async () => {
  const node = await startNode({ ...withSecret, clientJwtGroupsClaim: "https://example.com/rooms" });
  const token = await sign(hmac(), { "https://example.com/rooms": "hall, the big one", groups: ["x"] });
  const { id: connectionId } = await Client.connect(node, { path: pathOf(token) });
  expect(node.hub.listGroupsOfConnection({ connectionId })).toEqual(["hall, the big one"]);
});

test("GET /assign and the node's API need no token of clients", async () => {
  const node = await startNode(withSecret);
  const answer = await fetch(`http://${node.addresses.client}/assign?id=ada`);
  expect([answer.status, await answer.json()]).toEqual([
    200,
    expect.objectContaining({ url: node.publicUrl }),
  ]);
});

test.each<[string, () => Promise<string>, RegExp]>([
  ["is not there", () => Promise.resolve("/nowhere.pem"), /cannot be read: there is no such file/],
  ["holds no key", () => fileOf("hello"), /holds no public key/],
  [
    "holds a broken key",
    () => fileOf("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
    /no public key/,
  ],
  [
    "holds a private key",
    () => fileOf(edPair().key.export({ type: "pkcs8", format: "pem" }).toString()),
    /a node needs the public one alone/,
  ],
  ["holds a short RSA key", () => fileOf(rsaPair(1024).publicPem), /expected RSA of 2048 bits or more/],
  [
    "holds a key of another curve",
    () => fileOf(ecPair("P-384").publicPem),
    /expected RSA of 2048 bits or more/,
  ],
])("a key file that %s keeps the node from being made", async (_what, file, message) => {
  const clientJwtPublicKey = await file();
  const make = (): unknown => createNode({ port: 0, clientJwtPublicKey }, { log: createSilentLogger() });
  expect(make).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringMatching(message) }),
  );
});

test.each<[NodeOptions, RegExp]>([
  [{ clientJwtAudience: ["x"] }, /clientJwtAudience is set but nothing that verifies tokens/],
  [{ clientJwtIssuer: ["x"] }, /clientJwtIssuer is set but nothing that verifies tokens/],
  [{ clientJwtSecret: ["short"] }, /each of 32 bytes or more/],
  [{ clientJwks: "http://keys.example.com/jwks" }, /expected an https:\/\/ URL/],
  [{ clientJwks: "https://a:b@keys.example.com/jwks" }, /without credentials/],
])("%j is a wrong configuration", (options, message) => {
  expect(() => createNode(options)).toThrow(message);
});

test.each([
  "https://keys.example.com/jwks?v=1",
  "http://localhost:1/",
  "http://127.0.0.1:1/",
  "http://[::1]:1/",
])("%s may hold keys", (clientJwks) => {
  expect(() => createNode({ clientJwks }, { log: createSilentLogger() })).not.toThrow();
});
