import { connect } from "node:net";
import { expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { Program } from "./program.js";
import { ask, askUpgrade, Client, keepLog, startCenter, startNode } from "./running-node.js";

const token = "goodTokenAAAAAAAA";
const badToken = "badTokenBBBBBBBB";
const linkSecret = "linkSecretCCCCCCCCCCCCCCCCCCCCCCCC";
const oldSecret = "oldSecretDDDDDDDDDDDDDDDDDDDDDDDDDD";
const badSecret = "badSecretEEEEEEEEEEEEEEEEEEEEEEEEEE";
const clientToken = "clientTokenFFFFFFFF";
const secrets = [token, badToken, linkSecret, oldSecret, badSecret, clientToken];

function expectNoSecret(log: string): void {
  expect(log.length).toBeGreaterThan(0);
  for (const secret of secrets) {
    for (const form of [secret, Buffer.from(secret).toString("base64").slice(0, 12)]) {
      expect(log, `the log holds ${form}`).not.toContain(form);
    }
  }
}

/** Sends bytes that may be no HTTP at all, and waits for the end of the connection. */
function sendRaw(address: string, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(address.split(":").at(-1)), "127.0.0.1", () => socket.write(text));
    socket.on("error", () => undefined);
    socket.resume().once("close", () => resolve());
    socket.setTimeout(2000, () => socket.destroy());
  });
}

/** Every way to give a token, right and wrong, in requests that are right and wrong. */
async function useApi(address: string): Promise<void> {
  for (const given of [token, badToken]) {
    const authorization = { Authorization: `Bearer ${given}` };
    const body = (rest: object | string): { method: string; body: string } => ({
      method: "POST",
      body: typeof rest === "string" ? rest : JSON.stringify({ token: given, ...rest }),
    });
    await ask(address, `/?event=getConnectionCount&token=${given}`);
    await ask(address, "/?event=getConnectionCount", { headers: authorization });
    await ask(address, "/?event=bindId", body({ bindId: { id: given } }));
    await ask(address, "/?event=sendToGroup", body({ sendToGroup: { groupId: true, msg: null } }));
    await ask(address, `/?event=nothing,getIds&token=${given}`);
    await ask(address, `/?event=getIds&token[x]=${given}`);
    await ask(address, "/?event=getIds", body(`{"token":"${given}",`));
    await ask(address, "/?event=getIds", body(`["${given}"]`));
    await ask(address, `/?event=getIds&token=${given}`, { method: "DELETE" });
    await ask(address, `/?event=getIds&token=${given}`, { method: "OPTIONS" });
    await ask(address, `/metrics?token=${given}`);
    await ask(address, "/metrics", { headers: authorization });
    await ask(address, `/nodes?token=${given}`);
    await sendRaw(address, `GET /?token=${given} HTTP/1.1\r\nno header ${given}\r\n\r\n`);
    await sendRaw(address, `GET /?token=${given}&\u0001 HTTP/9.9\r\n\r\n`);
    await sendRaw(address, `CONNECT ${given}:80 HTTP/1.1\r\nHost: x\r\n\r\n`);
    await sendRaw(address, `GET / HTTP/1.1\r\nX: ${given.repeat(8000)}\r\n\r\n`);
    await sendRaw(address, `\u0016\u0003\u0001${given}\r\n\r\n`);
  }
}

