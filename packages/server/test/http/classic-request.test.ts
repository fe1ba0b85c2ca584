import { classicEvents } from "@websocket-center/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimalText } from "../../src/http/classic-params.js";
import { type ClassicCall, readClassicRequest, refusalByNode } from "../../src/http/classic-request.js";
import { type JsonObject, parseJsonBody } from "../../src/http/json-body.js";
import { parseQuery } from "../../src/http/query.js";

const limits = { maxIdBytes: 16, maxMessageBytes: 64 };

function parsedBody(json: string | undefined): JsonObject | undefined {
  if (json === undefined) return undefined;
  const parsed = parseJsonBody(Buffer.from(json));
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.body;
}

const read = (query: string, json?: string) =>
  readClassicRequest(parseQuery(query), parsedBody(json), limits);

function calls(query: string, json?: string): ClassicCall[] {
  const reading = read(query, json);
  if (!reading.ok) throw new Error(reading.message);
  return reading.request.events;
}

/** The parameters of the only event's command, or its error message. */
function only(query: string, json?: string): unknown {
  const [call] = calls(query, json);
  if (call === undefined) throw new Error("no event");
  return call.kind === "command" ? call.command.params : call.message;
}

/** What one parameter of an event given as JSON is read as. */
const withParams = (event: string, params: string): unknown =>
  only(`event=${event}`, `{"${event}":${params}}`);

describe("event", () => {
  test.each(["", "event=", "event=0", "event=,", "event=%20,%20", "event[]=getIds", "event=%FF", "x=1"])(
    "%j names no event",
    (query) => {
      expect(read(query)).toEqual({ ok: false, message: "event error" });
    },
  );

  test.each(['{"event":null}', '{"event":1}', '{"event":"0"}', '{"event":["getIds"]}', '{"event":""}'])(
    "%s in the body is an event error whatever the query says",
    (json) => {
      expect(read("event=getIds", json)).toEqual({ ok: false, message: "event error" });
    },
  );

  test("names are split, trimmed and run once, in the order given", () => {
    const events = calls("event=getIds,%20get_IdCount,,getIds,bogus,").map(({ event, kind }) => [
      event,
      kind,
    ]);
    expect(events).toEqual([
      ["getIds", "command"],
      ["get_IdCount", "command"],
      ["bogus", "unknown"],
    ]);
  });

  test("the body's event counts before the query's", () => {
    expect(calls("event=getIds", '{"event":"get_Ids"}').map(({ event }) => event)).toEqual(["get_Ids"]);
  });

  test.each(["GETIDS", "constructor", "__proto__", "toString", "hasOwnProperty"])("%s is unknown", (name) => {
    expect(calls(`event=${name}`)).toEqual([
      { event: name, kind: "unknown", message: `unknown event "${name}"` },
    ]);
  });

  test("a long unknown name is not repeated whole", () => {
    expect(String(only(`event=${"x".repeat(10_000)}`)).length).toBeLessThan(100);
  });

  test("every event of the table becomes one of the commands that it says", () => {
    for (const [name, event] of Object.entries(classicEvents)) {
      const values = event.params.map(({ kind }) => (kind === "idList" ? ["x"] : "x"));
      const [call] = calls(`event=${name}`, JSON.stringify({ [name]: values }));
      expect(call?.kind === "command" && event.commands.includes(call.command.name), name).toBe(true);
    }
  });
});

