import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "./client.js";
import { dataOf, isFailure, parse, rawBytes } from "./http.js";
import type { Json } from "./http.js";
import { useCluster } from "./use-cluster.js";

const cluster = useCluster();
let client: Client;

beforeAll(async () => {
  client = await cluster().connectClient(0);
});

beforeEach(() => client.flushAndTake());

/** What a client gets of a broadcast whose `msg` the query says: shows how the query was read. */
async function echo(query: string): Promise<string[]> {
  const answer = await cluster().atCenter(0, { path: `/?event=broadcast&${query}` });
  expect(parse(answer)).toMatchObject({ code: 0, msg: "ok" });
  return client.flushAndTake();
}

async function echoJson(query: string): Promise<Json[]> {
  return (await echo(query)).map((text) => JSON.parse(text) as Json);
}

const values = (query: string, event: string): Promise<Json[]> =>
  cluster().values(0, { path: `/?${query}` }, event);

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

describe("nesting", () => {
  test("keys in brackets make an object", async () => {
    expect(await echo("broadcast[msg][a]=1&broadcast[msg][b][c]=2")).toEqual(['{"a":"1","b":{"c":"2"}}']);
  });

  test("escaped brackets nest as plain ones do", async () => {
    expect(await echo("broadcast%5Bmsg%5D%5Ba%5D=1")).toEqual(['{"a":"1"}']);
  });

  test("empty brackets make a list", async () => {
    expect(await echo("broadcast[msg][]=x&broadcast[msg][]=y")).toEqual(['["x","y"]']);
  });

  test("keys that count up from 0 make a list", async () => {
    expect(await echo("broadcast[msg][0]=x&broadcast[msg][1]=y")).toEqual(['["x","y"]']);
  });

  test("keys with a hole make an object", async () => {
    expect(await echoJson("broadcast[msg][0]=x&broadcast[msg][2]=y")).toEqual([{ 0: "x", 2: "y" }]);
  });

  test("empty brackets count on from the largest number", async () => {
    expect(await echoJson("broadcast[msg][5]=x&broadcast[msg][]=y")).toEqual([{ 5: "x", 6: "y" }]);
  });

  test("empty brackets beside a name count from 0", async () => {
    expect(await echoJson("broadcast[msg][a]=x&broadcast[msg][]=y")).toEqual([{ a: "x", 0: "y" }]);
  });

  test("empty brackets before a key start a new item each time", async () => {
    expect(await echo("broadcast[msg][][a]=1&broadcast[msg][][a]=2")).toEqual(['[{"a":"1"},{"a":"2"}]']);
  });

  test("__proto__ and constructor are keys like others", async () => {
    const query = "broadcast[msg][__proto__]=1&broadcast[msg][constructor][prototype]=2";
    expect(await echo(query)).toEqual(['{"__proto__":"1","constructor":{"prototype":"2"}}']);
  });

  test("a nested __proto__ reaches no other request", async () => {
    const path = "/?event=getIds&__proto__[id]=1&getIds[__proto__][id]=2&constructor[prototype][id]=3";
    expect(parse(await cluster().atCenter(0, { path }))).toMatchObject({ code: 0 });
    expect(await values("event=isOnlineId", "isOnlineId")).toSatisfy((list: Json[]) => list.every(isFailure));
  });

  test.each([21, 2_000])("empty brackets make a list of %i items", async (count) => {
    const query = numbers(count).map((text) => `broadcast[msg][]=${text}`);
    expect(await echo(query.join("&"))).toEqual([JSON.stringify(numbers(count))]);
  });

  test.each([21, 1_500])("numbered brackets make a list of %i items", async (count) => {
    const query = numbers(count).map((text) => `broadcast[msg][${text}]=${text}`);
    expect(await echo(query.join("&"))).toEqual([JSON.stringify(numbers(count))]);
  });

  test("an exclusion list of 2,000 items counts to its last", async () => {
    const items = [...numbers(2_000).slice(1), client.id].map((id) => `&broadcast[exclude_Ids][]=${id}`);
    expect(await values(`event=broadcast&broadcast[msg]=x${items.join("")}`, "broadcast")).toEqual([0, 0]);
  });

  test("a parameter behind 3,000 others is seen", async () => {
    const others = numbers(3_000).map((text) => `p${text}=1`);
    expect(await echo(`${others.join("&")}&broadcast[msg]=last`)).toEqual(["last"]);
  });
});

