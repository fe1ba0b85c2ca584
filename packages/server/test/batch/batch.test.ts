import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { classicEvents, commands } from "@websocket-center/protocol";
import { expect, test } from "vitest";
import { ask, sendRaw } from "../http/http-client.js";
import { startCenter as startLoggedCenter } from "../link/running.js";
import { type Client, connect, startCenter, startNode } from "../services/cluster.js";
import { type BatchAnswer, BatchStream, byId, sendAll } from "./stream.js";

const portOf = (address: string): number => Number(address.split(":").at(-1));

/** A center, two nodes, and a client on each. */
async function startAll(options: Parameters<typeof startCenter>[0] = {}) {
  const center = await startCenter(options);
  const nodes = [await startNode([center]), await startNode([center])];
  const clients = await Promise.all(nodes.map((node) => connect(node)));
  const [first, second] = clients as [Client, Client];
  return { center, http: center.addresses.http, nodes, first, second };
}

test("a line is a command, and its answer has the caller's id, the merged value and the nodes that were asked", async () => {
  const { http, nodes, first, second } = await startAll();
  const answers = byId(
    await sendAll(http, [
      { id: "bind 1", command: "bindUser", params: { userId: "ada", connectionId: first.id } },
      { id: "bind 2", command: "bindUser", params: { userId: "ada", connectionId: second.id } },
      { id: 3, command: "sendToUser", params: { userId: "ada", message: "hi" }, timeoutMs: 2000 },
      { id: 4, command: "countConnections" },
      { id: 5, command: "listConnectionsOfUser", params: { userId: "nobody" } },
    ]),
  );
  const [a, b] = nodes.map(({ id }) => id) as [string, string];
  expect(answers.get("bind 1")).toEqual({ id: "bind 1", value: "done", nodes: { [a]: "done" } });
  expect(answers.get("bind 2")).toEqual({ id: "bind 2", value: "done", nodes: { [b]: "done" } });
  expect(answers.get(3)).toEqual({ id: 3, value: 2, nodes: { [a]: 1, [b]: 1 } });
  expect(answers.get(4)).toEqual({ id: 4, value: 2, nodes: { [a]: 1, [b]: 1 } });
  expect(answers.get(5)?.value).toEqual([]);
  await first.settled();
  await second.settled();
  expect([first.messages, second.messages]).toEqual([["hi"], ["hi"]]);
});

test("a line may be an event of the classic API, whose parameters and values are the classic ones", async () => {
  const { http, nodes, first } = await startAll();
  const [node] = nodes.map(({ id }) => id) as [string];
  const answers = byId(
    await sendAll(http, [
      { id: 1, event: "bindId", params: { id: 7, _id: first.id } },
      { id: 2, event: "sendMessageToId", params: { id: 7, msg: { text: "hi" } } },
      { id: 3, event: "getIdBy_Id", params: [first.id] },
      '{"id":4,"event":"sendMessageToId","params":{"id":"7","msg":12345678901234567890}}\n',
      { id: 5, event: "sendMessageToId", params: { msg: "nobody" } },
      { id: 6, event: "noSuchEvent" },
    ]),
  );
  expect(answers.get(1)).toEqual({ id: 1, nodes: { [node]: 0 } });
  expect(answers.get(2)?.nodes?.[node]).toBe(1);
  expect(answers.get(3)).toEqual({ id: 3, nodes: { [node]: "7" } });
  expect(answers.get(5)?.error?.message).toContain('parameter "id" is missing');
  expect(answers.get(6)?.error?.code).toBe("UNKNOWN_COMMAND");
  await first.settled();
  expect(first.messages).toEqual(['{"text":"hi"}', "12345678901234567890"]);
});

