import { expect, test } from "vitest";
import { encodeMessage, encodePong, pingFrame } from "../../src/node/frame.js";

const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;

/** Headers by RFC 6455, 5.2: FIN and opcode, then no mask bit and the length in 7, 7+16 or 7+64 bits. */
const lengths: [length: number, header: number[]][] = [
  [0, [0]],
  [1, [1]],
  [125, [125]],
  [126, [126, 0, 126]],
  [65_535, [126, 0xff, 0xff]],
  [65_536, [127, 0, 0, 0, 0, 0, 1, 0, 0]],
  [1_048_577, [127, 0, 0, 0, 0, 0, 0x10, 0, 1]],
];

test.each(lengths)("a text of %i bytes has its length in the shortest form", (length, header) => {
  const text = "x".repeat(length);
  const { bytes, payload, opcode } = encodeMessage(text);
  expect([...bytes.subarray(0, 1 + header.length)]).toEqual([FINAL_TEXT, ...header]);
  expect(bytes.length).toBe(1 + header.length + length);
  expect(payload.toString()).toBe(text);
  expect(bytes.subarray(1 + header.length).equals(payload)).toBe(true);
  expect(opcode).toBe(1);
});

test.each(lengths)("%i bytes are a binary frame with the same header", (length, header) => {
  const message = new Uint8Array(length).fill(0xa5);
  const { bytes, payload, opcode } = encodeMessage(message);
  expect([...bytes.subarray(0, 1 + header.length)]).toEqual([FINAL_BINARY, ...header]);
  expect(payload.equals(message)).toBe(true);
  expect(opcode).toBe(2);
});

test("the length of a text is counted in UTF-8 bytes", () => {
  const { bytes, payload } = encodeMessage("é用😀");
  expect([...bytes.subarray(0, 2)]).toEqual([FINAL_TEXT, 9]);
  expect(payload.toString()).toBe("é用😀");
});

test("63 characters of two bytes need the longer header", () => {
  expect([...encodeMessage("é".repeat(63)).bytes.subarray(0, 4)]).toEqual([FINAL_TEXT, 126, 0, 126]);
});

test("a frame keeps its bytes when the caller changes its own afterwards", () => {
  const message = new Uint8Array([1, 2, 3]);
  const { payload } = encodeMessage(message);
  message.fill(9);
  expect([...payload]).toEqual([1, 2, 3]);
});

test("the heartbeat's ping is a final control frame without payload", () => {
  expect([...pingFrame.bytes]).toEqual([0x89, 0]);
});

test("a pong is a final control frame that carries the bytes of its ping", () => {
  expect([...encodePong(Buffer.from("ab")).bytes]).toEqual([0x8a, 2, 0x61, 0x62]);
});
