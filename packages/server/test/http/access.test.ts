import type * as Crypto from "node:crypto";
import { createHash } from "node:crypto";
import type { Scope } from "@websocket-center/protocol";
import * as fc from "fast-check";
import { expect, test, vi } from "vitest";

/** Every comparison of the digests, which must not tell by its time how far two are alike. */
const compared = vi.hoisted(() => ({ count: 0 }));
vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof Crypto>();
  return {
    ...crypto,
    timingSafeEqual: (a: NodeJS.ArrayBufferView, b: NodeJS.ArrayBufferView) => {
      compared.count += 1;
      return crypto.timingSafeEqual(a, b);
    },
  };
});

const { createAccess } = await import("../../src/http/access.js");

const listedToken = (name: string, scopes: Scope[], expiresAt = Infinity, text = name) => ({
  name,
  scopes: new Set(scopes),
  expiresAt,
  sha256: createHash("sha256").update(text).digest(),
});

test("without tokens and without a file everybody may do everything", () => {
  const { identify, needsToken } = createAccess({ tokens: () => [] });
  expect(needsToken()).toBe(false);
  for (const given of [undefined, { text: "x" }, { text: undefined }]) {
    expect(identify(given)).toEqual({ name: "none", scopes: new Set(["read", "send", "manage"]) });
  }
});

test("a file that lists no token lets nobody in", () => {
  const { identify, needsToken } = createAccess({ tokens: () => [], listed: () => [] });
  expect(needsToken()).toBe(true);
  for (const given of [undefined, { text: "" }, { text: "x" }]) expect(identify(given)).toBeUndefined();
});

test("exactly the plain tokens match, and grant everything", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), fc.string(), (tokens, given) => {
      const { identify } = createAccess({ tokens: () => tokens });
      for (const text of tokens) {
        expect(identify({ text })).toEqual({ name: "TOKEN", scopes: new Set(["read", "send", "manage"]) });
      }
      expect(identify({ text: given }) !== undefined).toBe(tokens.includes(given));
      expect(identify({ text: undefined })).toBeUndefined();
      expect(identify(undefined)).toBeUndefined();
    }),
  );
});

test("plain tokens may be replaced, in place too", () => {
  const tokens = ["a", "b"];
  const { identify } = createAccess({ tokens: () => tokens });
  expect(identify({ text: "a" })).toBeDefined();
  tokens[0] = "c";
  expect(identify({ text: "a" })).toBeUndefined();
  expect(identify({ text: "c" })).toBeDefined();
});

test("a listed token is known by its name and scopes, beside plain ones", () => {
  const listed = [listedToken("reports", ["read"]), listedToken("chat", ["send", "manage"])];
  const { identify } = createAccess({ tokens: () => ["plain"], listed: () => listed });
  expect(identify({ text: "reports" })).toMatchObject({ name: "reports", scopes: new Set(["read"]) });
  expect(identify({ text: "chat" })).toMatchObject({ name: "chat", scopes: new Set(["send", "manage"]) });
  expect(identify({ text: "plain" })?.name).toBe("TOKEN");
  expect(identify({ text: "Reports" })).toBeUndefined();
  expect(identify({ text: listed[0]?.sha256.toString("hex") ?? "" })).toBeUndefined();
});

test("a token ends at its time, to the millisecond, at whatever use that is", () => {
  let time = 1000;
  const listed = [listedToken("brief", ["read"], 2000)];
  const { identify } = createAccess({ tokens: () => [], listed: () => listed, now: () => time });
  expect(identify({ text: "brief" })?.name).toBe("brief");
  time = 1999;
  expect(identify({ text: "brief" })?.name).toBe("brief");
  time = 2000;
  expect(identify({ text: "brief" })).toBeUndefined();
});

test("every token is compared in constant time, whichever matches", () => {
  const names = ["a", "b", "c"];
  const listed = names.map((name) => listedToken(name, ["read"]));
  const { identify } = createAccess({ tokens: () => ["d", "e"], listed: () => listed });
  for (const text of [...names, "d", "e", "none of them", ""]) {
    compared.count = 0;
    identify({ text });
    expect(compared.count).toBe(5);
  }
});
