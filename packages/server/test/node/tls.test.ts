import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createNode, createSilentLogger } from "../../src/index.js";
import { findProgram } from "../programs.js";
import { judge } from "./judge.js";
import { Client, startNode } from "./running-node.js";

const hasOpenssl = findProgram("openssl") !== undefined;
const tlsTest = test.skipIf(!hasOpenssl);
let folder = "";
const file = (name: string): string => join(folder, name);
const tls = (): { tlsCert: string; tlsKey: string } => ({
  tlsCert: file("cert.pem"),
  tlsKey: file("key.pem"),
});
const ca = (): string => readFileSync(file("cert.pem"), "utf8");

beforeAll(() => {
  if (!hasOpenssl) return;
  folder = mkdtempSync(join(tmpdir(), "websocket-center-tls-"));
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = ["-keyout", file("key.pem"), "-out", file("cert.pem")];
  execFileSync("openssl", ["req", "-x509", ...key, ...files, "-days", "2", ...subject], { stdio: "ignore" });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

tlsTest("with a certificate the client port speaks wss and https", async () => {
  const node = await startNode(tls());
  expect(node.publicUrl).toBe(`wss://${node.addresses.client}`);
  const client = await Client.connect(node.publicUrl, { ca: ca() });
  const messages = ["用户", "x".repeat(1024 * 1024), "last"];
  for (const message of messages) node.hub.broadcast({ message });
  expect((await client.take(3)).map(({ length }) => length)).toEqual(messages.map(({ length }) => length));

  const status = await new Promise((resolve, reject) => {
    const url = `https://${node.addresses.client}/?event=getConnectionCount`;
    request(url, { ca: ca(), agent: false }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    })
      .once("error", reject)
      .end();
  });
  expect(status).toBe(200);

  const closing = client.closed;
  node.hub.closeConnection({ connectionId: client.id, reason: "bye" });
  expect(await closing).toEqual({ code: 4500, reason: "bye" });
});

tlsTest(
  "a client that does not speak TLS, or does not trust it, gets nowhere and disturbs nobody",
  async () => {
    const node = await startNode(tls());
    const client = await Client.connect(node.publicUrl, { ca: ca() });
    await expect(Client.connect(`ws://${node.addresses.client}`)).rejects.toThrow(/.*/);
    await expect(Client.connect(node.publicUrl)).rejects.toThrow(/self-signed/);
    const noise = connect(Number(node.addresses.client.split(":").at(-1)), "127.0.0.1");
    noise.on("error", () => undefined);
    await new Promise((resolve) => {
      noise.once("close", resolve).resume().write(Buffer.alloc(1000, 7));
    });
    node.hub.broadcast({ message: "still here" });
    expect(await client.next()).toBe("still here");
  },
);

tlsTest("a client that goes away over TLS while it is judged aborts the signal", async () => {
  const { authorize, asked } = judge();
  const node = await startNode(tls(), { authorize });
  const connecting = Client.connect(node.publicUrl, { ca: ca() });
  const { answer, signal } = await asked();
  answer({ admit: true });
  const client = await connecting;
  expect(signal.aborted).toBe(false);
  client.socket.terminate();

  const { tlsCert } = tls();
  const leaving = request(`https://${node.addresses.client}/`, {
    ca: readFileSync(tlsCert),
    agent: false,
    headers: {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    },
  });
  leaving.on("error", () => undefined);
  leaving.end();
  const second = await asked();
  const aborted = new Promise((resolve) => {
    second.signal.addEventListener("abort", resolve);
  });
  leaving.destroy();
  await aborted;
});

tlsTest("drain and stop work over TLS as they do without", async () => {
  const node = await startNode({ ...tls(), closeSpreadMs: 0 });
  const client = await Client.connect(node.publicUrl, { ca: ca() });
  await node.drain();
  expect(await client.closed).toEqual({ code: 1012, reason: "service restart" });
  await node.stop();
});

test.each([
  ["without its key", () => ({ tlsCert: file("cert.pem") })],
  ["that is not there", () => ({ ...tls(), tlsCert: file("none.pem") })],
])("a certificate %s is refused when the node is created", (_what, options) => {
  const create = (): unknown => createNode({ port: 0, ...options() }, { log: createSilentLogger() });
  expect(create).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});