test("ids come back as they were written, numbers digit for digit", async () => {
  const { http } = await startAll();
  const ids = ["1", "-0", "1.0", "12345678901234567890", "1e2", "0.1000000000000000000001", '"a\\"b"', '"é"'];
  const first = ids.map((id) => `{"id":${id},"command":"countUsers"}\n`);
  const last = ids.map((id) => `{"command":"countUsers","params":{},"timeoutMs":500 , "id" : ${id} }\n`);
  const stream = new BatchStream(http);
  stream.send(...first, ...last);
  await stream.end();
  const got = stream.texts.map((text) => /^\{"id":(.*?),"value"/.exec(text)?.[1]);
  expect(got).toHaveLength(2 * ids.length);
  expect(new Set(got)).toEqual(new Set(ids));
});

test("a line that is wrong is told by its number, and disturbs no other", async () => {
  const { http } = await startAll({ maxMessageBytes: 10, maxIdBytes: 32 });
  const wrong: [line: string | Buffer, id: unknown, code: string, message: string][] = [
    ["rubbish", null, "INVALID_PARAMS", "not valid JSON"],
    ["[]", null, "INVALID_PARAMS", "id:"],
    ["null", null, "INVALID_PARAMS", "not a JSON object"],
    ['{"command":"countUsers"}', null, "INVALID_PARAMS", "id: expected a string or a number"],
    ['{"id":{},"command":"countUsers"}', null, "INVALID_PARAMS", "id: expected"],
    ['{"id":1}', 1, "INVALID_PARAMS", "in command, or"],
    ['{"id":1,"command":"countUsers","event":"getIds"}', 1, "INVALID_PARAMS", "in command, or"],
    ['{"id":1,"command":"noSuch"}', 1, "UNKNOWN_COMMAND", "no command"],
    ['{"id":1,"command":"constructor"}', 1, "UNKNOWN_COMMAND", "no command"],
    ['{"id":1,"command":"sendToUser","params":{"userId":"a"}}', 1, "INVALID_PARAMS", "message"],
    ['{"id":1,"command":"countUsers","timeout":5}', 1, "INVALID_PARAMS", "nothing but"],
    ['{"id":1,"command":"countUsers","timeoutMs":60001}', 1, "INVALID_PARAMS", "1 to 60000"],
    ['{"id":1,"command":"countUsers","timeoutMs":0.5}', 1, "INVALID_PARAMS", "1 to 60000"],
    [
      '{"id":1,"command":"broadcast","params":{"message":"12345678901"}}',
      1,
      "INVALID_PARAMS",
      "over 10 bytes",
    ],
    [
      `{"id":1,"command":"isUserOnline","params":{"userId":"${"é".repeat(17)}"}}`,
      1,
      "INVALID_PARAMS",
      "over 32 bytes",
    ],
    [
      Buffer.from('{"id":1,"command":"isUserOnline","params":{"userId":"\xff"}}', "latin1"),
      null,
      "INVALID_PARAMS",
      "not UTF-8",
    ],
    [`{"id":1,"params":${"[".repeat(2000)}`, null, "INVALID_PARAMS", "nested deeper"],
  ];
  for (const [line, id, code, message] of wrong) {
    const good = (name: string): object => ({ id: name, command: "countUsers" });
    const answers = await sendAll(http, [good("before"), "\r\n", line, "\n", good("after")]);
    const error = answers.find((answer) => answer.error !== undefined);
    expect(error, String(line)).toMatchObject({ id, line: 3, error: { code } });
    expect(error?.error?.message).toContain(message);
    expect(answers.map((answer) => answer.id)).toEqual(expect.arrayContaining(["before", "after"]));
    expect(answers).toHaveLength(3);
  }
});

test("a line that is too long is skipped to its end", async () => {
  const { http } = await startAll({ maxBodyBytes: 1024 });
  const answers = await sendAll(http, [
    { id: 1, command: "countUsers" },
    ...Array.from({ length: 200 }, () => "x".repeat(1000)),
    "\n",
    { id: 2, command: "countUsers" },
    "y".repeat(2000),
  ]);
  expect(byId(answers).get(1)?.value).toBe(0);
  expect(byId(answers).get(2)?.value).toBe(0);
  const errors = answers.filter(({ error }) => error !== undefined);
  expect(errors.map(({ line }) => line)).toEqual([2, 4]);
  expect(errors[0]?.error?.message).toContain("longer than 1024 bytes");
});

test("a body without any line is answered without any", async () => {
  const { http } = await startAll();
  expect(await sendAll(http, [])).toEqual([]);
  expect(await sendAll(http, ["\n\r\n   \n"])).toEqual([]);
});

test("the head of the answer comes before the first line, and each result while the body goes on", async () => {
  const { http } = await startAll();
  const stream = new BatchStream(http);
  const { statusCode, headers } = await stream.response;
  expect(statusCode).toBe(200);
  expect(headers).toMatchObject({ "content-type": "application/x-ndjson", "cache-control": "no-store" });
  expect(headers["wsc-call-id"]).toMatch(/^[0-9a-f]{16}$/);
  for (let id = 1; id <= 3; id += 1) {
    stream.send({ id, command: "countUsers" });
    expect((await stream.until(id)).at(-1)).toMatchObject({ id, value: 0 });
  }
  expect(await stream.end()).toHaveLength(3);
});

test("every command and every event can be a line", async () => {
  const { http, first } = await startAll();
  const params: Record<string, unknown> = {
    userId: "ada",
    connectionId: first.id,
    groupId: "room",
    groupIds: ["room"],
    message: "hi",
  };
  const lines = Object.entries(commands).map(([command, { params: schema }]) => {
    const keys = Object.keys(schema.shape).filter((key) => key in params);
    return { id: command, command, params: Object.fromEntries(keys.map((key) => [key, params[key]])) };
  });
  const classic: Record<string, unknown> = {
    _id: first.id,
    id: "ada",
    groupId: "room",
    msg: "hi",
    data: "hi",
  };
  const events = Object.entries(classicEvents).map(([event, { params: given }]) => {
    const names = given.map(({ name }) => name).filter((name) => name in classic);
    return { id: event, event, params: Object.fromEntries(names.map((name) => [name, classic[name]])) };
  });
  const answers = byId(await sendAll(http, [...lines, ...events]));
  for (const { id } of [...lines, ...events]) {
    expect(answers.get(id)?.error, id).toBeUndefined();
    expect(answers.get(id)?.failures, id).toBeUndefined();
    expect(answers.get(id)?.nodes, id).toBeDefined();
  }
});

test("other methods are told which one it serves, and strangers that a token is needed", async () => {
  const { http } = await startAll({ token: ["secret"] });
  const port = portOf(http);
  for (const method of ["GET", "HEAD", "PUT"]) {
    const { status, headers } = await ask(port, "/batch", {
      method,
      headers: { authorization: "Bearer secret" },
    });
    expect([method, status, headers.allow]).toEqual([method, 405, "POST, OPTIONS"]);
  }
  const refused = await ask(port, "/batch", { method: "POST", body: '{"id":1,"command":"countUsers"}' });
  expect([refused.status, refused.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
  const stream = new BatchStream(http, { headers: { authorization: "Bearer secret" } });
  stream.send({ id: 1, command: "countUsers" });
  expect(await stream.end()).toMatchObject([{ id: 1, value: 0 }]);
});

test("fetch streams both ways", async () => {
  const { http } = await startAll();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const write = (id: string): void =>
    void writer.write(Buffer.from(`{"id":"${id}","command":"countUsers"}\n`));
  // Node.js sends the head of such a request with its first bytes.
  write("a");
  const init = { method: "POST", body: readable, duplex: "half" };
  const answer = await fetch(`http://${http}/batch`, init);
  const lines = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect(JSON.parse((await lines?.read())?.value ?? "")).toMatchObject({ id: "a", value: 0 });
  write("b");
  expect(JSON.parse((await lines?.read())?.value ?? "")).toMatchObject({ id: "b", value: 0 });
  void writer.close();
  expect((await lines?.read())?.done).toBe(true);
});

test("curl streams a file, which it announces with Expect: 100-continue", async () => {
  const { http } = await startAll();
  const line = '{"id":1,"command":"countUsers"}';
  const script = `printf '%s\\n%s' '${line}' '${line}' | curl -sS --max-time 20 -X POST -H 'Expect: 100-continue' -T - http://${http}/batch`;
  const { stdout } = await promisify(execFile)("sh", ["-c", script]);
  const answers = stdout
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as BatchAnswer);
  expect(answers).toMatchObject([
    { id: 1, value: 0 },
    { id: 1, value: 0 },
  ]);
});

test("a caller of HTTP/1.0 is answered until the connection ends", async () => {
  const { http } = await startAll();
  const body = '{"id":1,"command":"countUsers"}\n';
  const text = await sendRaw(
    portOf(http),
    `POST /batch HTTP/1.0\r\nContent-Length: ${body.length}\r\nHost: localhost\r\n\r\n${body}`,
  );
  const [head = "", lines = ""] = text.split("\r\n\r\n");
  expect(head).toContain("200 OK");
  expect(head.toLowerCase()).not.toContain("chunked");
  expect(JSON.parse(lines)).toMatchObject({ id: 1, value: 0 });
});

test("the log has one line for a stream, and metrics count its lines", async () => {
  const { center, book } = await startLoggedCenter();
  const http = center.addresses.http;
  await sendAll(http, [{ id: 1, command: "countUsers" }, { id: 2, command: "countUsers" }, "rubbish\n"]);
  const line = await book.until("batch");
  expect(line).toMatchObject({ level: "debug", taken: 2, refused: 1 });
  const stream = new BatchStream(http);
  await stream.response;
  const { text } = await ask(portOf(http), "/metrics");
  expect(text).toContain("wsc_batch_commands_total 2");
  expect(text).toContain("wsc_batch_lines_refused_total 1");
  expect(text).toContain("wsc_batch_streams 1");
  expect(text).toContain("wsc_batch_commands_in_flight 0");
  expect(text).toContain('wsc_http_requests_total{status="200",outcome="ok"} 1');
});
