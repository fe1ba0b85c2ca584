import { decode, encode, ExtData } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLinkFrame } from "../../src/wire/codec.js";
import { decodeMessagePack, MessagePackFault } from "../../src/wire/decode.js";
import { encodeMessagePack } from "../../src/wire/encode.js";

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
const valueWith = (key: fc.Arbitrary<string>): fc.Arbitrary<unknown> =>
  fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      scalar,
      fc.array(tie("value"), { maxLength: 40 }),
      fc.dictionary(key, tie("value"), { maxKeys: 20 }),
    ),
  })).value;

/** What `level` lists around a number look like: 0x91 is a list of one. */
const nested = (levels: number): Buffer => Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.from([7])]);

/** Bytes are read as a part of what they came in, which is a Buffer. */
function withPlainBytes(read: unknown): unknown {
  if (read instanceof Uint8Array) return new Uint8Array(read);
  if (Array.isArray(read)) return read.map(withPlainBytes);
  if (typeof read !== "object" || read === null) return read;
  return Object.fromEntries(Object.entries(read).map(([key, item]) => [key, withPlainBytes(item)]));
}

/** What is wrong with the bytes; undefined where they are a value. */
function faultOf(bytes: Uint8Array): string | undefined {
  try {
    decodeMessagePack(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof MessagePackFault) return error.message;
    throw error;
  }
}

describe("encoding", () => {
  const lengths = [0, 1, 11, 12, 15, 16, 31, 32, 47, 48, 255, 256, 65_535, 65_536];
  const numbers = [0, 7, 8, 15, 16, 31, 32, 48, 53].flatMap((power) =>
    [-2, -1, 0, 1].flatMap((more) => [2 ** power + more, -(2 ** power) + more]),
  );

  test("gives the bytes that the library of the format's authors gives", () => {
    fc.assert(
      fc.property(valueWith(fc.string()), (any) => {
        expect(encodeMessagePack(any)).toEqual(Buffer.from(encode(any)));
      }),
      { numRuns: 500 },
    );
    for (const number of [...numbers, 0.5, -0, NaN, Infinity, -Infinity, 2 ** 60, 5e-324]) {
      expect(encodeMessagePack(number)).toEqual(Buffer.from(encode(number)));
    }
    for (const length of lengths) {
      const map = Object.fromEntries(Array.from({ length }, (_, at) => [String(at), at]));
      const list = Array.from({ length }, (_, at) => at);
      for (const any of ["x".repeat(length), "\u4f60".repeat(length), new Uint8Array(length), list, map]) {
        expect(encodeMessagePack([any, any]).equals(encode([any, any]))).toBe(true);
      }
    }
  });

  test("leaves keys out that hold undefined, and takes it for null elsewhere", () => {
    const any = { a: undefined, b: [undefined, null] };
    expect(decode(encodeMessagePack(any))).toEqual({ b: [null, null] });
  });

  test("takes 95 levels around a value, and no more", () => {
    const inLists = (levels: number): unknown => (levels === 0 ? 7 : [inLists(levels - 1)]);
    expect(encodeMessagePack(inLists(95))).toEqual(nested(95));
    expect(() => encodeMessagePack(inLists(96))).toThrow("nested too deeply");
  });

  test.each([
    ["a bigint", 1n],
    ["a function", () => 1],
    ["a symbol", Symbol("a")],
    ["a date", new Date()],
    ["an array of other numbers than bytes", new Float64Array(2)],
  ])("refuses %s, wherever it stands, and goes on with the next", (_case, any) => {
    expect(() => encodeMessagePack(["text", { a: any }])).toThrow(TypeError);
    expect(encodeMessagePack("text")).toEqual(Buffer.from(encode("text")));
  });
});

