import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Client } from "./client.js";
import { isFailure, parse } from "./http.js";
import type { Json } from "./http.js";
import { useCluster } from "./use-cluster.js";

const cluster = useCluster();
let here: Client;
let there: Client;

beforeAll(async () => {
  here = await cluster().connectClient(0, "?uid=7&x=1");
  there = await cluster().connectClient(1);
});

beforeEach(async () => {
  for (const [node, { id }] of [here, there].entries()) {
    const path = `/?event=unBind_Id,leaveAllGroupBy_Id&unBind_Id[_id]=${id}&leaveAllGroupBy_Id[_id]=${id}`;
    await cluster().atNode(node, { path });
  }
  await here.flushAndTake();
  await there.flushAndTake();
});

const get = async (query: string): Promise<Json> => parse(await cluster().atNode(0, { path: `/?${query}` }));

const post = async (event: string, body: object): Promise<Json> =>
  parse(await cluster().atNode(0, { path: `/?event=${event}`, body: JSON.stringify(body) }));

test("answers for itself alone: no master_ids, and the value itself", async () => {
  expect(await get("event=get_Ids,get_IdCount")).toEqual({
    code: 0,
    msg: "ok",
    extra: [],
    data: { get_Ids: [here.id], get_IdCount: 1 },
  });
  expect(await get(`event=get_IdData&get_IdData[_id]=${here.id}`)).toMatchObject({
    data: { get_IdData: { uid: "7", x: "1" } },
  });
  expect(await get(`event=isOnline_Id&isOnline_Id[_id]=${there.id}`)).toMatchObject({
    data: { isOnline_Id: false },
  });
});

test("values that mean absence are values, not null", async () => {
  expect(await get("event=getIdBy_Id&getIdBy_Id[_id]=nope")).toMatchObject({ data: { getIdBy_Id: 0 } });
  expect(await get("event=get_IdData&get_IdData[_id]=nope")).toMatchObject({ data: { get_IdData: {} } });
  expect(await get("event=getGroupIdsBy_Id&getGroupIdsBy_Id[_id]=nope")).toMatchObject({
    data: { getGroupIdsBy_Id: [] },
  });
});

test("a send reaches its own connections only", async () => {
  expect(await post("broadcast", { broadcast: { msg: "here" } })).toMatchObject({ data: { broadcast: 1 } });
  expect(await here.flushAndTake()).toEqual(["here"]);
  expect(await there.flushAndTake()).toEqual([]);
});

test("sendMessageToGroupByOnlyId is local", async () => {
  for (const [node, { id }] of [here, there].entries()) {
    const body = JSON.stringify({ bindId: ["u", id], joinGroupById: ["g", "u"] });
    await cluster().atNode(node, { path: "/?event=bindId,joinGroupById", body });
  }
  const answer = await post("sendMessageToGroupByOnlyId", {
    sendMessageToGroupByOnlyId: { id: "u", msg: "x" },
  });
  expect(answer).toMatchObject({ data: { sendMessageToGroupByOnlyId: 1 } });
  expect(await here.flushAndTake()).toEqual(["x"]);
  expect(await there.flushAndTake()).toEqual([]);
});

test("serves parameters by position", async () => {
  expect(await post("bindId", { bindId: ["u5", here.id] })).toMatchObject({ code: 0, data: { bindId: 0 } });
  expect(await get("event=isOnlineId&isOnlineId[]=u5")).toMatchObject({ data: { isOnlineId: true } });
});

test("what it changes is seen through every center", async () => {
  await post("bindId", { bindId: { id: "u6", _id: here.id } });
  for (const center of [0, 1]) {
    const path = "/?event=getBind_IdsById&getBind_IdsById[id]=u6";
    expect(await cluster().values(center, { path }, "getBind_IdsById")).toEqual([[here.id], []]);
  }
});

test.each([
  ["a missing parameter", "event=broadcast,isOnlineId&broadcast[msg]=never"],
  ["a bad one", "event=broadcast,isOnlineId&broadcast[msg]=never&isOnlineId[id]="],
  ["a bad one in the first of them", "event=isOnlineId,broadcast&isOnlineId[id]=%FF&broadcast[msg]=never"],
  ["a text in place of the parameters", "event=broadcast,getIds&broadcast[msg]=never&getIds=x"],
  ["a missing one beside an unknown event", "event=broadcast,nope,isOnlineId&broadcast[msg]=never"],
])("%s of any event fails the whole request before anything runs", async (_, query) => {
  expect(await get(query)).toSatisfy(isFailure);
  expect(await here.flushAndTake()).toEqual([]);
});

test("unknown events have one text each in extra, and the known ones run", async () => {
  const answer = await get("event=nope,broadcast,__proto__,constructor&broadcast[msg]=ran");
  expect(answer).toMatchObject({ code: 0, msg: "ok" });
  const { extra, data } = answer as { extra: Json[]; data: object };
  expect(extra).toHaveLength(3);
  expect(extra.every((text) => typeof text === "string" && text !== "")).toBe(true);
  expect(Object.entries(data)).toEqual([["broadcast", 1]]);
  expect(await here.flushAndTake()).toEqual(["ran"]);
});

test.each(["nope", "__proto__", "constructor", "toString,hasOwnProperty", "GETIDS", "on", "nope,0"])(
  "a request of unknown events only (%s) fails as a whole",
  async (names) => {
    expect(await get(`event=${names}`)).toSatisfy(isFailure);
  },
);

test("no event is an event error", async () => {
  for (const query of ["", "event=", "event=0", "event=,", "event[]=getIds"]) {
    expect(await get(query)).toEqual({ code: 1, msg: "event error", data: [] });
  }
});

test("a body that is not JSON, not UTF-8 or not an object fails as a whole", async () => {
  for (const body of ["{", "[1]", "null", "1", Buffer.from([0x7b, 0xff, 0x7d])]) {
    expect(parse(await cluster().atNode(0, { path: "/?event=getIds", body }))).toSatisfy(isFailure);
  }
});

test("repeated names run once, spaces and empty names are dropped", async () => {
  expect(await get("event=%20broadcast%20,,broadcast&broadcast[msg]=once")).toMatchObject({
    data: { broadcast: 1 },
  });
  expect(await here.flushAndTake()).toEqual(["once"]);
});

test("long numbers keep their digits", async () => {
  const body = `{"bindId":{"id":123456789012345678901234567890,"_id":"${here.id}"}}`;
  await cluster().atNode(0, { path: "/?event=bindId", body });
  expect(await get("event=getIds")).toMatchObject({ data: { getIds: ["123456789012345678901234567890"] } });
});