/** Clients that connect, break the handshake, break the protocol, and vanish, all with a token in the URL. */
async function useClientPort(address: string): Promise<void> {
  const path = `/?access_token=${clientToken}&room=1`;
  const client = await Client.connect(`ws://${address}`, { path });
  client.socket.send(clientToken);
  client.socket.send("ping");
  await client.next();
  await client.close(4000, "bye");
  const broken = await Client.connect(`ws://${address}`, { path });
  broken.socket.send("x".repeat(2 * 1024 * 1024));
  await broken.closed;
  const vanishing = await Client.connect(`ws://${address}`, {
    path,
    headers: { Authorization: `Bearer ${clientToken}`, Cookie: `session=${clientToken}` },
  });
  vanishing.socket.terminate();
  await vanishing.closed;
  await sendRaw(
    address,
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  await sendRaw(address, `GET ${path}\u0001 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n`);
}

/** Opens a link and says what is no handshake. */
async function speakAtLink(address: string, message: Buffer): Promise<void> {
  const link = new WebSocket(`ws://${address}`);
  link.once("open", () => link.send(message));
  await new Promise((resolve) => link.once("close", resolve));
}

test("a center and a node that log everything log no token and no secret", async () => {
  const env = { TOKEN: token, WSC_LOG_LEVEL: "trace", WSC_LOG_FORMAT: "json" };
  const center = await Program.start("center", { ...env, WSC_LINK_SECRET: `${linkSecret},${oldSecret}` });
  const node = await Program.start("node", {
    ...env,
    WSC_LINK_SECRET: linkSecret,
    WSC_ADMIN_PORT: "0",
    REGISTER_CENTER_PORT: center.address("link"),
  });
  const strangers = keepLog();
  // One does not believe the center, the other does, and is not believed.
  for (const secretsOfStranger of [[badSecret], [badSecret, linkSecret]]) {
    const options = { centers: [center.address("link")], linkSecret: secretsOfStranger };
    await startNode(options, { log: strangers.log });
  }
  await vi.waitUntil(() => node.line("registered with a center") !== undefined, { timeout: 10_000 });
  await vi.waitUntil(() => strangers.lines.filter(({ code }) => code === "LINK_AUTH_FAILED").length === 2, {
    timeout: 10_000,
  });

  for (const address of [center.address("http"), node.address("client"), node.address("admin")]) {
    await useApi(address);
  }
  await useClientPort(node.address("client"));
  await sendRaw(center.address("link"), `GET /?secret=${linkSecret} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await speakAtLink(center.address("link"), Buffer.from(linkSecret));
  await speakAtLink(center.address("link"), Buffer.from(`\0\0\0\u0022${linkSecret}`));

  for (const program of [node, center]) {
    program.process.kill("SIGTERM");
    expect(await program.exited).toEqual({ code: 0, signal: null });
    // What happened was logged, so that looking for secrets in it means something.
    expect(program.output).toContain('"level":"debug"');
    expectNoSecret(program.output);
  }
  expect(node.output).toContain("a client connected");
  expect(center.output).toContain("LINK_AUTH_FAILED");
  expect(center.output).toContain("LINK_PROTOCOL");
  expectNoSecret(strangers.text());
});

test("a node whose secret the center does not know learns so without either side telling its own", async () => {
  const [ofCenter, ofNode] = [keepLog(), keepLog()];
  const center = await startCenter({ linkSecret: [linkSecret] }, { log: ofCenter.log });
  await startNode({ centers: [center.addresses.link] }, { log: ofNode.log });
  await vi.waitUntil(() => ofNode.lines.some(({ code }) => code === "LINK_AUTH_FAILED"), { timeout: 10_000 });
  expect(center.nodes).toEqual([]);
  expectNoSecret(ofCenter.text() + ofNode.text());
});

test("refusals and wrong answers of authorize are logged without what the client gave", async () => {
  const { log, text, lines } = keepLog();
  const answers: unknown[] = [
    { admit: false, status: 401 },
    { admit: clientToken },
    { admit: true, userId: 7, data: { [clientToken]: 1 } },
    clientToken,
  ];
  const node = await startNode({}, { log, authorize: () => answers.shift() as { admit: false } });
  const statuses: number[] = [];
  while (answers.length > 0) {
    const { status } = await askUpgrade(node, `/?access_token=${clientToken}`);
    statuses.push(status);
  }
  expect(statuses).toEqual([401, 500, 500, 500]);
  expect(lines.filter(({ msg }) => msg.includes("refused"))).toHaveLength(4);
  expectNoSecret(text());
});
