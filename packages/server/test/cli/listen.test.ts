import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { TcpProxy } from "../link/tcp-proxy.js";
import { ask, type CenterProcess, type NodeProcess, startCenter, startNode } from "./cluster.js";
import { freePort } from "../free-ports.js";
import { type Command, endAll, run, start } from "./command.js";

afterEach(endAll);

/** A server that speaks WebSocket as a test tells it to. */
async function serve(onConnection: (socket: WebSocket, count: number) => void): Promise<string> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  let count = 0;
  server.on("connection", (socket) => {
    count += 1;
    onConnection(socket, count);
  });
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const openFrame = `{"cmd":"open","_id":"${"0".repeat(32)}"}`;

describe("listen", () => {
  let center: CenterProcess;
  let node: NodeProcess;
  beforeEach(async () => {
    center = await startCenter();
    node = await startNode([center]);
  });

  /** Once it is connected, or bound where it is told to bind. */
  async function listening(...flags: string[]): Promise<Command> {
    const listen = start(["listen", node.url, "--center", center.url, ...flags]);
    await listen.says(flags.some((flag) => /^--(user|group)$/.test(flag)) ? /^bound$/m : /^connection /m);
    return listen;
  }

  test("prints each message on a line of its own, whatever is in it, and the connection's events on stderr", async () => {
    const listen = await listening();
    for (const msg of ["hello", "", "two\nlines\u001b[2J", "語 👩‍🚀"])
      await ask(center, { broadcast: { msg } });
    await listen.prints(/語.*\n/);
    expect(listen.stdout()).toBe("hello\n\ntwo\\nlines\\u001b[2J\n語 👩‍🚀\n");
    expect(listen.stderr()).toMatch(
      new RegExp(`^connected to ${node.url}\nconnection ${node.shortId}\\w{20}\n$`),
    );
    listen.signal("SIGINT");
    expect(await listen.exited).toBe(0);
    expect((await ask(center, { getConnectionCount: {} }))["getConnectionCount"]).toEqual({ [node.id]: 0 });
  });

  test("--count ends with 0 after so many messages, the open frame not counted", async () => {
    const listen = await listening("--count", "2");
    for (const msg of ["1", "2", "3"]) await ask(center, { broadcast: { msg } });
    expect(await listen.exited).toBe(0);
    expect(listen.stdout()).toBe("1\n2\n");
  });

  test("--json writes each message as it is, with its time", async () => {
    const listen = await listening("--json", "--count", "1");
    await ask(center, { broadcast: { msg: 'a\n"b"\u001b' } });
    expect(await listen.exited).toBe(0);
    expect(JSON.parse(listen.stdout())).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      type: "text",
      data: 'a\n"b"\u001b',
    });
  });

  test("--user and --group bind the connection through a center", async () => {
    const listen = await listening("--user", "ada", "--group", "a,b", "--group", "c d", "--count", "2");
    expect((await ask(center, { getGroupIdsById: { id: "ada" } }))["getGroupIdsById"]).toEqual({
      [node.id]: ["a", "b", "c d"],
    });
    await ask(center, { sendMessageToId: { id: "ada", msg: "to the user" } });
    await ask(center, { sendToGroup: { groupId: "c d", msg: "to the group" } });
    expect(await listen.exited).toBe(0);
    expect(listen.stdout()).toBe("to the user\nto the group\n");
  });

  test("connects again when the connection is lost, and binds anew", async () => {
    const proxy = await TcpProxy.open(Number(node.url.split(":").at(-1)));
    onTestFinished(() => proxy.close());
    const url = `ws://127.0.0.1:${proxy.port}`;
    const listen = start(["listen", url, "--center", center.url, "--user", "ada", "--count", "1"]);
    await listen.says(/^bound$/m);
    proxy.cut();
    await listen.says(/^bound$[^]*^closed with 1006$[^]*^connected [^]*^bound$/m);
    await ask(center, { sendMessageToId: { id: "ada", msg: "again" } });
    expect(await listen.exited).toBe(0);
    expect(listen.stdout()).toBe("again\n");
  });

  test("a connection that a back end closed is not made again: it ends with 1", async () => {
    const listen = await listening("--user", "ada");
    await ask(center, { closeById: { id: "ada", reason: "bye" } });
    expect(await listen.exited).toBe(1);
    expect(listen.stderr()).toContain("closed with 4500: bye");
  });

  test("a node that refuses the client ends it with 1, and the reason is said", async () => {
    await run(["drain", node.id, "--center", center.url]);
    const { code, stderr } = await run(["listen", node.url]);
    expect(code).toBe(1);
    expect(stderr).toBe(`${node.url}: refused with 503: this node is going away\n`);
  });

  test("a center that cannot be reached ends it with 3, one of another cluster with 1", async () => {
    const args = ["listen", node.url, "--user", "ada", "--center"];
    const unreachable = await run([...args, `http://127.0.0.1:${await freePort()}`]);
    expect(unreachable.code).toBe(3);
    expect(unreachable.stderr).toContain("could not be reached");
    const stranger = await startCenter();
    await startNode([stranger]);
    const foreign = await run([...args, stranger.url]);
    expect(foreign.code).toBe(1);
    expect(foreign.stderr).toContain("give a center of the same cluster");
  });

  test("a user cannot be bound where the node sends no open frame", async () => {
    const silent = await startNode([center], ["--no-open-message"]);
    const args = ["listen", silent.url, "--center", center.url, "--user", "ada", "--timeout-ms", "2000"];
    const { code, stderr } = await run(args);
    expect(code).toBe(1);
    expect(stderr).toContain("sent no open frame");
  });
});

