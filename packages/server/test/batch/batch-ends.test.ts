import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test, vi } from "vitest";
import { createCenter, createSilentLogger } from "../../src/index.js";
import { startScriptedNode } from "../center/operations/scripted-node.js";
import { fileText, tokenOf, writeTokens } from "../access/tokens.js";
import { startCenter as startLoggedCenter } from "../link/running.js";
import { connect, startCenter, startNode } from "../services/cluster.js";
import { BatchStream, byId, sendAll } from "./stream.js";

const toUser = (id: number, userId: string, message: string): object => ({
  id,
  command: "sendToUser",
  params: { userId, message },
});

const bindAda = ({ id: connectionId }: { id: string }): object => ({
  id: 0,
  command: "bindUser",
  params: { userId: "ada", connectionId },
});

test("100,000 lines come to each user in their order, and each is answered once", async () => {
  const center = await startCenter();
  const nodes = [await startNode([center]), await startNode([center])];
  const clients = await Promise.all(nodes.flatMap((node) => [connect(node), connect(node)]));
  const bound = clients.map(({ id: connectionId }, at) => {
    return { id: at, command: "bindUser", params: { userId: `user ${at}`, connectionId } };
  });
  await sendAll(center.addresses.http, bound);
  const count = 100_000;
  const stream = new BatchStream(center.addresses.http);
  let body = "";
  for (let id = 0; id < count; id += 1) {
    body += `${JSON.stringify(toUser(id, `user ${id % clients.length}`, `${id} 汉`))}\n`;
  }
  const bytes = Buffer.from(body);
  // Chunks that end anywhere, within characters too.
  for (let start = 0, size = 1; start < bytes.length; start += size, size = (size * 7919) % 65_537) {
    stream.send(bytes.subarray(start, start + size));
  }
  const answers = await stream.end();
  expect(new Set(answers.map(({ id }) => id)).size).toBe(count);
  expect(answers).toHaveLength(count);
  expect(answers.find(({ value, failures }) => value !== 1 || failures !== undefined)).toBeUndefined();
  for (const [at, client] of clients.entries()) {
    await client.settled();
    const wanted = Array.from(
      { length: count / clients.length },
      (_, turn) => `${turn * clients.length + at} 汉`,
    );
    expect(client.messages.join()).toBe(wanted.join());
  }
});

test("a caller who sends and does not read is waited for, and nothing is lost when it reads on", async () => {
  const center = await startCenter();
  await startNode([center]);
  const stream = new BatchStream(center.addresses.http, { reads: false });
  const response = await stream.response;
  let sent = 0;
  const line = `${JSON.stringify({ id: "i".repeat(400), command: "countUsers" })}\n`;
  const block = line.repeat(200);
  // Until the center reads no more: then this side's buffers fill, and a write is not taken any longer.
  for (let isTaken = true; isTaken;) {
    sent += 200;
    stream.request.write(block);
    isTaken = await Promise.race([
      new Promise<boolean>((resolve) => stream.request.once("drain", () => resolve(true))),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1500)),
    ]);
    expect(sent).toBeLessThan(1_000_000);
  }
  const metrics = await (await fetch(`http://${center.addresses.http}/metrics`)).text();
  expect(Number(/^wsc_batch_commands_total (\d+)$/m.exec(metrics)?.[1])).toBeLessThan(sent);
  stream.read(response);
  response.resume();
  expect(await stream.end()).toHaveLength(sent);
});

test("what a caller sent before it went away is run, and the rest is not", async () => {
  const { center, book } = await startLoggedCenter();
  const node = await startNode([center]);
  const client = await connect(node);
  await sendAll(center.addresses.http, [bindAda(client)]);
  const stream = new BatchStream(center.addresses.http);
  stream.send(toUser(1, "ada", "first"));
  await stream.until(1);
  stream.send(toUser(2, "ada", "second"), '{"id":3,"command":"sendToUser","params":{"userId":"ada",');
  await stream.until(2);
  stream.request.destroy();
  await book.until("batch", 2);
  await client.settled();
  expect(client.messages).toEqual(["first", "second"]);
  expect((await book.until("call", 2)).status).toBe(499);
});

test("what ran at one node has a line in the audit log, though its caller went away before another was asked", async () => {
  const { center, book } = await startLoggedCenter();
  const node = await startNode([center]);
  await sendAll(center.addresses.http, [bindAda(await connect(node))]);
  const held: (() => void)[] = [];
  // It tells nobody what it holds, so that it is asked about everybody.
  const slow = await startScriptedNode([center], {}, undefined, (answer) => held.push(answer));
  const stream = new BatchStream(center.addresses.http);
  stream.send(toUser(1, "nobody", "x".repeat(30_000)));
  // What is too large for one frame holds up what is behind it, at this node.
  await vi.waitFor(() => expect(held).toHaveLength(1));
  stream.send({ id: 2, command: "unbindUser", params: { userId: "ada" } });
  await vi.waitFor(() => expect(node.hub.isUserOnline({ userId: "ada" })).toBe(false));
  stream.request.destroy();
  expect(await book.until("audit", 2)).toMatchObject({
    ...{ command: "unbindUser", targets: { userId: "ada" }, ok: 1, failed: 1, codes: ["NODE_OVERLOADED"] },
  });
  expect(JSON.stringify(book.with("failed at some nodes"))).toContain(slow.id);
  // The slow node answers what it was asked, and is asked nothing more.
  held[0]?.();
  await book.until("batch");
  expect(held).toHaveLength(1);
});

