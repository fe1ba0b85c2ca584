import { describe, expect, test, vi } from "vitest";
import { createCenter, createNode, createSilentLogger, type NodeOptions } from "../../src/index.js";
import { ask, Client, startCenter, startNode } from "./running-node.js";

const count = "/?event=getConnectionCount";

describe("the admin port", () => {
  test("says that the node lives, and is ready once a center is linked", async () => {
    const node = await startNode({ adminPort: 0 });
    const admin = node.addresses.admin ?? "";
    const live = await ask(admin, "/livez");
    expect([live.status, JSON.parse(live.text)]).toEqual([200, { live: true }]);
    const unready = await ask(admin, "/readyz");
    expect([unready.status, JSON.parse(unready.text)]).toEqual([
      503,
      { ready: false, reasons: ["no center is linked"] },
    ]);

    const center = await startCenter();
    node.register([center.addresses.link]);
    await vi.waitUntil(() => node.centers.some(({ linked }) => linked), { timeout: 10_000 });
    const ready = await ask(admin, "/readyz");
    expect([ready.status, JSON.parse(ready.text)]).toEqual([200, { ready: true, reasons: [] }]);

    await center.stop();
    await vi.waitUntil(() => node.centers.every(({ linked }) => !linked), { timeout: 10_000 });
    expect((await ask(admin, "/readyz")).status).toBe(503);
  });

  test("serves metrics that follow what happens", async () => {
    const node = await startNode({ adminPort: 0 });
    const client = await Client.connect(node);
    node.hub.bindUser({ userId: "u", connectionId: client.id });
    node.hub.joinConnectionToGroup({ groupId: "g", connectionId: client.id });
    client.socket.send("12345");
    client.socket.send("ping");
    await client.next();
    const { status, headers, text } = await ask(node.addresses.admin ?? "", "/metrics");
    expect([status, headers["content-type"]]).toEqual([200, expect.stringContaining("text/plain")]);
    for (const line of [
      "wsc_connections 1",
      "wsc_users 1",
      "wsc_groups 1",
      "wsc_links 0",
      "wsc_connections_opened_total 1",
      "wsc_messages_received_total 2",
      "wsc_bytes_received_total 9",
      "wsc_frames_queued_total 2",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  test("asks for the token, but not for health", async () => {
    const node = await startNode({ adminPort: 0, token: ["t0ken"] });
    const admin = node.addresses.admin ?? "";
    expect((await ask(admin, "/metrics")).status).toBe(401);
    expect((await ask(admin, "/metrics", { headers: { Authorization: "Bearer wrong" } })).status).toBe(401);
    expect((await ask(admin, "/metrics", { headers: { Authorization: "Bearer t0ken" } })).status).toBe(200);
    expect((await ask(admin, "/livez")).status).toBe(200);
  });

  test("serves neither the classic API nor WebSocket", async () => {
    const node = await startNode({ adminPort: 0 });
    const admin = node.addresses.admin ?? "";
    expect((await ask(admin, count)).status).toBe(404);
    await expect(Client.connect(`ws://${admin}`)).rejects.toThrow("404");
  });

  test("is off unless it is set", async () => {
    const node = await startNode();
    expect(node.addresses).toEqual({ client: expect.stringMatching(/^127\.0\.0\.1:[0-9]+$/) });
  });
});

test.each(["/livez", "/readyz", "/metrics"])("the client port does not serve %s", async (path) => {
  const node = await startNode({ adminPort: 0 });
  const { text } = await ask(node.addresses.client, path);
  expect(JSON.parse(text)).toEqual({ code: 1, msg: "event error", data: [] });
});

describe("the node's own HTTP API", () => {
  const everywhere: NodeOptions = { host: "0.0.0.0" };
  const reached = (node: { addresses: { client: string } }): string =>
    node.addresses.client.replace("0.0.0.0", "127.0.0.1");

  test("is off beyond loopback without a token, while clients are served", async () => {
    const node = await startNode(everywhere);
    for (const options of [{}, { method: "POST", body: "{}" }, { method: "OPTIONS" }]) {
      expect((await ask(reached(node), count, options)).status).toBe(404);
    }
    const client = await Client.connect(`ws://${reached(node)}`);
    expect(node.hub.listConnections({})).toEqual([client.id]);
  });

  test("is on beyond loopback with a token, for those who have it", async () => {
    const node = await startNode({ ...everywhere, token: ["t0ken"] });
    expect(JSON.parse((await ask(reached(node), count)).text)).toMatchObject({ msg: "token error" });
    expect(JSON.parse((await ask(reached(node), `${count}&token=t0ken`)).text)).toEqual({
      code: 0,
      msg: "ok",
      extra: [],
      data: { getConnectionCount: 0 },
    });
  });

  test("answers nothing that a proxy passed on, unless there is a token or all that it names is this machine", async () => {
    const afar = { headers: { "X-Forwarded-For": "203.0.113.7" } };
    const local = { headers: { "X-Forwarded-For": "127.0.0.1" } };
    const statuses = async (options: NodeOptions): Promise<number[]> => {
      const node = await startNode(options);
      const replies = [afar, local].map((asked) =>
        ask(node.addresses.client, `${count}&token=s3cret`, asked),
      );
      return (await Promise.all(replies)).map(({ status }) => status);
    };
    expect(await statuses({})).toEqual([403, 403]);
    expect(await statuses({ trustedProxies: ["127.0.0.1"] })).toEqual([403, 200]);
    expect(await statuses({ token: ["s3cret"] })).toEqual([200, 200]);
    const center = await startCenter();
    expect((await ask(center.addresses.http, count, afar)).status).toBe(403);
    expect((await ask(center.addresses.http, "/nodes", afar)).status).toBe(403);
    expect((await ask(center.addresses.http, "/livez", afar)).status).toBe(200);
    expect((await ask(center.addresses.http, "/readyz", afar)).status).toBe(200);
    const refused = await ask(center.addresses.http, count, afar);
    expect(JSON.parse(refused.text)).toMatchObject({ code: 1, data: [] });
  });

  test("runs after middleware, which may answer by itself", async () => {
    const seen: unknown[] = [];
    const node = await startNode(
      {},
      {
        middleware: [
          (req, res, next) => {
            seen.push(req.url);
            res.setHeader("X-From", "middleware");
            next();
          },
          (req, res, next) => {
            if (req.url === "/own") res.end("mine");
            else next();
          },
        ],
      },
    );
    const classic = await ask(node.addresses.client, count);
    expect([classic.headers["x-from"], JSON.parse(classic.text)]).toMatchObject(["middleware", { code: 0 }]);
    expect((await ask(node.addresses.client, "/own")).text).toBe("mine");
    expect(seen).toEqual([count, "/own"]);
    await Client.connect(node);
    expect(seen).toHaveLength(2);
  });

  test("outlives middleware that throws", async () => {
    const node = await startNode(
      {},
      {
        middleware: [
          () => {
            throw new Error("middleware's fault");
          },
        ],
      },
    );
    const { text } = await ask(node.addresses.client, count);
    expect(JSON.parse(text)).toEqual({ code: 1, msg: "internal error", data: [] });
  });
});

const secret = "s".repeat(32);
const refused: [why: string, options: NodeOptions, told: RegExp][] = [
  ["an admin port beyond loopback without a token", { adminPort: 0, adminHost: "0.0.0.0" }, /set TOKEN/],
  [
    "a center beyond loopback without a link secret",
    { centers: ["192.0.2.1:8010"], insecureLink: true },
    /WSC_LINK_SECRET/,
  ],
  [
    "a center beyond loopback without TLS",
    { centers: ["192.0.2.1:8010"], linkSecret: [secret] },
    /WSC_LINK_TLS/,
  ],
  [
    "a center that is a name without TLS",
    { centers: ["center.example:8010"], linkSecret: [secret] },
    /WSC_INSECURE_LINK/,
  ],
];

test.each(refused)("%s is refused, and what to set is said", (_why, options, told) => {
  const create = (): unknown => createNode({ port: 0, ...options }, { log: createSilentLogger() });
  expect(create).toThrow(expect.objectContaining({ code: "LISTEN_REFUSED" }));
  expect(create).toThrow(told);
});

test("a center beyond loopback is refused, with all that it needs", () => {
  const create = (): unknown => createCenter({ host: "0.0.0.0" }, { log: createSilentLogger() });
  expect(create).toThrow(expect.objectContaining({ code: "LISTEN_REFUSED" }));
  for (const told of [/WSC_LINK_SECRET/, /WSC_LINK_TLS_CERT/, /set TOKEN/]) expect(create).toThrow(told);
});

test("what is asked for beyond loopback is granted with all that it needs", async () => {
  const node = createNode(
    {
      port: 0,
      host: "0.0.0.0",
      adminPort: 0,
      adminHost: "0.0.0.0",
      token: ["t0ken"],
      centers: ["192.0.2.1:8010"],
      linkSecret: [secret],
      linkTls: true,
    },
    { log: createSilentLogger() },
  );
  await node.stop();
});