describe("listen, to a server that does as it is told,", () => {
  test("shows bytes in hex, or in Base64 with --json", async () => {
    const url = await serve((socket) => {
      socket.send(openFrame);
      socket.send(Buffer.from([0, 255]));
      socket.send(Buffer.alloc(100, 1));
    });
    const text = await run(["listen", url, "--count", "2"]);
    expect(text.stdout).toBe(`(2 bytes) 00ff\n(100 bytes) ${"01".repeat(64)}…\n`);
    const json = await run(["listen", url, "--count", "1", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ type: "binary", data: "AP8=" });
  });

  test("takes a first message that is no open frame, and a later one that looks like one, for messages", async () => {
    const url = await serve((socket) => {
      socket.send("first");
      socket.send(openFrame);
    });
    const { stdout } = await run(["listen", url, "--count", "2"]);
    expect(stdout).toBe(`first\n${openFrame}\n`);
  });

  test("comes back after 1012, and ends with 0 on 1000", async () => {
    const url = await serve((socket, count) => {
      socket.send(String(count));
      socket.close(count === 1 ? 1012 : 1000, "done");
    });
    const { code, stdout, stderr } = await run(["listen", url]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "1\n2\n" });
    expect(stderr).toMatch(/closed with 1012: done\nconnected .*\nclosed with 1000: done\n$/);
  });

  test.each([
    [1012, 0],
    [1001, 0],
    [4001, 1],
    [1011, 1],
  ])("--once does not come back after %i, and ends with %i", async (closeCode, exitCode) => {
    const url = await serve((socket) => socket.close(closeCode));
    const { code, stderr } = await run(["listen", url, "--once"]);
    expect(code).toBe(exitCode);
    expect(stderr).toContain(`closed with ${closeCode}`);
  });

  test("ends with 1 where it is closed for good before --count messages came", async () => {
    const url = await serve((socket) => {
      socket.send("only");
      socket.close(1000);
    });
    const { code, stderr } = await run(["listen", url, "--count", "2"]);
    expect(code).toBe(1);
    expect(stderr).toContain("1 of 2 messages came");
  });

  test("is refused with a status that a second try would not change", async () => {
    const server = createServer((_request, response) => response.writeHead(401).end("no\u001b[2J token\n"));
    server.listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await run(["listen", `127.0.0.1:${port}/?access_token=hush`]);
    expect(code).toBe(1);
    expect(stderr).toBe(`ws://127.0.0.1:${port}: refused with 401: no\\u001b[2J token\n`);
  });
});

describe("listen, used wrongly,", () => {
  test("ends with 1 at the HTTP port of a center, and says what it takes", async () => {
    const center = await startCenter();
    const { code, stderr } = await run(["listen", new URL(center.url).port]);
    expect(code).toBe(1);
    expect(stderr).toContain("takes no WebSocket: give the client port of a node");
  });

  test("ends with 3 where nothing listens, and names it", async () => {
    const port = await freePort();
    const { code, stdout, stderr } = await run(["listen", String(port)]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toBe(`ws://127.0.0.1:${port} could not be reached: nothing listens there\n`);
  });

  test.each([
    ["a URL of another scheme", ["http://127.0.0.1:8090"]],
    ["a password in the URL", ["ws://ada:hush@127.0.0.1"]],
    ["a count of none", ["--count", "0"]],
    ["an empty user", ["--user", ""]],
    ["no group", ["--group", ","]],
    ["a second URL", ["8090", "8091"]],
  ])("%s ends it with 2", async (_what, words) => {
    const { code, stdout, stderr } = await run(["listen", ...words]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toContain("hush");
  });
});