describe("where parameters come from", () => {
  test("the query, by name or by position", () => {
    const expected = { userId: "u", connectionId: "c" };
    expect(only("event=bindId&bindId[_id]=c&bindId[id]=u")).toEqual(expected);
    expect(only("event=bindId&bindId[]=u&bindId[]=c")).toEqual(expected);
    expect(only("event=bindId&bindId[0]=u&bindId[1]=c&bindId[2]=more")).toEqual(expected);
  });

  test("the body, by name or by position", () => {
    const expected = { userId: "u", connectionId: "c" };
    expect(withParams("bindId", '{"_id":"c","id":"u","more":1}')).toEqual(expected);
    expect(withParams("bindId", '["u","c","more"]')).toEqual(expected);
  });

  test("the query's are not seen where the body has the event, even null, and nothing is merged", () => {
    const query = "event=isOnlineId&isOnlineId[id]=q";
    expect(only(query, "{}")).toEqual({ userId: "q" });
    expect(only(query, '{"isOnlineId":{"id":"b"}}')).toEqual({ userId: "b" });
    const missing = 'isOnlineId: parameter "id" is missing; expected a user id (text or number)';
    expect(only(query, '{"isOnlineId":null}')).toBe(missing);
    expect(only(query, '{"isOnlineId":{}}')).toBe(missing);
    expect(only(query, '{"isOnlineId":[]}')).toBe(missing);
  });

  test("inherited properties are no parameters", () => {
    expect(only("event=isOnlineId", '{"isOnlineId":{"__proto__":{"id":"x"}}}')).toMatch(/is missing/);
  });

  test.each(["1", '"x"', "true", "9007199254740993"])("%s in place of parameters is an error", (value) => {
    expect(withParams("getIds", value)).toMatch(/^getIds: the parameters are neither an object/);
  });

  test.each(["getIds=x", "getIds=", "getIds=%FF"])("%s in place of parameters is an error", (query) => {
    expect(only(`event=getIds&${query}`)).toMatch(/^getIds: the parameters are neither an object/);
  });

  test("one event's bad parameter does not spoil the others", () => {
    const kinds = calls("event=bindId,getIds").map(({ kind }) => kind);
    expect(kinds).toEqual(["invalid", "command"]);
  });
});

describe("ids", () => {
  test.each([
    ["7", "7"],
    ["-7", "-7"],
    ["1.5", "1.5"],
    ["1.0", "1"],
    ["0", "0"],
    ["-0", "-0"],
    ["9007199254740993", "9007199254740993"],
    ["1e15", "1000000000000000"],
    ["1e-7", "0.0000001"],
    ['" 7 "', " 7 "],
    ['"0123"', "0123"],
  ])("%s is %j", (json, expected) => {
    expect(withParams("isOnlineId", `{"id":${json}}`)).toEqual({ userId: expected });
  });

  test.each([
    ['{"id":""}', "is empty"],
    ['{"id":null}', "is null"],
    ["{}", "is missing"],
    ['{"id":true}', "is a boolean"],
    ['{"id":["x"]}', "is a list"],
    ['{"id":{"a":1}}', "is an object"],
    ['{"id":1e400}', "is a number that is too large"],
    ['{"id":"\\ud800"}', "has a lone surrogate"],
    ['{"id":"12345678901234567"}', "has 17 bytes, more than 16"],
    ['{"id":12345678901234567}', "has 17 bytes, more than 16"],
    ['{"id":"ééééééééé"}', "has 18 bytes, more than 16"],
    ['{"id":"🎉🎉🎉🎉🎉"}', "has 20 bytes, more than 16"],
  ])("%s %s", (params, problem) => {
    expect(withParams("isOnlineId", params)).toBe(
      `isOnlineId: parameter "id" ${problem}; expected a user id (text or number)`,
    );
  });

  test("bytes of a query that are not UTF-8 are an error, and so is a list", () => {
    expect(only("event=isOnlineId&isOnlineId[id]=%FF")).toMatch(/"id" is not UTF-8/);
    expect(only("event=isOnlineId&isOnlineId[id][]=x")).toMatch(/"id" is an object/);
  });

  test("the message says which id is expected, and never repeats the value", () => {
    expect(withParams("bindId", '{"id":"u"}')).toBe(
      'bindId: parameter "_id" is missing; expected a connection id (text or number)',
    );
    expect(withParams("isInGroupById", '{"groupId":"s3cret-that-is-too-long","id":"u"}')).toBe(
      'isInGroupById: parameter "groupId" has 23 bytes, more than 16; expected a group id (text or number)',
    );
  });

  test("a finite number's decimal text has no exponent and is that number", () => {
    expect(decimalText(1e21)).toBe("1000000000000000000000");
    expect(decimalText(-1.5e-10)).toBe("-0.00000000015");
    expect(decimalText(Infinity)).toBeUndefined();
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (number) => {
        const text = decimalText(number) ?? "";
        expect(text).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(text)).toBe(number === 0 ? 0 : number);
      }),
    );
  });
});

