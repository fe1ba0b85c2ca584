import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { createCenter, createLogger } from "../../src/index.js";
import {
  type CenterProcess,
  connectClient,
  type NodeProcess,
  startCenter,
  startNode,
} from "../cli/cluster.js";
import { type Command, endAll, run } from "../cli/command.js";
import { askAs, createFolder, sha256, tokenOf, tokensByScopes, writeTokens } from "./tokens.js";

afterEach(endAll);

interface AuditLine {
  token: string;
  address: string;
  callId: string;
  command: string;
  [field: string]: unknown;
}

function linesIn(text: string): AuditLine[] {
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  return lines
    .map((line) => JSON.parse(line) as AuditLine & { audit?: boolean })
    .filter(({ audit }) => audit === true);
}

/** The audit lines of a process, once it has stopped: by then all are out. */
async function auditOf(command: Command): Promise<AuditLine[]> {
  command.signal("SIGTERM");
  await command.exited;
  return linesIn(command.stdout());
}

/** Neither messages, nor tokens or their hashes, nor reasons. */
function expectNoSecrets(text: string): void {
  for (const { text: token } of tokensByScopes) {
    expect(text).not.toContain(token);
    expect(text.toLowerCase()).not.toContain(sha256(token).slice(0, 16));
  }
  for (const part of ["confidential", "plain-token"]) expect(text).not.toContain(part);
}

async function startPair(
  env: Record<string, string> = {},
): Promise<{ center: CenterProcess; node: NodeProcess }> {
  const all = { WSC_TOKENS_FILE: await writeTokens(), TOKEN: "plain-token", ...env };
  const center = await startCenter([], all);
  return { center, node: await startNode([center], [], all) };
}

const all = tokenOf("read", "send", "manage");

/** One call of each kind; the messages are confidential. */
async function useAll(url: string, connectionId: string): Promise<string> {
  const events = ["bindId", "joinGroupById", "getIds", "sendToGroup", "broadcast", "nothing"];
  const response = await fetch(`${url}/?event=${events.join()}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${all.text}` },
    body: JSON.stringify({
      bindId: { id: "ada", _id: connectionId },
      joinGroupById: { id: "ada", groupId: Array.from({ length: 50 }, (_, at) => `g${at}`).join() },
      sendToGroup: { groupId: "g1", msg: "confidential" },
      broadcast: { msg: "confidential" },
    }),
  });
  await response.text();
  return response.headers.get("wsc-call-id") ?? "";
}

const shownGroups = Array.from({ length: 20 }, (_, at) => `g${at}`);

describe("by default, in the ordinary log,", () => {
  test("a center and a node say who changed what, and whom it concerned, with no secret in it", async () => {
    const { center, node } = await startPair();
    const client = await connectClient(node.url);
    const callId = await useAll(center.url, client.id);
    const nodeHttp = node.url.replace("ws", "http");
    await askAs({ ...all, text: "plain-token" }, `${nodeHttp}/?event=closeById`, {
      closeById: { id: "ada", reason: "confidential" },
    });
    await client.closed;
    const who = { token: "rsm", address: "127.0.0.1", callId, ok: 1, failed: 0 };
    expect(await auditOf(center.command)).toMatchObject([
      { ...who, command: "bindUser", targets: { userId: "ada", connectionId: client.id }, result: "done" },
      {
        ...who,
        command: "joinUserToGroups",
        targets: { userId: "ada", groupIds: shownGroups, groupIdsTotal: 50 },
        result: "done",
      },
    ]);
    expect(await auditOf(node.command)).toMatchObject([
      { token: "TOKEN", command: "closeUser", targets: { userId: "ada" }, ok: 1, failed: 0, result: 1 },
    ]);
    for (const { command } of [center, node]) expectNoSecrets(command.stdout() + command.stderr());
  });

  test("endpoints and services have lines too, failures with their codes, and so has what a token lacks", async () => {
    const { center, node } = await startPair();
    const post = (path: string, body: unknown, token = all) => askAs(token, `${center.url}${path}`, body);
    await post("/centers/register", { addresses: ["1"] });
    await post("/centers/register", { addresses: ["no address"] });
    await post(`/nodes/${node.shortId}/drain`, {});
    await post(`/nodes/${"0".repeat(32)}/undrain`, {});
    await post("/services/websocket/unbindUser", { params: { userId: "ada" }, mode: "all" });
    await post("/services/websocket/countUsers", {});
    await post("/services/websocket/unbindUser", { params: { userId: ["bob"], message: "confidential" } });
    await post("/services/reports/make", { params: { of: "confidential" } });
    await post(`/services/${"x".repeat(10_000)}/make`, {});
    await post("/centers/remove", { addresses: ["1"] }, tokenOf("read"));
    await askAs(tokenOf("read"), `${center.url}/?event=getIds,closeById`);
    expect(await auditOf(center.command)).toMatchObject([
      { token: "rsm", command: "register", targets: { addresses: ["1"] }, ok: 1 },
      { command: "drainNode", targets: { nodeId: node.id }, ok: 1, failed: 0 },
      { command: "undrainNode", ok: 0, failed: 1, codes: ["UNKNOWN_NODE"] },
      { command: "unbindUser", targets: { userId: "ada", mode: "all" }, ok: 1, result: "unchanged" },
      { command: "unbindUser", ok: 0, failed: 1, codes: ["INVALID_PARAMS"] },
      { command: "reports.make", ok: 0, failed: 1, codes: ["UNKNOWN_SERVICE"] },
      { command: `${"x".repeat(512)}…`, failed: 1 },
      { token: "r", command: "POST /centers/remove", denied: "manage" },
      { token: "r", command: "closeById", denied: "manage" },
    ]);
    expectNoSecrets(center.command.stdout());
  });

  test("none is dropped, however many there are, however little else is logged", async () => {
    let written = "";
    const stream = { write: (line: string) => void (written += line) };
    const log = createLogger({ level: "error", format: "json", name: "center", stream });
    const center = createCenter({ linkPort: 0, httpPort: 0 }, { log });
    onTestFinished(() => center.stop());
    await center.start();
    for (let count = 0; count < 100; count++) {
      await askAs(undefined, `http://${center.addresses.http}/?event=unBindId&unBindId[id]=${count}`);
    }
    const lines = linesIn(written);
    expect(lines.map(({ targets }) => targets)).toEqual(
      Array.from({ length: 100 }, (_, count) => ({ userId: String(count) })),
    );
    expect(lines[0]).toMatchObject({ token: "none", command: "unbindUser", ok: 0, failed: 0 });
  });

  test("a caller behind a trusted proxy is known by its own address", async () => {
    const { center } = await startPair({ WSC_TRUSTED_PROXIES: "127.0.0.1" });
    const url = `${center.url}/?event=unBindId&unBindId[id]=ada&token=${all.text}`;
    await fetch(url, { headers: { "X-Forwarded-For": "203.0.113.9" } });
    await fetch(url);
    const lines = await auditOf(center.command);
    expect(lines.map(({ address }) => address)).toEqual(["203.0.113.9", "127.0.0.1"]);
  });
});