test("a body whose framing breaks ends the connection, not the center", async () => {
  const center = await startCenter();
  const [host, port] = center.addresses.http.split(":");
  const socket = connectTcp({ host: host ?? "", port: Number(port) });
  socket.write(
    "POST /batch HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{}\n\n\r\nzz\r\n",
  );
  await new Promise((resolve) => socket.once("close", resolve).resume());
  expect(await sendAll(center.addresses.http, [{ id: 1, command: "countUsers" }])).toHaveLength(1);
});

test("a center that stops answers what it took, refuses what comes, and ends the stream", async () => {
  const center = await startCenter();
  const node = await startNode([center]);
  const client = await connect(node);
  await sendAll(center.addresses.http, [bindAda(client)]);
  const idle = new BatchStream(center.addresses.http);
  const stream = new BatchStream(center.addresses.http);
  stream.send(toUser(1, "ada", "before"));
  await stream.until(1);
  await idle.response;
  const drained = center.drain();
  stream.send(toUser(2, "ada", "after"));
  const answers = byId(await stream.until(2));
  expect(answers.get(1)?.value).toBe(1);
  expect(answers.get(2)).toMatchObject({ id: 2, line: 2, error: { code: "CENTER_BUSY" } });
  expect([await stream.ended, await idle.ended]).toEqual(["whole", "whole"]);
  stream.request.end();
  idle.request.end();
  await drained;
  await client.settled();
  expect(client.messages).toEqual(["before"]);
});

test("each line needs the scope of its command, and what changes state has a line in the audit log", async () => {
  const tokensFile = await writeTokens();
  const { center, book } = await startLoggedCenter({ tokensFile });
  const node = await startNode([center], [], { tokensFile, adminPort: 0 });
  const client = await connect(node);
  const bind = { command: "bindUser", params: { userId: "ada", connectionId: client.id } };
  const headers = { authorization: `Bearer ${tokenOf("read").text}` };
  const reader = new BatchStream(center.addresses.http, { headers });
  reader.send({ id: 1, ...bind }, { id: 2, command: "countUsers" }, { id: 3, event: "getIdCount" });
  const answers = byId(await reader.end());
  expect(answers.get(1)?.error).toMatchObject({ code: "SCOPE_MISSING" });
  expect([answers.get(2)?.value, answers.get(3)?.error]).toEqual([0, undefined]);
  expect(await book.until("audit")).toMatchObject({ command: "bindUser", denied: "manage" });
  const owner = new BatchStream(center.addresses.http, {
    headers: { authorization: `Bearer ${tokenOf("manage").text}` },
  });
  owner.send({ id: 1, ...bind });
  expect(await owner.end()).toMatchObject([{ id: 1, value: "done" }]);
  const line = await book.until("audit", 2);
  expect(line).toMatchObject({ command: "bindUser", targets: { userId: "ada" }, result: "done" });
});

test("a token that is taken away does not count for the rest of its stream", async () => {
  const tokensFile = await writeTokens();
  const { center } = await startLoggedCenter({ tokensFile });
  const headers = { authorization: `Bearer ${tokenOf("read").text}` };
  const stream = new BatchStream(center.addresses.http, { headers });
  stream.send({ id: 0, command: "countUsers" });
  expect((await stream.until(1))[0]?.value).toBe(0);
  await writeFile(tokensFile, fileText([tokenOf("send")]));
  let id = 0;
  await vi.waitFor(
    async () => {
      id += 1;
      stream.send({ id, command: "countUsers" });
      expect((await stream.until(id + 1))[id]?.error?.code).toBe("SCOPE_MISSING");
    },
    { timeout: 20_000, interval: 100 },
  );
});

test("a center in a server whose body parser was first reads what that left", async () => {
  const center = createCenter({ linkPort: 0 }, { log: createSilentLogger(), mounted: true });
  onTestFinished(() => center.stop());
  await center.start();
  const leave = { text: (text: string): unknown => text, rubbish: (): unknown => ({ read: true }) };
  for (const [name, parsed] of Object.entries(leave)) {
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        Object.assign(request, { body: parsed(body) });
        center.handleRequest(request, response);
      });
    });
    onTestFinished(() => void server.close());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/batch`;
    const answer = await fetch(url, { method: "POST", body: '{"id":1,"command":"countUsers"}' });
    const shown = await answer.text();
    if (name === "text") expect(JSON.parse(shown)).toEqual({ id: 1, value: 0, nodes: {} });
    else expect([answer.status, shown]).toEqual([400, expect.stringContaining("mount the API earlier")]);
  }
});

test("a node that left while a stream goes on fails its own places only", async () => {
  const center = await startCenter();
  const [leaving, staying] = [await startNode([center]), await startNode([center])];
  const client = await connect(staying);
  staying.hub.bindUser({ userId: "ada", connectionId: client.id });
  const stream = new BatchStream(center.addresses.http);
  stream.send({ id: 0, command: "countConnections" });
  expect(Object.keys((await stream.until(1))[0]?.nodes ?? {})).toHaveLength(2);
  await leaving.stop();
  await vi.waitFor(() => expect(center.nodes).toHaveLength(1));
  stream.send({ id: 1, command: "countConnections" });
  const answers = await stream.end();
  expect(answers[1]).toEqual({ id: 1, value: 1, nodes: { [staying.id]: 1 } });
});
