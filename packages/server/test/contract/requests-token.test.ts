import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "./client.js";
import { dataOf, parse } from "./http.js";
import type { Answer, Ask } from "./http.js";
import { useCluster } from "./use-cluster.js";

const cluster = useCluster({ env: { TOKEN: "first-token,second+token" } });
let client: Client;

beforeAll(async () => {
  client = await cluster().connectClient(0);
});

beforeEach(() => client.flushAndTake());

const tokenError = { code: 1, msg: "token error", data: [] };
const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });
const query = (token: string): string => `/?event=broadcast&token=${token}&broadcast[msg]=ran`;
const path = "/?event=broadcast&broadcast[msg]=ran";

describe.each(["a center", "a node's port"])("%s with tokens", (place) => {
  const ask = (content: Ask): Promise<Answer> =>
    place === "a center" ? cluster().atCenter(0, content) : cluster().atNode(0, content);

  test.each<readonly [string, Ask]>([
    ["in the query", { path: query("first-token") }],
    ["of the second token, escaped in the query", { path: query("second%2Btoken") }],
    ["in the header", { path, headers: bearer("first-token") }],
    ["of the second token in the header", { path, headers: bearer("second+token") }],
    ["in the body", { path, body: '{"token":"first-token"}' }],
    [
      "in the query beside a wrong one in the header",
      { path: query("first-token"), headers: bearer("wrong") },
    ],
    [
      "in the query beside a wrong one in the body",
      { path: query("first-token"), body: '{"token":"wrong"}' },
    ],
    [
      "in the header beside a wrong one in the body",
      { path, headers: bearer("first-token"), body: '{"token":1}' },
    ],
    ["in the query beside an empty body", { path: query("first-token"), body: "" }],
  ])("serves a token %s", async (_, content) => {
    expect(dataOf(await ask(content))).toHaveProperty("broadcast");
    expect(await client.flushAndTake()).toEqual(["ran"]);
  });

  test.each<readonly [string, Ask]>([
    ["no token", { path }],
    ["no token, in a POST", { path, body: "{}" }],
    ["a wrong one in the query", { path: query("wrong") }],
    ["an empty one in the query", { path: query("") }],
    ["the whole list", { path: query("first-token,second%2Btoken") }],
    ["the start of one", { path: query("first-toke") }],
    ["one with more behind it", { path: query("first-tokenx") }],
    ["one in other letters", { path: query("FIRST-TOKEN") }],
    ["a list in the query", { path: `${path}&token[]=first-token` }],
    ["an object in the query", { path: `${path}&token[x]=first-token` }],
    [
      "a wrong one in the query before a right one in the header",
      { path: query("x"), headers: bearer("first-token") },
    ],
    [
      "an empty one in the query before a right one in the header",
      { path: query(""), headers: bearer("first-token") },
    ],
    [
      "a wrong one in the query before a right one in the body",
      { path: query("x"), body: '{"token":"first-token"}' },
    ],
    [
      "a wrong one in the header before one in the body",
      { path, headers: bearer("x"), body: '{"token":"first-token"}' },
    ],
    ["true in the body", { path, body: '{"token":true}' }],
    ["1 in the body", { path, body: '{"token":1}' }],
    ["null in the body", { path, body: '{"token":null}' }],
    ["a list in the body", { path, body: '{"token":["first-token"]}' }],
    ["a wrong one, with a body that is not JSON", { path: query("x"), body: "{" }],
    ["a wrong one, without any event", { path: "/?token=x" }],
    ["a wrong one, with an unknown event", { path: "/?token=x&event=nope" }],
  ])("answers %s with the token error and runs nothing", async (_, content) => {
    const answer = await ask(content);
    expect(answer.status).toBe(200);
    expect(parse(answer)).toEqual(tokenError);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("allows any origin and any host, and asks no Sec-Fetch-Site", async () => {
    const headers = { host: "api.example", origin: "https://app.example", "sec-fetch-site": "cross-site" };
    const answer = await ask({ path: query("first-token"), headers });
    expect(dataOf(answer)).toHaveProperty("broadcast");
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(
      dataOf(await ask({ path, headers: { ...bearer("first-token"), "sec-fetch-site": "cross-site" } })),
    ).toBeDefined();
  });

  test("lets any origin read the token error too", async () => {
    const answer = await ask({ path, headers: { origin: "https://app.example" } });
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
  });

  test("answers the preflight of any origin without a token and runs nothing", async () => {
    const headers = { origin: "https://app.example", "access-control-request-method": "POST" };
    const answer = await ask({ method: "OPTIONS", path: query("first-token"), headers });
    expect([200, 204]).toContain(answer.status);
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(await client.flushAndTake()).toEqual([]);
  });
});

test("a center's list of nodes needs the token", async () => {
  const answer = await cluster().atCenter(0, { path: "/nodes" });
  expect(cluster().nodeIds.some((id) => answer.text.includes(id))).toBe(false);
  expect(await cluster().listedNodes(0)).toHaveLength(2);
});

test("/livez and /readyz need no token", async () => {
  expect((await cluster().atCenter(0, { path: "/livez" })).status).toBe(200);
  expect((await cluster().atCenter(0, { path: "/readyz" })).status).toBe(200);
});

test("no token is ever logged", async () => {
  await cluster().atCenter(0, { path: query("first-token") });
  await cluster().atNode(0, { path: query("wrong-and-secret") });
  expect(cluster().logs()).not.toMatch(/first-token|second\+token|wrong-and-secret/);
});
