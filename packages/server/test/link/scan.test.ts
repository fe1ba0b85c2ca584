import { encode, ExtData } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLinkFrame } from "../../src/wire/codec.js";
import { scanMessagePack } from "../../src/wire/scan.js";

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.integer(),
  fc.double(),
  fc.string(),
  fc.string({ unit: "grapheme", minLength: 20, maxLength: 400 }),
  fc.uint8Array({ maxLength: 300 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    scalar,
    fc.array(tie("value"), { maxLength: 40 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 20 }),
  ),
}));

/** What `level` lists around a number look like: 0x91 is a list of one. */
const nested = (levels: number): Buffer => Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.from([7])]);

describe("scanning before decoding", () => {
  test("everything that the library encodes passes", () => {
    fc.assert(
      fc.property(value, (any) => {
        expect(scanMessagePack(encode(any))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test.each([15, 16, 31, 32, 255, 256, 65_535, 65_536])(
    "lengths of %i pass in every type that has one",
    (length) => {
      const map = Object.fromEntries(Array.from({ length }, (_, at) => [String(at), 0]));
      for (const any of ["x".repeat(length), new Uint8Array(length), Array.from({ length }, () => 0), map]) {
        const bytes = encode(any);
        expect(scanMessagePack(bytes)).toBeUndefined();
        expect(scanMessagePack(bytes.subarray(0, -1))).toBeDefined();
      }
    },
  );

  test("nothing that is cut off passes, wherever it is cut, nor anything with bytes behind it", () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 }), (any, at, more) => {
        const bytes = encode(any);
        expect(scanMessagePack(bytes.subarray(0, at % bytes.length))).toBeDefined();
        expect(scanMessagePack(Buffer.concat([bytes, more]))).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  test("95 levels around a value pass, 96 do not, and a million of them are read no further than that", () => {
    expect(scanMessagePack(nested(95))).toBeUndefined();
    for (const levels of [96, 1000, 1_000_000])
      expect(scanMessagePack(nested(levels))).toBe("is nested too deeply");
    const maps = Buffer.concat([Buffer.from("81a161".repeat(96), "hex"), Buffer.from([7])]);
    expect(scanMessagePack(maps)).toBe("is nested too deeply");
    // Lists that are side by side are not deep.
    expect(scanMessagePack(encode(Array.from({ length: 1000 }, () => [[]])))).toBeUndefined();
  });

  test.each([
    ["a list of 4 billion", "ddffffffff"],
    ["a list of 65,535", "dcffff"],
    ["a map of 4 billion", "dfffffffff"],
    ["a map of 65,535", "deffff"],
    ["a map of 15", "8f"],
    ["a text of 4 billion bytes", "dbffffffff"],
    ["bytes of 4 billion", "c6ffffffff"],
    ["a list of 1,000 with two values", "dc03e80102"],
    ["a map of 2 with three values", "82010203"],
  ])("%s that is announced and not there fails", (_case, hex) => {
    expect(scanMessagePack(Buffer.from(hex, "hex"))).toBeDefined();
    // The same inside of something that begins well.
    expect(scanMessagePack(Buffer.from(`93a470696e67${hex}`, "hex"))).toBeDefined();
  });

  test("a count that cannot be true is seen at once, before any of its values is looked at", () => {
    for (const hex of ["ddffffffff", "dfffffffff", "dc03e80102", "dd00000003c1c1"]) {
      expect(scanMessagePack(Buffer.from(hex, "hex"))).toBe("announces more values than it holds");
    }
  });

  test("no extension type passes, timestamps included, nor the type that MessagePack does not use", () => {
    fc.assert(
      fc.property(fc.integer({ min: -128, max: 127 }), fc.uint8Array({ maxLength: 300 }), (type, data) => {
        const bytes = encode(["a", new ExtData(type, data)]);
        expect(scanMessagePack(bytes)).toBe("has a type that is not allowed, or ends within a value");
      }),
    );
    expect(scanMessagePack(encode([new Date()]))).toBeDefined();
    expect(scanMessagePack(Buffer.from([0xc1]))).toBeDefined();
  });

  test("nothing at all is no value", () => {
    expect(scanMessagePack(new Uint8Array(0))).toBe("ends within a value");
  });

  test("bytes in the middle of a larger buffer are read in their own bounds", () => {
    const inner = encode([1, "text", { a: 500_000 }]);
    const around = Buffer.concat([Buffer.alloc(7, 0xc1), inner, Buffer.alloc(7, 0xc1)]);
    expect(scanMessagePack(around.subarray(7, 7 + inner.length))).toBeUndefined();
    expect(scanMessagePack(around.subarray(7, 6 + inner.length))).toBeDefined();
  });
});

describe("decoding a frame", () => {
  test("random bytes throw LINK_PROTOCOL, or are a frame, and nothing else happens", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(decodeLinkFrame(bytes)).toBeInstanceOf(Array);
        } catch (error) {
          expect(error).toMatchObject({ code: "LINK_PROTOCOL" });
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["a map", { xx: 1 }],
    ["a list without a type", []],
    ["a name of Object's own", ["constructor"]],
    ["a type that is no text", [1]],
    ["text", "ping"],
    ["a ping with more than its number", ["ping", 1, 2]],
    ["a negative number", ["ping", -1]],
    ["a fraction", ["ping", 1.5]],
    ["a number that no double holds exactly", ["ping", 2 ** 60]],
    ["an outcome of three kinds", ["reply", 1, [[true, 1, 2]]]],
    ["an error whose code is too long", ["reply", 1, [[false, "x".repeat(65), ""]]]],
    [
      "more commands than a call may have",
      ["call", 1, "default", 1, Array.from({ length: 10_001 }, () => ["a", 0])],
    ],
    ["a piece that is text", ["piece", 1, 1, "x"]],
  ])("%s is no frame, and the message holds nothing of it", (_case, frame) => {
    let message = "";
    try {
      decodeLinkFrame(encode(frame));
    } catch (error) {
      expect(error).toMatchObject({ code: "LINK_PROTOCOL" });
      message = (error as Error).message;
    }
    expect(message).not.toBe("");
    expect(message).not.toContain("xx");
  });

  test("a key __proto__ does not get through", () => {
    const bytes = Buffer.concat([Buffer.from("94a463616c6c01a16801", "hex")]);
    expect(() => decodeLinkFrame(bytes)).toThrow();
    // ["call", 1, "h", 1, [["c", {"__proto__": 1}]]]
    const call = Buffer.from("95a463616c6c01a168019192a16381a95f5f70726f746f5f5f01", "hex");
    expect(() => decodeLinkFrame(call)).toThrow(expect.objectContaining({ code: "LINK_PROTOCOL" }));
  });
});