test("sends have lines where that is asked for: to whom, and never what", async () => {
  const { center, node } = await startPair({ WSC_AUDIT_SENDS: "1" });
  const client = await connectClient(node.url);
  await useAll(center.url, client.id);
  await askAs(all, `${center.url}/services/websocket/broadcast`, { params: { message: "confidential" } });
  const lines = await auditOf(center.command);
  expect(lines.map(({ command }) => command)).toEqual([
    "bindUser",
    "joinUserToGroups",
    "sendToGroup",
    "broadcast",
    "broadcast",
  ]);
  expect(lines.slice(2)).toMatchObject([
    { targets: { groupId: "g1" }, ok: 1, failed: 0, result: 1 },
    { targets: {}, ok: 1, failed: 0, result: 1 },
    { ok: 1, failed: 0 },
  ]);
  expectNoSecrets(center.command.stdout());
});

test("a place that failed is counted, with its code", async () => {
  const { center, node } = await startPair();
  node.command.signal("SIGSTOP");
  await askAs(all, `${center.url}/?event=unBindId&timeoutMs=50`, { unBindId: { id: "ada" } });
  node.command.signal("SIGCONT");
  const [line] = await auditOf(center.command);
  expect(line).toMatchObject({ command: "unbindUser", ok: 0, failed: 1, codes: ["NODE_TIMEOUT"] });
});

describe("the lines can go", () => {
  test("to the end of a file of their own, which only its owner can read", async () => {
    const file = join(await createFolder(), "audit.log");
    for (const id of ["ada", "bob"]) {
      const { center } = await startPair({ WSC_AUDIT_LOG: file });
      await askAs(all, `${center.url}/?event=unBindId`, { unBindId: { id } });
      expect(await auditOf(center.command)).toEqual([]);
    }
    const lines = linesIn(await readFile(file, "utf8"));
    expect(lines).toMatchObject([{ targets: { userId: "ada" } }, { targets: { userId: "bob" } }]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("nowhere", async () => {
    const { center } = await startPair({ WSC_AUDIT_LOG: "off" });
    await askAs(all, `${center.url}/?event=unBindId`, { unBindId: { id: "ada" } });
    await askAs(tokenOf("read"), `${center.url}/?event=unBindId`, { unBindId: { id: "ada" } });
    await askAs(all, `${center.url}/centers/remove`, { addresses: ["1"] });
    expect(await auditOf(center.command)).toEqual([]);
    expect(existsSync("off")).toBe(false);
  });

  test("not into a folder that is not there: the process says so, and does not start", async () => {
    const file = join(await createFolder(), "nothing", "audit.log");
    const { code, stderr } = await run([
      "center",
      "--link-port",
      "0",
      "--http-port",
      "0",
      "--audit-log",
      file,
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`cannot write the audit log ${file}`);
  });
});

test("a tokens file that is not right keeps a process from starting, which says where, and nothing that is in it", async () => {
  const path = await writeTokens([{ ...all, name: all.text, scopes: [] }]);
  const { code, stdout, stderr } = await run(["center", "--http-port", "0", "--tokens-file", path]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(`${path}: entry 1, scopes: expected at least one of read, send, manage`);
  expectNoSecrets(stdout + stderr);
});
