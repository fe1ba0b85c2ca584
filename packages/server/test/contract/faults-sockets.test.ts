import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { until } from "./child.js";
import { at } from "./cluster.js";
import type { Cluster } from "./cluster.js";
import { dataOf, parse } from "./http.js";
import { open, openByHand, readAll, residentMib, upgrade, write } from "./tcp.js";
import { useCluster } from "./use-cluster.js";

const cluster = useCluster();

const allPorts = ({ ports }: Cluster): number[] => [...ports.http, ...ports.client, ...ports.link];

async function expectServing(): Promise<void> {
  for (const child of [...cluster().centers, ...cluster().nodes]) {
    expect(child.exit, child.name).toBeUndefined();
  }
  for (const center of [0, 1]) {
    expect(await cluster().listedNodes(center)).toHaveLength(2);
    expect(parse(await cluster().atCenter(center, { path: "/?event=getIds" }))).toMatchObject({ code: 0 });
  }
  for (const node of [0, 1]) {
    const client = await cluster().connectClient(node);
    expect(dataOf(await cluster().atNode(node, { path: "/?event=getIds" }))).toEqual({ getIds: [] });
    expect(await client.close()).toEqual({ code: 1000, reason: "" });
    await cluster().gone(client);
  }
}

describe("rubbish", () => {
  const http = "GET /?event=getIds HTTP/1.1\r\nHost: localhost\r\n";
  const rubbish: readonly (readonly [string, Uint8Array | string])[] = [
    ["random bytes", randomBytes(20_000)],
    ["zeros", Buffer.alloc(100_000)],
    ["a TLS greeting", Buffer.from(`1603010200010001fc0303${"ab".repeat(300)}`, "hex")],
    ["line ends", "\r\n".repeat(10_000)],
    ["a line without an end", "A".repeat(200_000)],
    ["an unknown method", "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["an unknown version", "GET / HTTP/9.9\r\n\r\n"],
    ["a request without a host", "GET /?event=getIds HTTP/1.1\r\n\r\n"],
    ["many headers", `${http}${"a: b\r\n".repeat(20_000)}\r\n`],
    ["two lengths", `${http}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}`],
    ["a length and chunks", `${http}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["a negative length", `${http}Content-Length: -5\r\n\r\n`],
    ["a bad chunk", `${http.replace("GET", "POST")}Transfer-Encoding: chunked\r\n\r\nzz\r\nrubbish\r\n`],
    ["a target that is no path", "GET http://[:::1]:x/?event=getIds HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n"],
    ["an upgrade to something else", `${http}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`],
    ["an upgrade without a key", `${http}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
    ["an upgrade with a query that is not UTF-8", upgrade("/?a=%FF&%zz[=1&__proto__[x]=1")],
    ["an upgrade and random frames", Buffer.concat([Buffer.from(upgrade()), randomBytes(5_000)])],
    ["an unmasked frame", Buffer.concat([Buffer.from(upgrade()), Buffer.from("810470696e67", "hex")])],
    [
      "a frame of 2^63 bytes",
      Buffer.concat([Buffer.from(upgrade()), Buffer.from(`82ff${"7f".repeat(12)}`, "hex")]),
    ],
    ["a reserved opcode", Buffer.concat([Buffer.from(upgrade()), Buffer.from("8b8000000000", "hex")])],
    ["text that is not UTF-8", Buffer.concat([Buffer.from(upgrade()), Buffer.from("818100000000ff", "hex")])],
  ];

  test.each(rubbish)("on every port (%s) leaves everything serving", async (_, bytes) => {
    for (const port of allPorts(cluster())) {
      const socket = await open(port);
      await write(socket, bytes);
      socket.end();
      socket.destroy();
    }
    await expectServing();
  });

  test("is answered on an HTTP port in the classic shape", async () => {
    for (const port of [...cluster().ports.http, ...cluster().ports.client]) {
      const socket = await open(port);
      const answer = readAll(socket);
      await write(socket, "rubbish\r\n\r\n");
      const text = await answer;
      expect(text).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4))).toMatchObject({ code: 1, data: [] });
    }
  });

  test.each([
    ["a reserved opcode", "8b8000000000", 1002],
    ["an unmasked frame", "810470696e67", 1002],
    ["text that is not UTF-8", "818100000000ff", 1007],
  ])("from a client (%s) is closed with the code for it", async (_, hex, code) => {
    const { socket } = await openByHand(at(cluster().ports.client, 0));
    const rest = readAll(socket);
    await write(socket, Buffer.from(hex, "hex"));
    const frame = Buffer.from(await rest, "latin1");
    expect([frame[0], frame.readUInt16BE(2)]).toEqual([0x88, code]);
    socket.destroy();
  });
});