describe("keys and values", () => {
  test("of a key given twice the last counts", async () => {
    expect(await echo("broadcast[msg]=first&broadcast[msg]=last")).toEqual(["last"]);
  });

  test("of an event given twice the last counts", async () => {
    expect(dataOf(await cluster().atCenter(0, { path: "/?event=get_Ids&event=getIds" }))).toHaveProperty(
      "getIds",
    );
  });

  test("a plus is a space, an escaped plus is a plus", async () => {
    expect(await echo("broadcast[msg]=a+b%2Bc%20d")).toEqual(["a b+c d"]);
  });

  test("only the first equals sign divides", async () => {
    expect(await echo("broadcast[msg]=a=b==c")).toEqual(["a=b==c"]);
  });

  test("a key without an equals sign has the empty string", async () => {
    expect(await echo("broadcast[msg]")).toEqual([""]);
  });

  test("empty pairs are nothing, and a semicolon does not divide", async () => {
    expect(await echo("&&broadcast[msg]=a;b&&")).toEqual(["a;b"]);
  });

  test("a percent sign that escapes nothing stays, as in PHP", async () => {
    expect(await echo("broadcast[msg]=100%&x=%zz")).toEqual(["100%"]);
  });

  test("escapes are UTF-8, in either case of their digits", async () => {
    expect(await echo("broadcast[msg]=%e4%BD%a0%F0%9f%8E%89")).toEqual(["你🎉"]);
  });

  test("bytes above 0x7F without escapes are UTF-8 where the HTTP parser lets them in, else refused", async () => {
    const path = `/?event=broadcast&broadcast[msg]=${rawBytes("用户é🎉")}`;
    for (const [answer, sent] of [
      [await cluster().atCenter(0, { path }), await client.flushAndTake()],
      [await cluster().atNode(0, { path }), await client.flushAndTake()],
    ] as const) {
      expect(isFailure(parse(answer)) ? [] : ["用户é🎉"]).toEqual(sent);
    }
  });

  test("a NUL byte in an id is a character like others", async () => {
    const bind = `event=bindId&bindId[_id]=${client.id}&bindId[id]=a%00b`;
    expect(await values(bind, "bindId")).toEqual([0, 2]);
    expect(await values("event=isOnlineId&isOnlineId[id]=a", "isOnlineId")).toEqual([false, false]);
    expect(await values("event=unBindId&unBindId[id]=a%00b", "unBindId")).toEqual([0, 1]);
  });

  test.each([
    ["a byte that UTF-8 never has", "%FF"],
    ["a sequence that ends early", "%E4%BD"],
    ["a longer form than needed", "%C0%AF"],
    ["a surrogate", "%ED%A0%80"],
    ["a code point past the last", "%F4%90%80%80"],
  ])("%s is a parameter error at every node", async (_, escape) => {
    const query = `event=broadcast,getIds&broadcast[msg]=a${escape}b`;
    expect(await values(query, "broadcast")).toSatisfy((list: Json[]) => list.every(isFailure));
    expect(await values(query, "getIds")).toEqual([[], []]);
    expect(await client.flushAndTake()).toEqual([]);
  });

  test("an id whose escape is not UTF-8 is a parameter error, not another id", async () => {
    const query = `event=bindId&bindId[_id]=${client.id}&bindId[id]=%FF`;
    expect(await values(query, "bindId")).toSatisfy((list: Json[]) => list.every(isFailure));
    expect(await values("event=getIds", "getIds")).toEqual([[], []]);
  });
});

describe("events and parameters", () => {
  test("parameters by position", async () => {
    expect(await echo("broadcast[]=hi")).toEqual(["hi"]);
    expect(await echo("broadcast[0]=hi&broadcast[1][]=nobody")).toEqual(["hi"]);
  });

  test("a list parameter that comes as an object is its values", async () => {
    const query = `event=broadcast&broadcast[msg]=x&broadcast[exclude_Ids][x]=${client.id}`;
    expect(await values(query, "broadcast")).toEqual([0, 0]);
    expect(await values(query.replace("[x]", "[7]"), "broadcast")).toEqual([0, 0]);
  });

  test("one text stands for a list of one, and the empty text for none", async () => {
    const query = "event=broadcast&broadcast[msg]=x&broadcast[exclude_Ids]=";
    expect(await values(`${query}${client.id}`, "broadcast")).toEqual([0, 0]);
    expect(await values(query, "broadcast")).toEqual([1, 0]);
  });

  test("a text in place of the parameters is a parameter error, with parameters or without", async () => {
    const query = "event=broadcast,getIds,get_Ids&broadcast=hi&getIds=x";
    expect(await values(query, "broadcast")).toSatisfy((list: Json[]) => list.every(isFailure));
    expect(await values(query, "getIds")).toSatisfy((list: Json[]) => list.every(isFailure));
    expect(await values(query, "get_Ids")).toEqual([[client.id], []]);
  });

  test("an escaped comma divides events too", async () => {
    const data = dataOf(await cluster().atCenter(0, { path: "/?event=getIds%2C%20get_IdCount%20,,getIds" }));
    expect(Object.keys(data).toSorted()).toEqual(["getIds", "get_IdCount"]);
  });

  test.each([
    "/",
    "/?event=",
    "/?event=0",
    "/?event=,%20,",
    "/?event[]=getIds",
    "/?event[a]=getIds",
    "/?getIds",
  ])("%s is an event error", async (path) => {
    const answer = await cluster().atCenter(0, { path });
    expect(answer.status).toBe(200);
    expect(parse(answer)).toEqual({ code: 1, msg: "event error", data: [] });
  });

  test.each([
    "constructor",
    "__proto__",
    "toString",
    "on",
    "hasOwnProperty",
    "GETIDS",
    "getids",
    "getIds%00",
  ])("%s is an unknown event, whose place at every node holds a failure", async (name) => {
    const answer = await cluster().atCenter(0, { path: `/?event=${name},getIds` });
    const data = new Map(Object.entries(dataOf(answer)));
    expect([...data.keys()]).toEqual([decodeURIComponent(name), "getIds"]);
    const places = Object.entries(data.get(decodeURIComponent(name)) ?? {}) as [string, Json][];
    expect(places.map(([id]) => id).toSorted()).toEqual(cluster().nodeIds.toSorted());
    expect(places.every(([, place]) => isFailure(place))).toBe(true);
    expect(parse(answer)).toMatchObject({ code: 0, msg: "ok", extra: [] });
  });
});
