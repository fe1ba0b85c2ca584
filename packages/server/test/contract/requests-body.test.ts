import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "./client.js";
import { dataOf, isFailure, parse } from "./http.js";
import type { Json } from "./http.js";
import { useCluster } from "./use-cluster.js";

const cluster = useCluster();
let client: Client;

beforeAll(async () => {
  client = await cluster().connectClient(0);
});

beforeEach(() => client.flushAndTake());

const post = (body: string | Uint8Array, event = ""): Promise<Json> =>
  cluster()
    .atCenter(0, { method: "POST", path: `/?event=${event}`, body })
    .then(parse);

const values = (event: string, parameters: string): Promise<Json[]> =>
  cluster().values(0, { path: `/?event=${event}`, body: `{"${event}":${parameters}}` }, event);

const allFailed = (list: Json[]): boolean => list.length === 2 && list.every(isFailure);

async function echo(message: string): Promise<string[]> {
  expect(await values("broadcast", `{"msg":${message}}`)).toEqual([1, 0]);
  return client.flushAndTake();
}

describe("the body", () => {
  test.each(["", "[]", "{}", " [ ] ", "\n{}\n"])("%j is an empty object", async (body) => {
    const answer = await cluster().atCenter(0, { method: "POST", path: "/?event=getIds", body });
    expect(dataOf(answer)).toHaveProperty("getIds");
  });

  test("the event may stand in the body, and comes before the query's", async () => {
    expect(await post('{"event":"getIds"}')).toMatchObject({ code: 0, data: { getIds: {} } });
    const both = await post('{"event":"getIds"}', "get_Ids");
    expect(Object.keys((both as { data: object }).data)).toEqual(["getIds"]);
  });

  test.each(["5", "true", '["getIds"]', '{"a":"getIds"}', '"0"', '""', '" , "'])(
    "an event that is %s is an event error",
    async (event) => {
      expect(await post(`{"event":${event}}`)).toEqual({ code: 1, msg: "event error", data: [] });
    },
  );

  test.each([
    "{",
    '{"a":1}}',
    "{'a':1}",
    "{a:1}",
    '{"a":NaN}',
    '{"a":01}',
    '{"a":1,}',
    '{"a":"\t"}',
    '{"a":"\\x"}',
    "[1]",
    '"getIds"',
    "1",
    "true",
    "null",
    "event=getIds",
  ])("%s fails as a whole and runs nothing", async (body) => {
    const path = "/?event=broadcast&broadcast[msg]=never";
    const answer = await cluster().atCenter(0, { method: "POST", path, body });
    expect(answer.status).toBe(200);
    expect(parse(answer)).toSatisfy(isFailure);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test.each([
    ["a lone byte", [0xff]],
    ["half a character", [0xe4, 0xbd]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
  ])("bytes that are not UTF-8 (%s) fail as a whole and run nothing", async (_, bytes) => {
    const body = Buffer.concat([
      Buffer.from('{"broadcast":{"msg":"'),
      Buffer.from(bytes),
      Buffer.from('"}}'),
    ]);
    expect(await post(body, "broadcast")).toSatisfy(isFailure);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test.each([
    undefined,
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "x",
  ])("it is JSON with the content type %s", async (type) => {
    const headers = type === undefined ? {} : { "content-type": type };
    const body = '{"getIds":{}}';
    expect(dataOf(await cluster().atCenter(0, { path: "/?event=getIds", body, headers }))).toHaveProperty(
      "getIds",
    );
  });

  test("chunks are one body", async () => {
    const body = '{"broadcast":{"msg":"用户"}}';
    await cluster().atCenter(0, { path: "/?event=broadcast", body, chunked: true });
    expect(await client.flushAndTake()).toEqual(["用户"]);
  });

  test("a body nested 200,000 deep does no harm", async () => {
    const body = `{"getIds":{"x":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`;
    expect(await post(body, "getIds")).toHaveProperty("code");
    expect(await values("get_Ids", "{}")).toEqual([[client.id], []]);
  });

  test("of a key given twice the last counts, beside long numbers too", async () => {
    expect(await values("broadcast", '{"msg":"first","msg":"last"}')).toEqual([1, 0]);
    expect(await values("broadcast", '{"msg":"first","msg":"last","x":9007199254740993}')).toEqual([1, 0]);
    expect(await client.flushAndTake()).toEqual(["last", "last"]);
  });
});

describe("where parameters are looked for", () => {
  test("a name in the body hides the query's, without merging", async () => {
    const path = "/?event=broadcast&broadcast[msg]=query";
    const hidden = await cluster().values(0, { path, body: '{"broadcast":{"exclude_Ids":[]}}' }, "broadcast");
    expect(hidden).toSatisfy(allFailed);
    expect(await cluster().values(0, { path, body: '{"broadcast":null}' }, "broadcast")).toSatisfy(allFailed);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("a name that the body lacks is taken from the query", async () => {
    const path = "/?event=broadcast,isOnlineId&broadcast[msg]=query";
    const answer = await cluster().atCenter(0, { path, body: '{"isOnlineId":{"id":"u"}}' });
    expect(Object.keys(dataOf(answer))).toEqual(["broadcast", "isOnlineId"]);
    expect(await client.flushAndTake()).toEqual(["query"]);
  });

  test("null under a name means that nothing is given", async () => {
    expect(await values("getIds", "null")).toEqual([[], []]);
    expect(await values("isOnlineId", "null")).toSatisfy(allFailed);
  });

  test("null for an optional parameter means not given, for a required one it is an error", async () => {
    expect(await values("broadcast", '{"msg":"x","exclude_Ids":null}')).toEqual([1, 0]);
    expect(await values("broadcast", '{"msg":null}')).toSatisfy(allFailed);
    expect(await values("isOnlineId", '{"id":null}')).toSatisfy(allFailed);
  });

  test.each(['"foo"', "true", "false", "0", "1.5", '""'])(
    "%s under a name is a parameter error",
    async (holder) => {
      expect(await values("getIds", holder)).toSatisfy(allFailed);
      expect(await values("broadcast", holder)).toSatisfy(allFailed);
    },
  );

  test("parameters by position, the optional ones left out, unknown ones ignored", async () => {
    expect(await values("broadcast", '["x"]')).toEqual([1, 0]);
    expect(await values("broadcast", `["x",["${client.id}"],"more"]`)).toEqual([0, 0]);
    expect(await values("broadcast", '{"msg":"x","more":{"deep":[1]}}')).toEqual([1, 0]);
    expect(await values("broadcast", "[]")).toSatisfy(allFailed);
    expect(await values("sendToClient", `["","x","",[]]`)).toSatisfy(allFailed);
    expect(await values("sendToClient", `["${client.id}","x",null,null]`)).toEqual([1, 0]);
  });

  test("one event's failure does not stop the next", async () => {
    const body = `{"bindId":{"id":true,"_id":"${client.id}"},"broadcast":{"msg":"still"}}`;
    const data = dataOf(await cluster().atCenter(0, { path: "/?event=bindId,nope,broadcast", body }));
    expect(Object.keys(data)).toEqual(["bindId", "nope", "broadcast"]);
    expect(await client.flushAndTake()).toEqual(["still"]);
  });

  test("a batch is run in its order at every node", async () => {
    const body = JSON.stringify({
      sendToGroup: { groupId: "order", msg: "in order" },
      joinGroupById: { groupId: "order", id: "first" },
      bindId: { id: "first", _id: client.id },
      unBindId: { id: "first" },
      leaveAllGroupBy_Id: { _id: client.id },
    });
    const event = "bindId,joinGroupById,sendToGroup,unBindId,leaveAllGroupBy_Id";
    const data = dataOf(await cluster().atCenter(1, { path: `/?event=${event}`, body }));
    const [id = ""] = cluster().nodeIds;
    expect(Object.values(data).map((places) => (places as { [key: string]: Json })[id])).toEqual([
      0, 0, 1, 0, 0,
    ]);
    expect(await client.flushAndTake()).toEqual(["in order"]);
  });
});

describe("messages", () => {
  test.each([
    ['""', ""],
    ['"你 \\ud83c\\udf89 </script> \\u0000end"', "你 🎉 </script> \u0000end"],
    ["42", "42"],
    ["-1.5", "-1.5"],
    ["true", "true"],
    ["false", "false"],
    ["[]", "[]"],
    ["{}", "{}"],
    ['[1,"b",[null]]', '[1,"b",[null]]'],
    ['{"b":1,"a":{"c":"é"}}', '{"b":1,"a":{"c":"é"}}'],
    ['{"__proto__":{"x":1},"constructor":2}', '{"__proto__":{"x":1},"constructor":2}'],
    ["9007199254740993", "9007199254740993"],
    ['{"n":[9007199254740993]}', '{"n":[9007199254740993]}'],
  ])("%s is sent as %j", async (message, frame) => {
    expect(await echo(message)).toEqual([frame]);
  });

  test.each(["null", '"\\ud800"', '"a\\udc00b"'])("%s is a parameter error", async (message) => {
    expect(await values("broadcast", `{"msg":${message}}`)).toSatisfy(allFailed);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("1 MiB is a message, one byte more is a parameter error", async () => {
    const most = "x".repeat(1 << 20);
    expect(await echo(JSON.stringify(most))).toEqual([most]);
    expect(await values("broadcast", `{"msg":"${most}y"}`)).toSatisfy(allFailed);
    const wide = "é".repeat(1 << 19);
    expect(await echo(JSON.stringify(wide))).toEqual([wide]);
    expect(await values("broadcast", `{"msg":"${wide}é"}`)).toSatisfy(allFailed);
    expect(await values("broadcast", `{"msg":["${most}"]}`)).toSatisfy(allFailed);
  });
});