describe("half-open connections", () => {
  test("silent and half-said requests on every port hold up nobody", async () => {
    const beginnings = [
      "",
      "GET /?event=get",
      "POST /?event=getIds HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
    ];
    const sockets = await Promise.all(
      allPorts(cluster()).flatMap((port) =>
        beginnings.flatMap((text) =>
          Array.from({ length: 10 }, async () => {
            const socket = await open(port);
            if (text !== "") {
              await write(socket, text);
            }
            return socket;
          }),
        ),
      ),
    );
    await expectServing();
    for (const socket of sockets) {
      socket.destroy();
    }
  });

  test("a request whose sender ends its side at once is answered or let go, and holds up nothing", async () => {
    for (const port of [...cluster().ports.http, ...cluster().ports.client]) {
      const socket = await open(port, { allowHalfOpen: true });
      const answer = readAll(socket);
      socket.end("GET /?event=get_IdCount HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      expect(await answer).toMatch(/^$|^HTTP\/1\.1 200 OK\r\n[^]*"get_IdCount":/);
    }
    await expectServing();
  });

  test("a client that ends its side without a close frame is let go", async () => {
    const { socket, id } = await openByHand(at(cluster().ports.client, 0));
    socket.end();
    await until("the node lets it go", async () => {
      const path = `/?event=isOnline_Id&isOnline_Id[_id]=${id}`;
      const [online] = await cluster().values(1, { path }, "isOnline_Id");
      return online === false ? true : undefined;
    });
  });
});

describe("a client that never reads", () => {
  test("is closed, fills no memory and costs the others nothing", { timeout: 90_000 }, async () => {
    const reader = await cluster().connectClient(0);
    const { socket, id } = await openByHand(at(cluster().ports.client, 0));
    socket.pause();
    const node = at(cluster().nodes, 0);
    const before = residentMib(node.pid);
    const message = "x".repeat(1 << 19);
    const body = JSON.stringify({ broadcast: { msg: message } });
    const counts: unknown[] = [];
    let peak = before;
    for (let round = 0; round < 300; round += 1) {
      const [count] = await cluster().values(round % 2, { path: "/?event=broadcast", body }, "broadcast");
      counts.push(count);
      expect(await reader.flushAndTake()).toEqual([message]);
      peak = Math.max(peak, residentMib(node.pid));
    }
    expect(counts[0]).toBe(2);
    expect(counts.at(-1)).toBe(1);
    const path = `/?event=isOnline_Id&isOnline_Id[_id]=${id}`;
    expect(await cluster().values(0, { path }, "isOnline_Id")).toEqual([false, false]);
    // 150 MiB were sent; what a node may hold for one client is some 4 MiB.
    expect(peak - before).toBeLessThan(120);
    socket.destroy();
    await reader.close();
    await cluster().gone(reader);
  });
});

describe("1,200 sockets on one node", () => {
  test("are counted, reached and closed, each with its code", { timeout: 90_000 }, async () => {
    const clients = [];
    for (let opened = 0; opened < 1_200; opened += 100) {
      clients.push(...(await Promise.all(Array.from({ length: 100 }, () => cluster().connectClient(1)))));
    }
    expect(new Set(clients.map(({ id }) => id)).size).toBe(1_200);
    const path = "/?event=getConnectionCount,broadcast&broadcast[msg]=all";
    expect(await cluster().values(0, { path }, "getConnectionCount")).toEqual([0, 1_200]);
    for (const client of clients) {
      expect(await client.flushAndTake()).toEqual(["all"]);
    }
    const bindings = await Promise.all(
      clients.slice(0, 300).map(({ id }, index) => {
        const bind = `/?event=bindId&bindId[id]=u${index % 100}&bindId[_id]=${id}`;
        return cluster().values(index % 2, { path: bind }, "bindId");
      }),
    );
    expect(bindings).toEqual(bindings.map(() => [2, 0]));
    expect(await cluster().values(1, { path: "/?event=getIdCount" }, "getIdCount")).toEqual([0, 100]);
    const codes = [1000, 1001, 3000, 4001];
    const closed = await Promise.all(clients.map((client, index) => client.close(at(codes, index % 4))));
    expect(closed.map(({ code }) => code)).toEqual(clients.map((_, index) => codes[index % 4]));
    await until("the node has none left", async () => {
      const counts = await cluster().values(
        0,
        { path: "/?event=getConnectionCount,getIdCount" },
        "getConnectionCount",
      );
      return counts.every((count) => count === 0) ? true : undefined;
    });
    expect(await cluster().values(0, { path: "/?event=getIdCount" }, "getIdCount")).toEqual([0, 0]);
  });
});

test("a message of a client past the node's limit closes it with 1009", async () => {
  const client = await cluster().connectClient(0);
  client.socket.send(Buffer.alloc(16 << 20));
  await once(client.socket, "close");
  expect((await client.closed).code).toBe(1009);
  await expectServing();
});
