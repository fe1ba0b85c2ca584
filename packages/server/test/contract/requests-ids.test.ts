import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.js";
import { isFailure } from "./http.js";
import type { Json } from "./http.js";
import { useCluster } from "./use-cluster.js";

const cluster = useCluster();
let client: Client;

beforeAll(async () => {
  client = await cluster().connectClient(0);
});

afterEach(async () => {
  await values("unBind_Id", `["${client.id}"]`);
  await values("leaveAllGroupBy_Id", `["${client.id}"]`);
  await client.flushAndTake();
});

const values = (event: string, parameters: string): Promise<Json[]> =>
  cluster().values(0, { path: `/?event=${event}`, body: `{"${event}":${parameters}}` }, event);

const allFailed = (list: Json[]): boolean => list.length === 2 && list.every(isFailure);

describe("ids", () => {
  test.each(["9007199254740993", "123456789012345678901234567890", "-9007199254740993", "7", "0", "1.5"])(
    "the number %s is its text, digit for digit",
    async (number) => {
      expect(await values("bindId", `{"id":${number},"_id":"${client.id}"}`)).toEqual([0, 2]);
      expect(await values("getIds", "{}")).toEqual([[number], []]);
      expect(await values("getIdBy_Id", `{"_id":"${client.id}"}`)).toEqual([number, 0]);
      expect(await values("isOnlineId", `{"id":"${number}"}`)).toEqual([true, false]);
      expect(await values("isOnlineId", `[${number}]`)).toEqual([true, false]);
    },
  );

  test("a neighbour of a long number is another user", async () => {
    expect(await values("bindId", `{"id":9007199254740993,"_id":"${client.id}"}`)).toEqual([0, 2]);
    expect(await values("isOnlineId", '{"id":9007199254740992}')).toEqual([false, false]);
    expect(await values("isOnlineId", '{"id":9007199254740994}')).toEqual([false, false]);
    expect(await values("isOnlineId", '{"id":"09007199254740993"}')).toEqual([false, false]);
  });

  test("long numbers keep their digits in exclusion lists and groups", async () => {
    await values("bindId", `{"id":"9007199254740993","_id":"${client.id}"}`);
    expect(await values("joinGroupBy_Id", `{"groupId":9007199254740995,"_id":"${client.id}"}`)).toEqual([
      0, 2,
    ]);
    expect(await values("getGroupIds", "{}")).toEqual([["9007199254740995"], []]);
    const send = (list: string): Promise<Json[]> =>
      values("sendToGroup", `{"groupId":9007199254740995,"msg":"x","excludeIds":${list}}`);
    expect(await send("[9007199254740992]")).toEqual([1, 0]);
    expect(await send("[9007199254740993]")).toEqual([0, 0]);
    expect(await send("9007199254740993")).toEqual([0, 0]);
  });

  test.each(["null", '""', "true", "false", "[]", '["u"]', "{}", '{"x":"u"}', '"\\ud800"', '"u\\udc00"'])(
    "%s is no id",
    async (id) => {
      expect(await values("bindId", `{"id":${id},"_id":"${client.id}"}`)).toSatisfy(allFailed);
      expect(await values("isOnline_Id", `{"_id":${id}}`)).toSatisfy(allFailed);
      expect(await values("getGroup_IdCount", `{"groupId":${id}}`)).toSatisfy(allFailed);
      expect(await values("joinGroupById", `{"groupId":${id},"id":"u"}`)).toSatisfy(allFailed);
      expect(await values("getIds", "{}")).toEqual([[], []]);
    },
  );

  test.each(["constructor", "__proto__", "toString", " ", "用户/é\"'<&>", "a,b", "\u0000", "🎉"])(
    "%j is an id like others",
    async (id) => {
      const text = JSON.stringify(id);
      expect(await values("isOnlineId", `{"id":${text}}`)).toEqual([false, false]);
      expect(await values("getBind_IdsById", `{"id":${text}}`)).toEqual([[], []]);
      expect(await values("bindId", `{"id":${text},"_id":"${client.id}"}`)).toEqual([0, 2]);
      expect(await values("getBind_IdsById", `{"id":${text}}`)).toEqual([[client.id], []]);
      expect(await values("joinGroupBy_Id", `{"groupId":${text},"_id":"${client.id}"}`)).toEqual([0, 2]);
      expect(await values("getGroupIdsById", `{"id":${text}}`)).toEqual([[id], []]);
      expect(await values("unBindId", `{"id":${text}}`)).toEqual([0, 1]);
    },
  );

  test("ids that look alike are not the same", async () => {
    expect(await values("bindId", `{"id":"\\u00e9","_id":"${client.id}"}`)).toEqual([0, 2]);
    for (const other of ["e\u0301", "É", "é ", " é"]) {
      expect(await values("isOnlineId", JSON.stringify({ id: other }))).toEqual([false, false]);
    }
  });

  test("a connection id that no node could have made is unknown", async () => {
    for (const id of [
      "nope",
      "0",
      client.id.toUpperCase(),
      `${client.id}0`,
      client.id.slice(1),
      "__proto__",
      "7",
    ]) {
      expect(await values("isOnline_Id", JSON.stringify({ _id: id }))).toEqual([false, false]);
      expect(await values("bindId", JSON.stringify({ id: "u", _id: id }))).toEqual([2, 2]);
      expect(await values("get_IdData", JSON.stringify({ _id: id }))).toEqual([{}, {}]);
    }
  });

  test("512 bytes are an id, one byte more is a parameter error", async () => {
    for (const id of ["x".repeat(512), `${"用".repeat(170)}ab`]) {
      expect(await values("bindId", JSON.stringify({ id, _id: client.id }))).toEqual([0, 2]);
      expect(await values("joinGroupById", JSON.stringify({ id, groupId: `${id},g2` }))).toEqual([0, 2]);
      expect(await values("getIds", "{}")).toEqual([[id], []]);
      expect(await values("unBindId", JSON.stringify({ id }))).toEqual([0, 1]);
    }
    for (const id of ["x".repeat(513), "用".repeat(171)]) {
      expect(await values("bindId", JSON.stringify({ id, _id: client.id }))).toSatisfy(allFailed);
      expect(await values("getGroup_IdCount", JSON.stringify({ groupId: id }))).toSatisfy(allFailed);
      expect(await values("joinGroupById", JSON.stringify({ groupId: `g,${id}`, id: "u" }))).toSatisfy(
        allFailed,
      );
      expect(await values("broadcast", JSON.stringify({ msg: "", exclude_Ids: [id] }))).toSatisfy(allFailed);
    }
  });
});

