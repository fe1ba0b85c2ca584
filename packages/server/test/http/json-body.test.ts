import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type JsonBody,
  jsonText,
  MAX_BODY_DEPTH,
  MAX_MESSAGE_DEPTH,
  parseJsonBody,
} from "../../src/http/json-body.js";
import { JsonNumber } from "../../src/http/json-numbers.js";
import { parseQuery } from "../../src/http/query.js";

const parse = (text: string): JsonBody => parseJsonBody(Buffer.from(text));

function bodyOf(text: string): Record<string, unknown> {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.body;
}

function textOf(value: unknown): string {
  const json = jsonText(value);
  if (!json.ok) throw new Error(json.problem);
  return json.text;
}

/** The value with every kept integer as the number that JSON.parse would make of it. */
function asNumbers(value: unknown): unknown {
  if (value instanceof JsonNumber) return Number(value.literal);
  if (Array.isArray(value)) return value.map(asNumbers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asNumbers(item)]));
}

describe("a body", () => {
  test.each(["", "[]", "{}", " [ ] "])("%j is an empty object", (text) => {
    expect(parse(text)).toEqual({ ok: true, body: {} });
  });

  test.each(["null", "1", '"x"', "[1]", "true", "9007199254740993", "[9007199254740993]"])(
    "%s is no object",
    (text) => {
      expect(parse(text)).toEqual({ ok: false, message: "the body is not a JSON object" });
    },
  );

  test.each(["{", '{"a":1,}', "{'a':1}", "undefined", '\ufeff{"a":1}', '{"a":NaN}', '{"a":01}'])(
    "%j is not valid JSON",
    (text) => {
      expect(parse(text)).toMatchObject({
        ok: false,
        message: expect.stringContaining("not valid JSON") as string,
      });
    },
  );

  test("an error repeats nothing of the body", () => {
    expect(JSON.stringify(parse('{"token":"s3cret",}'))).not.toContain("s3cret");
  });

  test("bytes that are not UTF-8 are refused", () => {
    expect(parseJsonBody(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toEqual({
      ok: false,
      message: "the body is not UTF-8",
    });
  });

  test("big integers keep every digit, other numbers are numbers", () => {
    expect(
      bodyOf('{"a":9007199254740993,"b":-9007199254740993,"c":-0,"d":9007199254740991,"e":1e3,"f":-0.5}'),
    ).toEqual({
      a: new JsonNumber("9007199254740993"),
      b: new JsonNumber("-9007199254740993"),
      c: new JsonNumber("-0"),
      d: 9007199254740991,
      e: 1000,
      f: -0.5,
    });
  });

  test("long digits in strings change nothing, and fractions keep theirs", () => {
    expect(bodyOf('{"a":": 12345678901234567890","b":0.12345678901234567}')).toEqual({
      a: ": 12345678901234567890",
      b: new JsonNumber("0.12345678901234567"),
    });
  });

  test("the last of duplicate keys counts, with and without long integers", () => {
    expect(bodyOf('{"a":1,"b":2,"a":{"c":1},"a":null}')).toEqual({ a: null, b: 2 });
    expect(bodyOf('{"a":1,"b":2,"a":9007199254740993}')).toEqual({
      a: new JsonNumber("9007199254740993"),
      b: 2,
    });
    expect(bodyOf('{"a":9007199254740993,"a":null}')).toEqual({ a: null });
  });

  test("__proto__ is an own key in both paths", () => {
    for (const number of ["1", "9007199254740993"]) {
      const body = bodyOf(`{"__proto__":{"x":1},"n":${number}}`);
      expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
      expect(Object.hasOwn(body, "__proto__")).toBe(true);
    }
  });

  test("nesting without end is an error, not a crash", () => {
    const deep = (depth: number, inner: string): string =>
      `{"a":${"[".repeat(depth)}${inner}${"]".repeat(depth)}}`;
    for (const number of ["1", "9007199254740993"]) {
      expect(parse(deep(MAX_BODY_DEPTH - 1, number)).ok).toBe(true);
      expect(parse(deep(MAX_BODY_DEPTH, number))).toEqual({
        ok: false,
        message: "the body is nested deeper than 1024",
      });
      expect(parse(deep(500_000, number)).ok).toBe(false);
      expect(parse(`{"a":`.repeat(200_000)).ok).toBe(false);
    }
  });

  test("brackets in strings and side by side do not nest", () => {
    const text = JSON.stringify({ a: '\\"['.repeat(5000), b: Array.from({ length: 5000 }, () => []) });
    expect(bodyOf(text)).toEqual(JSON.parse(text));
  });

  test("any JSON object is what JSON.parse makes of it", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (value, isLong) => {
        const text = JSON.stringify(isLong ? { ...value, n: 1_234_567_890_123_456 } : value);
        expect(asNumbers(bodyOf(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("an integer of any size comes out digit for digit", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.boolean(), (number, isSpaced) => {
        const body = bodyOf(isSpaced ? `{ "a" : [ ${number} ] }` : `{"a":[${number}]}`);
        expect(textOf(body["a"])).toBe(`[${number}]`);
      }),
    );
  });
});

describe("jsonText", () => {
  test("writes lists and objects, big integers digit for digit", () => {
    const body = bodyOf('{"m":{"a":[1,9007199254740993,-0],"b":"é\\n","__proto__":null}}');
    expect(textOf(body["m"])).toBe('{"a":[1,9007199254740993,-0],"b":"é\\n","__proto__":null}');
  });

  test("writes values of a query, keys in their order", () => {
    const query = parseQuery("m[b]=1&m[10]=2&m[2]=3&m[l][]=x&m[l][]=y&m[__proto__]=p");
    expect(textOf(query.get("m"))).toBe('{"b":"1","10":"2","2":"3","l":["x","y"],"__proto__":"p"}');
  });

  test("what was nested as deep as allowed is written, deeper is an error", () => {
    const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
    expect(jsonText(nested(MAX_MESSAGE_DEPTH)).ok).toBe(true);
    expect(jsonText(nested(MAX_MESSAGE_DEPTH + 1))).toEqual({
      ok: false,
      problem: "is nested deeper than 512",
    });
  });

  test.each([
    ["a number that is infinite", JSON.parse("[1e400]") as unknown],
    ["bytes of a query that are not UTF-8", parseQuery("m[a]=%FF").get("m")],
    ["a function", { f: () => 1 }],
    ["undefined", [undefined]],
  ])("%s is an error", (_, value) => {
    expect(jsonText(value).ok).toBe(false);
  });

  test("what JSON.parse reads of it is the value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const body = bodyOf(`{"v":${JSON.stringify(value)},"n":9007199254740993}`);
        expect(JSON.parse(textOf(body["v"]))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("what is no JSON stays none beside long numbers", () => {
  test.each([
    "{12345678901234567:1}",
    '{"a":1,12345678901234567 :1}',
    '{"a":12345678901234567.}',
    '{"a":012345678901234567}',
    '{"a":--12345678901234567}',
    '{"a":1234567890123456-7}',
    '{"a":12345678901234567 8}',
    '{"a":x12345678901234567}',
    '{"a":12345678901234567"b"}',
    '{"a":"b"12345678901234567}',
    '{"a":12345678901234567,}',
    '{"a":-,"b":12345678901234567}',
    "-0:1",
  ])("%s", (text) => {
    expect(parse(text)).toEqual({ ok: false, message: expect.stringMatching(/^the body is not valid JSON/) });
  });
});