describe("decoding", () => {
  test("reads what the library encodes as the library does", () => {
    fc.assert(
      // That key is refused: see below.
      fc.property(valueWith(fc.string().filter((key) => key !== "__proto__")), (any) => {
        const bytes = encode(any);
        const read = decodeMessagePack(bytes);
        expect(encode(read)).toEqual(bytes);
        expect(withPlainBytes(read)).toEqual(decode(bytes));
      }),
      { numRuns: 500 },
    );
    for (const number of [
      2 ** 33 + 5,
      2 ** 53,
      -(2 ** 33) - 5,
      -(2 ** 53),
      -1,
      -33,
      -129,
      -40_000,
      -(2 ** 31),
    ]) {
      expect(decodeMessagePack(encode(number))).toBe(number);
    }
    expect(decodeMessagePack(encode(0.5, { forceFloat32: true }))).toBe(0.5);
  });

  test("reads keys right that look like one another", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "\u00e4"), maxLength: 5 });
    fc.assert(
      fc.property(fc.dictionary(letters, fc.nat(), { maxKeys: 20 }), (map) => {
        expect(decodeMessagePack(encode(map))).toEqual(map);
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
        expect(faultOf(bytes)).toBeUndefined();
        expect(faultOf(bytes.subarray(0, -1))).toBeDefined();
      }
    },
  );

  test("nothing that is cut off passes, wherever it is cut, nor anything with bytes behind it", () => {
    fc.assert(
      fc.property(
        valueWith(fc.string()),
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 4 }),
        (any, at, more) => {
          const bytes = encode(any);
          expect(faultOf(bytes.subarray(0, at % bytes.length))).toBeDefined();
          expect(faultOf(Buffer.concat([bytes, more]))).toBeDefined();
        },
      ),
      { numRuns: 500 },
    );
  });

  test("95 levels around a value pass, 96 do not, and a million of them are read no further than that", () => {
    expect(faultOf(nested(95))).toBeUndefined();
    for (const levels of [96, 1000, 1_000_000]) expect(faultOf(nested(levels))).toBe("is nested too deeply");
    const maps = Buffer.concat([Buffer.from("81a161".repeat(96), "hex"), Buffer.from([7])]);
    expect(faultOf(maps)).toBe("is nested too deeply");
    // Lists that are side by side are not deep.
    expect(faultOf(encode(Array.from({ length: 1000 }, () => [[]])))).toBeUndefined();
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
    expect(faultOf(Buffer.from(hex, "hex"))).toBeDefined();
    // The same inside of something that begins well.
    expect(faultOf(Buffer.from(`93a470696e67${hex}`, "hex"))).toBeDefined();
  });

  test("a count that cannot be true is seen at once, before any of its values is looked at", () => {
    for (const hex of ["ddffffffff", "dfffffffff", "dc03e80102", "dd00000003c1c1"]) {
      expect(faultOf(Buffer.from(hex, "hex"))).toBe("announces more values than it holds");
    }
  });

  test("no extension type passes, timestamps included, nor the type that MessagePack does not use", () => {
    fc.assert(
      fc.property(fc.integer({ min: -128, max: 127 }), fc.uint8Array({ maxLength: 300 }), (type, data) => {
        const bytes = encode(["a", new ExtData(type, data)]);
        expect(faultOf(bytes)).toBe("has a type that is not allowed");
      }),
    );
    expect(faultOf(encode([new Date()]))).toBeDefined();
    expect(faultOf(Buffer.from([0xc1]))).toBeDefined();
  });

  test("nothing at all is no value", () => {
    expect(faultOf(new Uint8Array(0))).toBe("ends within a value");
  });

  test("bytes in the middle of a larger buffer are read in their own bounds", () => {
    const inner = encode([1, "text", { a: 500_000 }]);
    const around = Buffer.concat([Buffer.alloc(7, 0xc1), inner, Buffer.alloc(7, 0xc1)]);
    expect(faultOf(around.subarray(7, 7 + inner.length))).toBeUndefined();
    expect(faultOf(around.subarray(7, 6 + inner.length))).toBeDefined();
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

  test("a key __proto__ does not get through, nor one that is no text", () => {
    expect(faultOf(Buffer.from("810101", "hex"))).toBe("has a key that is no text");
    const bytes = Buffer.concat([Buffer.from("94a463616c6c01a16801", "hex")]);
    expect(() => decodeLinkFrame(bytes)).toThrow();
    // ["call", 1, "h", 1, [["c", {"__proto__": 1}]]]
    const call = Buffer.from("95a463616c6c01a168019192a16381a95f5f70726f746f5f5f01", "hex");
    expect(() => decodeLinkFrame(call)).toThrow(expect.objectContaining({ code: "LINK_PROTOCOL" }));
  });
});
