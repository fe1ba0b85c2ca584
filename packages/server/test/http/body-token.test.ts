import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findTokenInText } from "../../src/http/body-token.js";
import { findBodyToken, type GivenToken } from "../../src/http/tokens.js";

const find = (text: string): GivenToken | undefined => findTokenInText(Buffer.from(text));

describe("the token of a body that was not parsed", () => {
  test.each([
    ['{"token":"T"}', "T"],
    [' { "a" : { "token" : "no" } , "token" : "T" } ', "T"],
    ['{"token":"no","a":["token","no"],"token":"T"}', "T"],
    ['{"\\u0074\\u006F\\u006b\\u0065n":"\\u0054\\"\\\\"}', 'T"\\'],
    ['{"a":"}{\\"token\\":","token":"用"}', "用"],
    ['{"token":""}', ""],
  ])("%s", (text, token) => {
    expect(find(text)).toEqual({ text: token });
  });

  test.each(["true", "1", "null", '["T"]', '{"T":"T"}'])("is %s, which is no text", (value) => {
    expect(find(`{"token":${value}}`)).toEqual({ text: undefined });
    expect(find(`{"token":"T","token":${value}}`)).toEqual({ text: undefined });
  });

  test.each([
    "",
    "{",
    "[]",
    '["token","T"]',
    '"token"',
    '{"a":{"token":"T"}}',
    '{"Token":"T"}',
    '{"tokens":"T"}',
  ])("is not there in %j", (text) => {
    expect(find(text)?.text).toBeUndefined();
  });

  test("is that of the parsed body, for any object", () => {
    const names = fc.oneof(fc.string(), fc.constantFrom("token", "Token", "toke", "a", "__proto__"));
    const value = fc.oneof(fc.jsonValue(), fc.string(), fc.dictionary(names, fc.jsonValue()));
    fc.assert(
      fc.property(fc.array(fc.tuple(names, value)), fc.boolean(), (entries, isSpaced) => {
        const space = isSpaced ? " \n" : "";
        const pairs = entries.map(
          ([name, item]) => JSON.stringify(name) + space + ":" + space + JSON.stringify(item),
        );
        const text = `{${space}${pairs.join(`${space},`)}}`;
        const parsed = JSON.parse(text) as Parameters<typeof findBodyToken>[0];
        expect(find(text)).toEqual(findBodyToken(parsed));
      }),
    );
  });

  test("whatever the bytes, it ends", () => {
    const pieces = fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", "token", "u0074", " ", "x");
    fc.assert(fc.property(fc.array(pieces), (parts) => void find(parts.join(""))));
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void findTokenInText(Buffer.from(bytes))));
  });
});