describe("lists of groups", () => {
  test("empty items are dropped, the others taken as they are", async () => {
    await values("bindId", `{"id":"u","_id":"${client.id}"}`);
    expect(await values("joinGroupById", '{"id":"u","groupId":", a,b ,,c,"}')).toEqual([0, 2]);
    const [groups] = await values("getGroupIdsById", '{"id":"u"}');
    expect(groups).toSatisfy((list: string[]) => list.toSorted().join("|") === " a|b |c");
    expect(await values("leaveGroupById", '{"id":"u","groupId":"a,b"}')).toEqual([1, 2]);
    expect(await values("leaveGroupById", '{"id":"u","groupId":"c,zzz"}')).toEqual([0, 2]);
  });

  test.each(['""', '","', '",,,"'])("the list %s without an item is a parameter error", async (list) => {
    expect(await values("joinGroupById", `{"id":"u","groupId":${list}}`)).toSatisfy(allFailed);
    expect(await values("leaveGroupById", `{"id":"u","groupId":${list}}`)).toSatisfy(allFailed);
  });

  test("a group by connection is taken whole", async () => {
    expect(await values("joinGroupBy_Id", `{"groupId":",a,,b","_id":"${client.id}"}`)).toEqual([0, 2]);
    expect(await values("getGroupIdsBy_Id", `{"_id":"${client.id}"}`)).toEqual([[",a,,b"], []]);
  });
});

describe("exclusion lists", () => {
  test.each(["true", "[true]", "[null]", "[[]]", '[["u"]]', '[{"x":"u"}]', '{"x":false}', '["\\ud800"]'])(
    "%s is a parameter error",
    async (list) => {
      expect(await values("broadcast", `{"msg":"x","exclude_Ids":${list}}`)).toSatisfy(allFailed);
      expect(await values("sendToGroup", `{"groupId":"g","msg":"x","excludeIds":${list}}`)).toSatisfy(
        allFailed,
      );
    },
  );

  test("empty texts in them are dropped, unknown ids exclude nobody", async () => {
    expect(await values("broadcast", '{"msg":"x","exclude_Ids":["","nope",0]}')).toEqual([1, 0]);
    expect(await values("broadcast", '{"msg":"x","exclude_Ids":""}')).toEqual([1, 0]);
    expect(await values("broadcast", `{"msg":"x","exclude_Ids":{"a":"","b":"${client.id}"}}`)).toEqual([
      0, 0,
    ]);
    expect(await values("broadcast", `{"msg":"x","exclude_Ids":"${client.id}"}`)).toEqual([0, 0]);
  });
});

describe("sendToClient", () => {
  test("goes by user where a user is given, else by connection", async () => {
    await values("bindId", `{"id":"u","_id":"${client.id}"}`);
    expect(await values("sendToClient", '{"id":"u","msg":"1"}')).toEqual([1, 0]);
    expect(await values("sendToClient", '{"id":"u","_id":"nope","msg":"2"}')).toEqual([1, 0]);
    expect(await values("sendToClient", `{"id":"ghost","_id":"${client.id}","msg":"no"}`)).toEqual([0, 0]);
    expect(await values("sendToClient", `{"id":"","_id":"${client.id}","msg":"3"}`)).toEqual([1, 0]);
    expect(await values("sendToClient", `{"id":0,"_id":"${client.id}","msg":"4"}`)).toEqual([1, 0]);
    expect(await values("sendToClient", `{"id":"u","msg":"no","exclude_Ids":["${client.id}"]}`)).toEqual([
      0, 0,
    ]);
    expect(await client.flushAndTake()).toEqual(["1", "2", "3", "4"]);
  });

  test("the text 0 is a user, the number 0 is none", async () => {
    await values("bindId", `{"id":"0","_id":"${client.id}"}`);
    expect(await values("sendToClient", '{"id":"0","msg":"x"}')).toEqual([1, 0]);
    expect(await values("sendToClient", '{"id":0,"msg":"x"}')).toSatisfy(allFailed);
  });

  test.each([
    '{"msg":"x"}',
    '{"_id":"","id":"","msg":"x"}',
    '{"_id":null,"id":null,"msg":"x"}',
    '{"id":"u"}',
  ])("%s is a parameter error", async (parameters) => {
    expect(await values("sendToClient", parameters)).toSatisfy(allFailed);
  });
});
