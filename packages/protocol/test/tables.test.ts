import { STATUS_CODES } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anyId,
  closeCodes,
  closeReason,
  commands,
  errorCodes,
  hexId,
  isCommandName,
  isErrorCode,
  isResult,
  mayReconnect,
  nodeKeyOf,
  plainParamsOf,
  utf8Length,
} from "../src/index.js";

const sentence = /^[A-Z].*\.$/s;

describe("error codes", () => {
  test("each has the HTTP status of a failure, and a sentence about it", () => {
    for (const [code, { status, doc }] of Object.entries(errorCodes)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
      // 499 is nobody's by the standards, and well known as "the client closed the request".
      if (status !== 499) expect(STATUS_CODES[status]).toBeDefined();
      expect(doc).toMatch(sentence);
      // A frame carries a code of at most 64 characters.
      expect(code.length).toBeLessThanOrEqual(64);
    }
  });

  test("what a caller did wrong is not worth a second try; what a node failed to do is", () => {
    for (const code of ["INVALID_PARAMS", "UNKNOWN_COMMAND", "LINK_AUTH_FAILED", "LINK_VERSION"] as const) {
      expect(errorCodes[code].retryable).toBe(false);
    }
    for (const code of ["NODE_TIMEOUT", "NODE_LEFT", "NODE_OVERLOADED"] as const) {
      expect(errorCodes[code].retryable).toBe(true);
    }
  });

  test("a code is one that stands in the table, and nothing that every object has", () => {
    for (const code of Object.keys(errorCodes)) expect(isErrorCode(code)).toBe(true);
    for (const code of ["", "constructor", "toString", "__proto__", "node_timeout"])
      expect(isErrorCode(code)).toBe(false);
  });
});

describe("parameters of commands", () => {
  const names = Object.keys(commands).filter((name) => isCommandName(name));
  const keys = [...new Set(names.flatMap((name) => Object.keys(commands[name].params.shape)))];
  const value = fc.oneof(
    fc.constantFrom<unknown>("", "u1", "\ud800", "\u{1f600}", 1, null, undefined, true, new Uint8Array(2)),
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom("", "c1"), { maxLength: 2 }),
  );

  test("are what the table's schema makes of them, where they are seen to be right without it", () => {
    const anything = fc.dictionary(fc.constantFrom(...keys, "other", "__proto__"), value, { maxKeys: 4 });
    const calls = fc.constantFrom(...names).chain((name) => {
      const own = Object.keys(commands[name].params.shape).map((key) => [key, value] as const);
      const nearlyRight = fc.record(Object.fromEntries(own), { requiredKeys: [] });
      return fc.tuple(fc.constant(name), fc.oneof({ arbitrary: nearlyRight, weight: 4 }, anything, value));
    });
    fc.assert(
      fc.property(calls, ([name, given]) => {
        const plain = plainParamsOf(name, given);
        const parsed = commands[name].params.safeParse(given);
        if (plain !== undefined) expect(parsed).toStrictEqual({ success: true, data: plain });
      }),
      { numRuns: 2000 },
    );
  });

  test("are seen to be right without it where they are ids and a text, and nothing else", () => {
    const given = { userId: "u1", message: "hello" };
    const plain = plainParamsOf("sendToUser", given);
    expect(plain).toEqual(given);
    expect(plain).not.toBe(given);
    expect(plainParamsOf("bindUser", { userId: "u1", connectionId: "c1" })).toBeDefined();
    for (const other of [
      { userId: "", message: "hello" },
      { userId: "u1" },
      { ...given, other: 1 },
      { ...given, exceptConnectionIds: ["c1"] },
      { ...given, message: "\ud800" },
      { ...given, message: new Uint8Array(1) },
      Object.assign(Object.create({ inherited: 1 }), given),
      [given],
      null,
      "u1",
    ]) {
      expect(plainParamsOf("sendToUser", other)).toBeUndefined();
    }
    expect(plainParamsOf("countUsers", {})).toBeUndefined();
    expect(plainParamsOf("joinUserToGroups", { userId: "u1", groupIds: ["g1"] })).toBeUndefined();
  });
});

describe("results of commands", () => {
  test("are those that the table's schema takes, however they are checked", () => {
    const values = [
      0,
      1,
      -1,
      0.5,
      -0,
      NaN,
      Infinity,
      2 ** 53,
      "",
      "done",
      "gone",
      true,
      null,
      undefined,
      {},
      [],
    ];
    for (const name of Object.keys(commands).filter(isCommandName)) {
      for (const value of [...values, ["a"], [1], { a: 1 }]) {
        expect(isResult(name, value)).toBe(commands[name].result.safeParse(value).success);
      }
    }
  });
});

