import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type BodyReading, endAfterBody, readBody } from "../../src/http/body.js";
import { ask, sendRaw } from "./http-client.js";

let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** A server that reads bodies of at most 100 bytes; `readings` hears how each ended. */
async function start(
  prepare: (req: IncomingMessage) => Promise<void> = () => Promise.resolve(),
): Promise<{ port: number; readings: Promise<BodyReading> }> {
  let hear: (reading: BodyReading) => void = () => undefined;
  const readings = new Promise<BodyReading>((resolve) => (hear = resolve));
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    await prepare(req);
    const reading = await readBody(req, 100);
    hear(reading);
    if (reading.kind === "tooLarge") {
      res.writeHead(413, { "Content-Length": 5, Connection: "close" });
      endAfterBody(req, res, "large");
    } else {
      res.end(reading.kind === "bytes" ? reading.bytes : reading.kind);
    }
  };
  server = createServer((req, res) => void answer(req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, readings };
}

test("a body up to the limit is read whole", async () => {
  const { port } = await start();
  const body = "é".repeat(50);
  expect(await ask(port, "/", { method: "POST", body })).toMatchObject({ status: 200, text: body });
  const chunked = { method: "POST", body, headers: { "Transfer-Encoding": "chunked" } };
  expect(await ask(port, "/", chunked)).toMatchObject({ status: 200, text: body });
  expect(await ask(port, "/", { method: "POST" })).toMatchObject({ status: 200, text: "" });
});

test("a larger one is answered with 413, and the answer arrives though megabytes follow", async () => {
  const { port } = await start();
  for (const headers of [{}, { "Transfer-Encoding": "chunked" }]) {
    const reply = await ask(port, "/", { method: "POST", body: Buffer.alloc(8_000_000), headers });
    expect(reply).toMatchObject({ status: 413, text: "large", headers: { connection: "close" } });
  }
});

test("a Content-Length over the limit is enough, nothing of the body need come", async () => {
  const { port } = await start();
  const req = request({ port, host: "127.0.0.1", method: "POST", headers: { "Content-Length": 101 } });
  req.flushHeaders();
  const [res] = (await once(req, "response")) as [IncomingMessage];
  expect(res.statusCode).toBe(413);
  expect(String((await once(res, "data"))[0])).toBe("large");
  const closed = once(req, "close");
  req.end(Buffer.alloc(101));
  res.resume();
  await closed;
});

test("a caller that goes away settles the reading", async () => {
  const { port, readings } = await start();
  const req = request({ port, host: "127.0.0.1", method: "POST", headers: { "Content-Length": 50 } });
  req.on("error", () => undefined);
  req.write("half");
  req.on("socket", (socket) => socket.on("connect", () => socket.end()));
  expect(await readings).toEqual({ kind: "aborted" });
});

test("a body that breaks off in the protocol settles the reading", async () => {
  const { port, readings } = await start();
  await sendRaw(port, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  expect(await readings).toEqual({ kind: "aborted" });
});

test.each([
  [{ a: 1 }, { kind: "parsed", value: { a: 1 } }],
  [undefined, { kind: "taken" }],
  ["text", { kind: "bytes", bytes: Buffer.from("text") }],
  [Buffer.from("bytes"), { kind: "bytes", bytes: Buffer.from("bytes") }],
  ["x".repeat(101), { kind: "tooLarge" }],
])("what another parser left is taken: %j", async (value, expected) => {
  const { port, readings } = await start(async (req) => {
    req.resume();
    await once(req, "end");
    Object.assign(req, { body: value });
  });
  await ask(port, "/", { method: "POST", body: "{}" });
  expect(await readings).toEqual(expected);
});
