import { rename, writeFile } from "node:fs/promises";
import { classicEvents, type CommandName, commands, type Scope, scopes } from "@websocket-center/protocol";
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import {
  type Center,
  createCenter,
  createNode,
  createSilentLogger,
  method,
  type WebSocketNode,
  z,
} from "../../src/index.js";
import { type Client, connect, startCenter, startNode, untilListed } from "../services/cluster.js";
import { askAs, fileText, tokenOf, tokensByScopes, writeTokens } from "./tokens.js";

/** What each event needs, said once more and otherwise than the table does. */
function scopeByName(event: string): Scope {
  if (/^(send|broadcast|randSend)/.test(event)) return "send";
  return /^(get|is)/.test(event) ? "read" : "manage";
}

interface Ids {
  _id: string;
  id: string;
  groupId: string;
}
/** Nobody's. */
const strangers: Ids = { _id: "0".repeat(32), id: "nobody", groupId: "nowhere" };

function paramsOf(event: string, ids: Ids): Record<string, string> {
  const known: Record<string, string> = { ...ids, msg: "hi", data: "hi", reason: "bye" };
  const names = classicEvents[event]?.params.map(({ name }) => name) ?? [];
  return Object.fromEntries(names.flatMap((name) => (name in known ? [[name, known[name] ?? ""]] : [])));
}

const commandParams: Record<string, unknown> = {
  userId: "nobody",
  connectionId: "0".repeat(32),
  groupId: "nowhere",
  groupIds: ["nowhere"],
  message: "hi",
};
function paramsOfCommand(name: CommandName): Record<string, unknown> {
  const optional = ["exceptConnectionIds", "exceptUserIds", "reason"];
  const keys = Object.keys(commands[name].params.shape).filter((key) => !optional.includes(key));
  return Object.fromEntries(keys.map((key) => [key, commandParams[key]]));
}

/** A center and a node with the same tokens, and a client that is bound and in a group. */
async function startAll(): Promise<{ center: Center; node: WebSocketNode; client: Client; ids: Ids }> {
  const tokensFile = await writeTokens();
  const center = await startCenter({ tokensFile });
  const node = await startNode([center], [], { tokensFile, adminPort: 0 });
  const client = await connect(node);
  node.hub.bindUser({ userId: "ada", connectionId: client.id });
  node.hub.joinConnectionToGroup({ groupId: "room", connectionId: client.id });
  return { center, node, client, ids: { _id: client.id, id: "ada", groupId: "room" } };
}

function urlsOf({ center, node }: { center: Center; node: WebSocketNode }): string[] {
  return [`http://${center.addresses.http}`, `http://${node.addresses.client}`];
}

/** All that commands could change, and what came of those that send. */
async function stateOf(node: WebSocketNode, client: Client): Promise<unknown> {
  await client.settled();
  const { hub } = node;
  return {
    connections: hub.listConnections({}),
    user: hub.getUserOfConnection({ connectionId: client.id }),
    groups: hub.listGroupsOfConnection({ connectionId: client.id }),
    messages: [...client.messages],
  };
}

