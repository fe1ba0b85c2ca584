import { expect, test } from "vitest";
import { parseQuery } from "../../src/http/query.js";
import { findBodyToken, findToken } from "../../src/http/tokens.js";

const find = (query: string, authorization?: string) =>
  findToken(parseQuery(query), authorization === undefined ? {} : { authorization });

test("the query's token counts before the header's", () => {
  expect(find("token=q", "Bearer h")).toEqual({ text: "q" });
  expect(find("token=", "Bearer h")).toEqual({ text: "" });
  expect(find("x=1", "Bearer h")).toEqual({ text: "h" });
  expect(find("x=1", "bearer  h")).toEqual({ text: "h" });
  expect(find("x=1")).toBeUndefined();
});

test("a token that is no text is there, and matches nothing", () => {
  expect(find("token[]=q", "Bearer h")).toEqual({ text: undefined });
  expect(find("token=%FF")).toEqual({ text: undefined });
  expect(findBodyToken({ token: 1 })).toEqual({ text: undefined });
  expect(findBodyToken({ token: null })).toEqual({ text: undefined });
});

test("another scheme of Authorization is no token", () => {
  expect(find("", "Basic aDpw")).toBeUndefined();
  expect(find("", "Bearerh")).toBeUndefined();
});

test("a body's token is an own key", () => {
  expect(findBodyToken({ token: "b" })).toEqual({ text: "b" });
  expect(findBodyToken({})).toBeUndefined();
});

test("header bytes are UTF-8", () => {
  expect(find("", `Bearer ${Buffer.from("é用").toString("latin1")}`)).toEqual({ text: "é用" });
});