describe("group lists", () => {
  test("are split at commas, empty items dropped, spaces kept", () => {
    expect(withParams("joinGroupById", '{"groupId":" sp ,,x,","id":1}')).toEqual({
      groupIds: [" sp ", "x"],
      userId: "1",
    });
    expect(withParams("joinGroupById", "[42,1]")).toEqual({ groupIds: ["42"], userId: "1" });
  });

  test.each([
    ['""', "has no group in it"],
    ['",,"', "has no group in it"],
    ['["a","b"]', "is a list"],
    ["null", "is null"],
    ['"a,12345678901234567"', "has a group id of 17 bytes, more than 16"],
  ])("%s is refused", (value, problem) => {
    expect(withParams("joinGroupById", `[${value},1]`)).toBe(
      `joinGroupById: parameter "groupId" ${problem}; expected a comma list of group ids`,
    );
  });

  test("where a group is taken whole, a comma is part of its name", () => {
    expect(withParams("joinGroupBy_Id", '["p,q","c"]')).toEqual({ groupId: "p,q", connectionId: "c" });
  });
});

describe("messages", () => {
  test.each([
    ['""', ""],
    ['"a\\n\\u0000"', "a\n\0"],
    ["42", "42"],
    ["1.5", "1.5"],
    ["true", "true"],
    ["9007199254740993", "9007199254740993"],
    ['{"a":[1,null]}', '{"a":[1,null]}'],
    ["[9007199254740993]", "[9007199254740993]"],
    ["[]", "[]"],
  ])("%s is sent as %j", (json, expected) => {
    expect(withParams("broadcast", `{"msg":${json}}`)).toEqual({
      message: expected,
      exceptConnectionIds: [],
    });
  });

  test("a message nested in the query is sent as JSON", () => {
    expect(only("event=broadcast&broadcast[msg][a]=1")).toMatchObject({ message: '{"a":"1"}' });
    expect(only("event=broadcast&broadcast[msg][]=x")).toMatchObject({ message: '["x"]' });
  });

  test.each([
    ["null", "is null"],
    ['"\\udc00"', "has a lone surrogate"],
    ["[1e400]", "has a number that is too large"],
    [JSON.stringify("é".repeat(33)), "has 66 bytes, more than 64"],
    [JSON.stringify(["x".repeat(63)]), "has 67 bytes, more than 64"],
  ])("%s is refused", (json, problem) => {
    expect(withParams("broadcast", `{"msg":${json}}`)).toBe(
      `broadcast: parameter "msg" ${problem}; expected a message (text, or anything but null for its JSON text)`,
    );
  });

  test("a message of exactly the limit passes", () => {
    expect(withParams("broadcast", JSON.stringify(["é".repeat(32)]))).toMatchObject({
      message: "é".repeat(32),
    });
  });

  test("bytes that are not UTF-8 are refused, nested or not", () => {
    expect(only("event=broadcast&broadcast[msg]=%FF")).toMatch(/"msg" is not UTF-8/);
    expect(only("event=broadcast&broadcast[msg][a]=%FF")).toMatch(/"msg" has text that is not UTF-8/);
  });
});

describe("exclusion lists", () => {
  test.each([
    ["null", []],
    ["[]", []],
    ['""', []],
    ['"a"', ["a"]],
    ["7", ["7"]],
    ["9007199254740993", ["9007199254740993"]],
    ['["a","",1]', ["a", "1"]],
    ['{"x":"a","y":"b"}', ["a", "b"]],
  ])("%s is %j", (json, expected) => {
    expect(withParams("broadcast", `{"msg":"m","exclude_Ids":${json}}`)).toEqual({
      message: "m",
      exceptConnectionIds: expected,
    });
  });

  test("the query's may have any keys", () => {
    const query = "event=sendToGroup&sendToGroup[groupId]=g&sendToGroup[msg]=m";
    const lists = "&sendToGroup[excludeIds][b]=x&sendToGroup[excludeIds][a]=y&sendToGroup[exclude_Ids]=c";
    expect(only(query + lists)).toEqual({
      groupId: "g",
      message: "m",
      exceptUserIds: ["x", "y"],
      exceptConnectionIds: ["c"],
    });
  });

  test.each([
    ["true", "is a boolean"],
    ['["a",null]', "has item 1, which is null"],
    ["[true]", "has item 0, which is a boolean"],
    ["[[]]", "has item 0, which is a list"],
  ])("%s is refused", (json, problem) => {
    expect(withParams("broadcast", `{"msg":"m","exclude_Ids":${json}}`)).toBe(
      `broadcast: parameter "exclude_Ids" ${problem}; expected a list of connection ids`,
    );
  });
});