describe("every event, at a center and at a node's port,", () => {
  test("passes with a token of exactly its scope, and with one of all others is refused and has done nothing", async () => {
    const all = await startAll();
    const { client, ids, node } = all;
    for (const event of Object.keys(classicEvents)) {
      const scope = scopeByName(event);
      const others = tokenOf(...scopes.filter((one) => one !== scope));
      const msg = `the token "${others.name}" lacks the scope "${scope}" for ${event}`;
      for (const url of urlsOf(all)) {
        const before = await stateOf(node, client);
        const refused = await askAs(others, `${url}/?event=${event}`, { [event]: paramsOf(event, ids) });
        expect(refused).toMatchObject({ status: 200, json: { code: 1, msg, data: [] } });
        expect(await stateOf(node, client)).toEqual(before);
        const passed = await askAs(tokenOf(scope), `${url}/?event=${event}`, {
          [event]: paramsOf(event, strangers),
        });
        expect(passed.json, event).toMatchObject({ code: 0, data: { [event]: expect.anything() } });
        expect(passed.text).not.toContain('"code":1');
      }
    }
  });

  test("of any batch passes with any token, or none of the batch runs", async () => {
    const all = await startAll();
    const { client, ids, node } = all;
    const names = [...Object.keys(classicEvents), "unknownEvent"];
    const batches = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        batches,
        fc.constantFrom(...tokensByScopes),
        fc.constantFrom(...urlsOf(all)),
        fc.boolean(),
        async (batch, token, url, isBroken) => {
          const known = batch.filter((event) => event !== "unknownEvent");
          const missing = known.find((event) => !token.scopes.includes(scopeByName(event)));
          const before = await stateOf(node, client);
          const whom = missing === undefined ? strangers : ids;
          const body = Object.fromEntries(batch.map((event) => [event, paramsOf(event, whom)]));
          // What is wrong with the parameters of one comes after what the token allows.
          if (isBroken && missing !== undefined) body[batch[0] ?? ""] = { id: "" };
          const { json } = await askAs(token, `${url}/?event=${batch.join()}`, body);
          if (missing === undefined) {
            expect(json["code"]).toBe(known.length === 0 && url === urlsOf(all)[1] ? 1 : 0);
            return;
          }
          const msg = `the token "${token.name}" lacks the scope "${scopeByName(missing)}" for ${missing}`;
          expect(json).toEqual({ code: 1, msg, data: [] });
          expect(await stateOf(node, client)).toEqual(before);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("that is unknown answers a token of any scope as it does all", async () => {
    const { center, node } = await startAll();
    for (const token of tokensByScopes) {
      const atCenter = await askAs(token, `http://${center.addresses.http}/?event=nothing`);
      expect(atCenter.json).toMatchObject({ code: 0, data: { nothing: { [node.id]: { code: 1 } } } });
      const atNode = await askAs(token, `http://${node.addresses.client}/?event=nothing`);
      expect(atNode.json).toMatchObject({ code: 1, msg: 'unknown event "nothing"' });
    }
  });
});

describe("services", () => {
  test("every command passes with a token of exactly its scope, and is refused to one of all others", async () => {
    const { center, node, client } = await startAll();
    for (const name of Object.keys(commands) as CommandName[]) {
      const { scope } = commands[name];
      const url = `http://${center.addresses.http}/services/websocket/${name}`;
      const body = { params: paramsOfCommand(name), mode: "all" };
      const before = await stateOf(node, client);
      const refused = await askAs(tokenOf(...scopes.filter((one) => one !== scope)), url, body);
      expect(refused).toMatchObject({ status: 403, json: { code: "SCOPE_MISSING", status: 403 } });
      expect(refused.json["detail"]).toContain(`lacks the scope "${scope}" for websocket.${name}`);
      expect(await stateOf(node, client)).toEqual(before);
      expect((await askAs(tokenOf(scope), url, body)).status, name).toBe(200);
    }
    await node.stop();
    await vi.waitFor(() => expect(center.nodes).toEqual([]));
    const url = `http://${center.addresses.http}/services/websocket/countUsers`;
    expect((await askAs(tokenOf("send"), url, {})).status).toBe(403);
    expect((await askAs(tokenOf("read"), url, {})).status).toBe(404);
  });

  const anything = z.unknown();
  const counting = (ran: { count: number }, scope?: Scope) =>
    method({
      params: anything,
      result: anything,
      ...(scope === undefined ? {} : { scope }),
      handler: () => (ran.count += 1),
    });

  test("methods need the scope that they declare, else manage", async () => {
    const tokensFile = await writeTokens();
    const center = await startCenter({ tokensFile });
    const ran = { count: 0 };
    const methods = { peek: counting(ran, "read"), post: counting(ran, "send"), reset: counting(ran) };
    await startNode([center], [{ name: "reports", methods }]);
    await untilListed(center, "reports", 1);
    const url = `http://${center.addresses.http}/services`;
    for (const [name, scope] of [
      ["peek", "read"],
      ["post", "send"],
      ["reset", "manage"],
      ["nothing", "manage"],
    ] as const) {
      const others = tokenOf(...scopes.filter((one) => one !== scope));
      expect(await askAs(others, `${url}/reports/${name}`, {})).toMatchObject({ status: 403 });
    }
    expect(ran.count).toBe(0);
    expect((await askAs(tokenOf("read"), `${url}/reports/peek`, {})).status).toBe(200);
    expect((await askAs(tokenOf("manage"), `${url}/reports/nothing`, {})).status).toBe(404);
    const listed = await askAs(tokenOf("read"), `${url}?name=reports&details=1`);
    expect(listed.json).toMatchObject({
      services: [{ methods: [{ scope: "read" }, { scope: "send" }, { scope: "manage" }] }],
    });
  });

  test("a method that nodes declare with different scopes needs all of them", async () => {
    const tokensFile = await writeTokens();
    const center = await startCenter({ tokensFile });
    const ran = { count: 0 };
    await startNode([center], [{ name: "reports", methods: { make: counting(ran, "read") } }]);
    await startNode([center], [{ name: "reports", methods: { make: counting(ran, "send") } }]);
    await untilListed(center, "reports", 2);
    const url = `http://${center.addresses.http}/services/reports/make`;
    expect((await askAs(tokenOf("read", "manage"), url, {})).status).toBe(403);
    expect((await askAs(tokenOf("send"), url, { mode: "all" })).status).toBe(403);
    expect(ran.count).toBe(0);
    expect((await askAs(tokenOf("read", "send"), url, { mode: "all" })).status).toBe(200);
    expect(ran.count).toBe(2);
  });
});

describe("endpoints", () => {
  test.each([
    ["/nodes", "read", undefined],
    ["/assign?id=ada", "read", undefined],
    ["/services", "read", undefined],
    ["/metrics", "read", undefined],
    ["/centers/register", "manage", { addresses: ["1"] }],
    ["/centers/remove", "manage", { addresses: ["1"] }],
    ["/nodes/NODE/drain", "manage", {}],
    ["/nodes/NODE/undrain", "manage", {}],
  ] as const)("%s needs %s: 401 without a token, 403 with another scope", async (path, scope, body) => {
    const { center, node } = await startAll();
    const url = `http://${center.addresses.http}${path.replace("NODE", node.id)}`;
    const unknown = { ...tokenOf("read"), text: "no such token" };
    for (const token of [undefined, unknown]) {
      expect(await askAs(token, url, body)).toMatchObject({ status: 401, json: { code: "TOKEN_REQUIRED" } });
    }
    const others = tokenOf(...scopes.filter((one) => one !== scope));
    expect(await askAs(others, url, body)).toMatchObject({
      status: 403,
      json: { code: "SCOPE_MISSING", detail: expect.stringContaining(`lacks the scope "${scope}" for`) },
    });
    expect(center.about.otherCenters).toEqual([]);
    expect(center.nodes[0]?.draining).toBe(false);
    expect((await askAs(tokenOf(scope), url, body)).status).toBe(200);
  });

  test("a node's admin port has its metrics for read", async () => {
    const { node } = await startAll();
    const url = `http://${node.addresses.admin}/metrics`;
    expect((await askAs(undefined, url)).status).toBe(401);
    expect((await askAs(tokenOf("send", "manage"), url)).status).toBe(403);
    expect((await askAs(tokenOf("read"), url)).text).toContain("wsc_connections 1");
    expect((await askAs(undefined, `http://${node.addresses.admin}/readyz`)).status).toBe(200);
  });
});

describe("the tokens file", () => {
  const url = (center: Center): string => `http://${center.addresses.http}/?event=getIds`;

  test("counts while it is swapped under a running center; what cannot be used changes nothing, and is counted", async () => {
    const path = await writeTokens([tokenOf("read")]);
    const center = await startCenter({ tokensFile: path });
    const swap = async (text: string): Promise<void> => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    const codeOf = async (...of: Scope[]) => (await askAs(tokenOf(...of), url(center))).json["code"];
    expect([await codeOf("read"), await codeOf("read", "send")]).toEqual([0, 1]);
    await swap(fileText([tokenOf("read", "send")]));
    await vi.waitFor(async () => expect(await codeOf("read", "send")).toBe(0), { timeout: 5000 });
    expect(await codeOf("read")).toBe(1);
    await swap("[{");
    await vi.waitFor(
      async () => {
        const { text } = await askAs(tokenOf("read", "send"), `http://${center.addresses.http}/metrics`);
        expect(text).toContain("wsc_tokens_file_errors_total 1");
      },
      { timeout: 5000 },
    );
    expect(await codeOf("read", "send")).toBe(0);
    await swap("[]");
    await vi.waitFor(async () => expect(await codeOf("read", "send")).toBe(1), { timeout: 5000 });
    expect((await askAs(undefined, url(center))).json).toEqual({ code: 1, msg: "token error", data: [] });
  });

  test("that is not right keeps a center and a node from starting", async () => {
    const path = await writeTokens([{ ...tokenOf("read"), expiresAt: "soon" }]);
    const log = createSilentLogger();
    for (const create of [createCenter, createNode]) {
      expect(() => create({ tokensFile: path }, { log })).toThrow(
        /tokens\.json: entry 1, expiresAt: expected/,
      );
    }
  });

  test("ends a token at its time, while everything runs", async () => {
    const expiresAt = "2100-01-01T00:00:00Z";
    const center = await startCenter({ tokensFile: await writeTokens([{ ...tokenOf("read"), expiresAt }]) });
    expect((await askAs(tokenOf("read"), url(center))).json["code"]).toBe(0);
    vi.spyOn(Date, "now").mockReturnValue(Date.parse(expiresAt));
    try {
      expect((await askAs(tokenOf("read"), url(center))).json["msg"]).toBe("token error");
      const nodes = await askAs(tokenOf("read"), `http://${center.addresses.http}/nodes`);
      expect(nodes).toMatchObject({ status: 401, json: { code: "TOKEN_REQUIRED" } });
    } finally {
      vi.restoreAllMocks();
    }
    expect((await askAs(tokenOf("read"), url(center))).json["code"]).toBe(0);
  });

  test("stands beside plain tokens, which allow everything", async () => {
    const tokensFile = await writeTokens([tokenOf("read")]);
    const center = await startCenter({ tokensFile, token: ["plain"] });
    const plain = { ...tokenOf("read"), text: "plain" };
    const register = `http://${center.addresses.http}/centers/register`;
    expect((await askAs(plain, register, { addresses: ["1"] })).status).toBe(200);
    expect((await askAs(tokenOf("read"), url(center))).json["code"]).toBe(0);
  });
});

test("calls in process have all scopes", async () => {
  const { center, node } = await startAll();
  expect((await center.cluster.broadcast({ message: "hi" })).value).toBe(1);
  expect((await node.cluster.broadcast({ message: "hi" })).value).toBe(1);
});
