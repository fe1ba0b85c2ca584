import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  invalidText,
  isQueryList,
  MAX_QUERY_DEPTH,
  parseQuery,
  QueryMap,
  type QueryValue,
  queryToObject,
} from "../../src/http/query.js";

type Tree = string | Tree[] | { [key: string]: Tree };

/** What the query holds, lists as arrays, for comparing. */
function plain(value: QueryValue): unknown {
  if (!(value instanceof QueryMap)) return value;
  if (isQueryList(value)) return [...value.values()].map(plain);
  return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
}

/** PHP's http_build_query, brackets escaped or not. */
function encode(tree: Record<string, Tree>, escapeBrackets: boolean): string {
  const pairs: string[] = [];
  const [open, close] = escapeBrackets ? ["%5B", "%5D"] : ["[", "]"];
  const walk = (prefix: string, value: Tree): void => {
    if (typeof value === "string")
      pairs.push(`${prefix}=${encodeURIComponent(value).replaceAll("%20", "+")}`);
    else
      for (const [key, item] of Object.entries(value))
        walk(`${prefix}${open}${encodeURIComponent(key)}${close}`, item);
  };
  for (const [key, value] of Object.entries(tree)) walk(encodeURIComponent(key), value);
  return pairs.join("&");
}

const asBytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