describe("sendToClient", () => {
  test.each([
    ['{"_id":"c","msg":"m"}', { connectionId: "c", message: "m", exceptConnectionIds: [] }],
    ['{"_id":"c","id":"","msg":"m"}', { connectionId: "c", message: "m", exceptConnectionIds: [] }],
    ['{"_id":"c","id":0,"msg":"m"}', { connectionId: "c", message: "m", exceptConnectionIds: [] }],
    ['{"_id":"","id":"u","msg":"m"}', { userId: "u", message: "m", exceptConnectionIds: [] }],
    ['{"_id":"c","id":"0","msg":"m"}', { userId: "0", message: "m", exceptConnectionIds: [] }],
    ['{"_id":0,"msg":"m"}', { connectionId: "0", message: "m", exceptConnectionIds: [] }],
    ['["c","m"]', { connectionId: "c", message: "m", exceptConnectionIds: [] }],
    ['["","m","u",["x"]]', { userId: "u", message: "m", exceptConnectionIds: ["x"] }],
  ])("%s", (params, expected) => {
    expect(withParams("sendToClient", params)).toEqual(expected);
  });

  test.each(['{"msg":"m"}', '{"msg":"m","id":0,"_id":""}', '{"msg":"m","id":null,"_id":null}'])(
    "%s names nobody",
    (params) => {
      expect(withParams("sendToClient", params)).toBe(
        'sendToClient: neither "_id" nor "id" is given; expected one of them',
      );
    },
  );

  test("both ids are checked, whichever is used", () => {
    expect(withParams("sendToClient", '{"msg":"m","id":"u","_id":true}')).toMatch(/"_id" is a boolean/);
    expect(withParams("sendToClient", '{"msg":"m","id":[],"_id":"c"}')).toMatch(/"id" is a list/);
  });
});

describe("close reasons", () => {
  test.each([
    ['{"id":"u"}', ""],
    ['{"id":"u","reason":null}', ""],
    ['{"id":"u","reason":"bye"}', "bye"],
    ['{"id":"u","reason":7}', "7"],
    [JSON.stringify({ id: "u", reason: "x".repeat(123) }), "x".repeat(123)],
  ])("%s", (params, reason) => {
    expect(withParams("closeById", params)).toEqual({ userId: "u", reason });
  });

  test("more than 123 bytes of UTF-8 are refused", () => {
    expect(withParams("closeById", JSON.stringify(["u", "é".repeat(62)]))).toMatch(/"reason" has 124 bytes/);
  });
});

describe("timeoutMs", () => {
  test.each([
    ["1", 1],
    ["60000", 60_000],
  ])("%s is this call's deadline", (text, timeoutMs) => {
    expect(read(`event=getIds&timeoutMs=${text}`)).toMatchObject({ ok: true, request: { timeoutMs } });
  });

  test.each(["", "0", "60001", "-1", "1.5", "1e3", "x", "%FF", "99999999999"])(
    "%j fails the request",
    (text) => {
      expect(read(`event=getIds&timeoutMs=${text}`)).toMatchObject({
        ok: false,
        message: expect.stringContaining("timeoutMs") as string,
      });
    },
  );

  test("counts in the query only", () => {
    expect(read("event=getIds", '{"timeoutMs":0}')).toMatchObject({ ok: true });
  });
});

describe("at a node's own port", () => {
  const refusal = (query: string, json?: string): string | undefined => {
    const reading = read(query, json);
    return reading.ok ? refusalByNode(reading.request) : reading.message;
  };

  test("any bad parameter refuses the whole batch", () => {
    expect(refusal("event=getIds,bogus,bindId")).toMatch(/^bindId: parameter "id" is missing/);
  });

  test("unknown events refuse it only where all are unknown", () => {
    expect(refusal("event=bogus,other")).toBe('unknown event "bogus"');
    expect(refusal("event=bogus,getIds")).toBeUndefined();
  });
});

test.each([
  ...["constructor", "__proto__", "toString", "valueOf", "hasOwnProperty", "prototype"],
  ...["on", "emit", "close", "terminate", "add", "remove", "bind", "call", "apply", "eval", "start", "stop"],
])("the name of a method, %s, is no event", (name) => {
  const query = parseQuery(`event=${name}&${name}[0]=x&${name}[1]=y`);
  const body = JSON.parse(`{"event":"${name}","${name}":["x","y"]}`) as JsonObject;
  for (const reading of [
    readClassicRequest(query, undefined, limits),
    readClassicRequest(parseQuery(""), body, limits),
  ]) {
    expect(reading).toEqual({
      ok: true,
      request: { events: [{ event: name, kind: "unknown", message: `unknown event "${name}"` }] },
    });
  }
});