describe("close codes", () => {
  test("each may be sent (RFC 6455, 7.4), stands once, and has a reason that fits a close frame", () => {
    const codes = Object.values(closeCodes).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const { code, reason } of Object.values(closeCodes)) {
      expect([1004, 1005, 1006, 1015]).not.toContain(code);
      expect((code >= 1000 && code <= 1014) || (code >= 4000 && code <= 4999)).toBe(true);
      expect(closeReason.safeParse(reason).success).toBe(true);
    }
  });

  test("of ours, 4000 to 4499 may come back and 4500 to 4999 must not, those that nobody has given yet included", () => {
    for (const { code, reconnect } of Object.values(closeCodes)) {
      expect(mayReconnect(code)).toBe(reconnect);
      if (code >= 4000) expect(reconnect).toBe(code < 4500);
    }
    fc.assert(
      fc.property(fc.integer({ min: 4000, max: 4999 }), (code) => {
        expect(mayReconnect(code)).toBe(code < 4500);
      }),
    );
  });

  test("a lost network may come back; a broken rule must not", () => {
    for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 3000]) expect(mayReconnect(code)).toBe(true);
    for (const code of [1000, 1008]) expect(mayReconnect(code)).toBe(false);
  });
});

describe("the command table", () => {
  test("each command has parameters that name its target, an absent value that it may return, and a sentence", () => {
    for (const [name, { target, params, result, absent, doc }] of Object.entries(commands)) {
      const names = Object.keys(params.shape);
      expect(name).toMatch(/^[a-z]+([A-Z][a-z]+)*$/);
      if (target === "connection") expect(names).toContain("connectionId");
      if (target === "user") expect(names).toContain("userId");
      if (target === "group") expect(names.some((param) => /^groupIds?$/.test(param))).toBe(true);
      if (target === "all")
        expect(names.filter((param) => /^(user|connection|group)Id/.test(param))).toEqual([]);
      expect(result.safeParse(absent)).toEqual({ success: true, data: absent });
      expect(doc).toMatch(sentence);
    }
  });

  test("no command takes a parameter that it does not know", () => {
    for (const { params } of Object.values(commands)) {
      const parsed = params.safeParse({ nobodyKnowsThis: 1 });
      expect(parsed.error?.issues.some(({ code }) => code === "unrecognized_keys")).toBe(true);
    }
  });

  test("who only reads changes and sends nothing, by the names", () => {
    for (const [name, { scope }] of Object.entries(commands)) {
      const reads = /^(count|list|get|is)[A-Z]/.test(name);
      const sends = /^(sendTo|broadcast)/.test(name);
      expect(scope).toBe(reads ? "read" : sends ? "send" : "manage");
    }
  });

  test("a name is one that stands in the table, and nothing that every object has", () => {
    for (const name of Object.keys(commands)) expect(isCommandName(name)).toBe(true);
    for (const name of ["", "constructor", "__proto__", "countconnections"])
      expect(isCommandName(name)).toBe(false);
  });
});

describe("ids and texts", () => {
  test("the bytes of a text are counted as UTF-8 has them", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });

  test("a close reason has at most 123 bytes, however many characters", () => {
    expect(closeReason.safeParse("x".repeat(123)).success).toBe(true);
    expect(closeReason.safeParse("x".repeat(124)).success).toBe(false);
    expect(closeReason.safeParse("語".repeat(41)).success).toBe(true);
    expect(closeReason.safeParse("語".repeat(42)).success).toBe(false);
  });

  test("an id is any text but the empty one and one with a lone surrogate", () => {
    for (const id of ["0", " ", "語", "😀", "__proto__"]) expect(anyId.safeParse(id).success).toBe(true);
    for (const id of ["", "\ud800", "a\udc00", 7, null]) expect(anyId.safeParse(id).success).toBe(false);
  });

  test("a node's id is 32 lower-case hex characters, and its key the first 12", () => {
    const id = "0123456789abcdef0123456789abcdef";
    expect(hexId.safeParse(id).success).toBe(true);
    for (const wrong of [id.toUpperCase(), id.slice(1), `${id}0`, `${id}\n`, ""]) {
      expect(hexId.safeParse(wrong).success).toBe(false);
    }
    expect(nodeKeyOf(id)).toBe("0123456789ab");
  });
});