describe("nesting", () => {
  test.each([
    ["a[b]=c", { a: { b: "c" } }],
    ["a%5Bb%5D=c", { a: { b: "c" } }],
    ["a[]=x&a[]=y", { a: ["x", "y"] }],
    ["a[0]=x&a[1]=y", { a: ["x", "y"] }],
    ["a[b][]=x&a[b][]=y", { a: { b: ["x", "y"] } }],
    ["a[b][0]=x", { a: { b: ["x"] } }],
    ["a[5]=x&a[]=y", { a: { 5: "x", 6: "y" } }],
    ["a[x]=1&a[]=2&a[]=3", { a: { x: "1", 0: "2", 1: "3" } }],
    ["a[-5]=x&a[]=y", { a: { "-5": "x", 0: "y" } }],
    ["a[05]=x&a[]=y", { a: { "05": "x", 0: "y" } }],
    ["a[1]=x", { a: { 1: "x" } }],
    ["a[][b]=1&a[][b]=2", { a: [{ b: "1" }, { b: "2" }] }],
    ["a=1&a=2", { a: "2" }],
    ["a=1&a[b]=2", { a: { b: "2" } }],
    ["a[b]=2&a=1", { a: "1" }],
    ["a[b]=1&a[b][c]=2", { a: { b: { c: "2" } } }],
    ["a[b]=1&a[b]=2", { a: { b: "2" } }],
    ["a", { a: "" }],
    ["a=", { a: "" }],
    ["a[b", { "a[b": "" }],
    ["a[b][c=1", { a: { b: "1" } }],
    ["a[b]x[c]=1", { a: { b: "1" } }],
    ["a[b[c]=1", { a: { "b[c": "1" } }],
    ["[a]=1&=2&&x=1", { x: "1" }],
    ["a=b=c", { a: "b=c" }],
    ["a.b=1&c d=2", { "a.b": "1", "c d": "2" }],
    ["", {}],
  ])("%s", (query, expected) => {
    expect(plain(parseQuery(query))).toEqual(Object.keys(expected).length === 0 ? [] : expected);
  });

  test("keys keep the order in which they came first", () => {
    expect([...parseQuery("10=a&2=b&x=c&10=d").keys()]).toEqual(["10", "2", "x"]);
  });

  test("keys in another order than 0, 1, 2 make no list", () => {
    const [a] = parseQuery("a[1]=x&a[0]=y").values();
    expect(a instanceof QueryMap && isQueryList(a)).toBe(false);
  });

  test("a list may have any number of items", () => {
    const query = Array.from({ length: 5000 }, (_, index) => `a[]=${index}`).join("&");
    const list = parseQuery(query).get("a");
    expect(list instanceof QueryMap && isQueryList(list) && list.size).toBe(5000);
  });

  test("nesting as deep as allowed is kept, deeper spoils the whole parameter", () => {
    const nested = (depth: number): string => `a${"[x]".repeat(depth)}=1`;
    expect(parseQuery(nested(MAX_QUERY_DEPTH)).get("a")).toBeInstanceOf(QueryMap);
    expect(parseQuery(`a[y]=2&${nested(MAX_QUERY_DEPTH + 1)}&b=1`).get("a")).toBe(invalidText);
  });

  test("__proto__ is a key like others and reaches no prototype", () => {
    const query = parseQuery("__proto__[x]=1&a[__proto__][x]=2&constructor[prototype][x]=3");
    expect([...query.keys()]).toEqual(["__proto__", "a", "constructor"]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});

describe("text", () => {
  test("a plus is a space and %2B is a plus", () => {
    expect(parseQuery("a=x+y%2Bz%26").get("a")).toBe("x y+z&");
  });

  test("escapes and raw bytes are UTF-8", () => {
    expect(parseQuery("a=%E7%94%A8").get("a")).toBe("用");
    expect(parseQuery(asBytes("a=用é")).get("a")).toBe("用é");
    expect(parseQuery(asBytes("é=1")).get("é")).toBe("1");
  });

  test("characters beyond latin1 are taken as themselves", () => {
    expect(parseQuery("a=用%E7%94%A8").get("a")).toBe("用用");
  });

  test("a malformed escape stays as it is", () => {
    expect(parseQuery("a=%zz%4&b=%&c=100%25%").get("a")).toBe("%zz%4");
    expect(parseQuery("b=%").get("b")).toBe("%");
    expect(parseQuery("c=100%25%").get("c")).toBe("100%%");
  });

  test.each(["%FF", "%C0%80", "%ED%A0%80", "%E7%94", "\xff", "x%80y"])(
    "%s as a value is invalid text",
    (value) => {
      expect(parseQuery(`a=${value}`).get("a")).toBe(invalidText);
    },
  );

  test("a key that is not UTF-8 is ignored", () => {
    expect([...parseQuery("%FF=1&a[%FF]=2&b=3").keys()]).toEqual(["b"]);
  });
});

describe("properties", () => {
  const key = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => !/[[\]]/.test(text));
  const leaf = fc.string({ unit: "grapheme" });
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      leaf,
      fc.array(tie("tree"), { minLength: 1, maxLength: 4 }),
      fc.dictionary(key, tie("tree"), { minKeys: 1, maxKeys: 4 }),
    ),
  }));
  const root = fc.dictionary(key, tree, { minKeys: 1, maxKeys: 5 });

  /** An object whose keys count up from 0 comes back as a list: PHP has no other. */
  function asPhp(value: Tree): unknown {
    if (typeof value === "string") return value;
    const entries = Object.entries(value);
    if (entries.every(([name], index) => name === String(index)))
      return entries.map(([, item]) => asPhp(item));
    return Object.fromEntries(entries.map(([name, item]) => [name, asPhp(item)]));
  }

  test("what PHP would encode comes back as it was", () => {
    fc.assert(
      fc.property(root, fc.boolean(), (value, escapeBrackets) => {
        expect(plain(parseQuery(encode(value, escapeBrackets)))).toEqual(asPhp(value));
      }),
    );
  });

  test("no bytes make it throw", () => {
    const piece = fc.constantFrom(
      "[",
      "]",
      "[]",
      "&",
      "=",
      "%",
      "%F",
      "%FF",
      "+",
      "a",
      "0",
      "__proto__",
      "\xe7",
      "[0]",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          queryToObject(parseQuery(text));
        },
      ),
    );
  });

  test("the work grows with the length only, whatever the query holds", () => {
    // Counts what is made instead of measuring time: every map and value costs input.
    const count = (value: QueryValue): number =>
      value instanceof QueryMap
        ? 1 + [...value.values()].reduce((sum: number, item) => sum + count(item), 0)
        : 1;
    for (const unit of ["a[", "[", "]", "a[]=&", "a[][][]=&", "%", "&", "=", "a[b]", "a[0]=1&", "[]=&a"]) {
      const text = unit.repeat(Math.ceil(65_536 / unit.length));
      expect(count(parseQuery(text)), unit).toBeLessThanOrEqual(text.length);
    }
  });
});

describe("queryToObject", () => {
  test("gives lists, objects and strings", () => {
    expect(queryToObject(parseQuery("uid=7&x[a]=1&x[b][]=2&l[]=1&l[]=2"))).toEqual({
      uid: "7",
      x: { a: "1", b: ["2"] },
      l: ["1", "2"],
    });
  });

  test("leaves out invalid parameters, __proto__ at any depth, and what is to be dropped", () => {
    const object = queryToObject(
      parseQuery("a=%FF&b[]=1&b[]=%FF&__proto__[x]=1&c[__proto__][x]=1&c[y]=2&access_token=s&d=1"),
      ["access_token"],
    );
    expect(object).toEqual({ c: { y: "2" }, d: "1" });
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(object["c"])).toBe(Object.prototype);
  });

  test("no query is an empty object", () => {
    expect(queryToObject(parseQuery(""))).toEqual({});
  });
});
