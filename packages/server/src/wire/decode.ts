import { KeyCache } from "./key-cache.js";
import { MAX_DEPTH } from "./limits.js";

/** Shorter texts are read faster character by character, where they are ASCII. */
const SHORT_TEXT = 12;

/** What is wrong with the bytes, as a predicate: "ends within a value". */
export class MessagePackFault extends Error {}

const keys = new KeyCache();
const nothing = Buffer.alloc(0);
let bytes: Buffer = nothing;
let at = 0;

/**
 * The value that the bytes are, and nothing more than that: no extension types, at most 96 levels. Nothing is set aside
 * for a count before that many bytes are known to be there.
 *
 * @see https://github.com/msgpack/msgpack/blob/master/spec.md
 * @throws MessagePackFault
 */
export function decodeMessagePack(given: Uint8Array): unknown {
  bytes = Buffer.isBuffer(given) ? given : Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  at = 0;
  try {
    const value = read(1);
    if (at < bytes.length) throw new MessagePackFault("has bytes behind its value");
    return value;
  } finally {
    bytes = nothing;
  }
}

function read(depth: number): unknown {
  const head = bytes[at];
  if (head === undefined) throw cutOff();
  at += 1;
  if (head < 0x80) return head;
  if (head >= 0xe0) return head - 0x100;
  if (head < 0x90) return readMap(head & 0x0f, depth);
  if (head < 0xa0) return readList(head & 0x0f, depth);
  if (head < 0xc0) return readText(head & 0x1f);
  switch (head) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return readBytes(readUInt(1));
    case 0xc5:
      return readBytes(readUInt(2));
    case 0xc6:
      return readBytes(readUInt(4));
    case 0xca:
      return bytes.readFloatBE(skip(4));
    case 0xcb:
      return bytes.readDoubleBE(skip(8));
    case 0xcc:
      return readUInt(1);
    case 0xcd:
      return readUInt(2);
    case 0xce:
      return readUInt(4);
    case 0xcf:
      return readUInt(4) * 0x1_00_00_00_00 + readUInt(4);
    case 0xd0:
      return bytes.readInt8(skip(1));
    case 0xd1:
      return bytes.readInt16BE(skip(2));
    case 0xd2:
      return bytes.readInt32BE(skip(4));
    case 0xd3:
      return bytes.readInt32BE(skip(4)) * 0x1_00_00_00_00 + readUInt(4);
    case 0xd9:
      return readText(readUInt(1));
    case 0xda:
      return readText(readUInt(2));
    case 0xdb:
      return readText(readUInt(4));
    case 0xdc:
      return readList(readUInt(2), depth);
    case 0xdd:
      return readList(readUInt(4), depth);
    case 0xde:
      return readMap(readUInt(2), depth);
    case 0xdf:
      return readMap(readUInt(4), depth);
    default:
      throw new MessagePackFault("has a type that is not allowed");
  }
}

function readList(count: number, depth: number): unknown[] {
  enter(count, depth);
  const list: unknown[] = [];
  for (let item = 0; item < count; item += 1) list.push(read(depth + 1));
  return list;
}

function readMap(count: number, depth: number): Record<string, unknown> {
  enter(2 * count, depth);
  const map: Record<string, unknown> = {};
  for (let entry = 0; entry < count; entry += 1) {
    const key = readKey();
    map[key] = read(depth + 1);
  }
  return map;
}

function readKey(): string {
  const head = bytes[at];
  if (head === undefined) throw cutOff();
  const isShort = head >= 0xa0 && head < 0xc0;
  if (!isShort && (head < 0xd9 || head > 0xdb)) throw new MessagePackFault("has a key that is no text");
  if (isShort) {
    const length = head & 0x1f;
    at += 1;
    const from = skip(length);
    const known = keys.find(bytes, from, length);
    if (known !== undefined) return known;
    at = from - 1;
  }
  const key = read(MAX_DEPTH) as string;
  // As a key it would set the object's prototype.
  if (key === "__proto__") throw new MessagePackFault("has the key __proto__");
  if (isShort) keys.keep(key);
  return key;
}

/** Whether a list or map of so many values may begin. */
function enter(values: number, depth: number): void {
  if (values > bytes.length - at) throw new MessagePackFault("announces more values than it holds");
  if (values > 0 && depth >= MAX_DEPTH) throw new MessagePackFault("is nested too deeply");
}

function readText(length: number): string {
  const from = skip(length);
  if (length >= SHORT_TEXT) return bytes.toString("utf8", from, at);
  let text = "";
  for (let next = from; next < at; next += 1) {
    const byte = bytes[next] ?? 0;
    if (byte > 0x7f) return bytes.toString("utf8", from, at);
    text += String.fromCharCode(byte);
  }
  return text;
}

function readBytes(length: number): Uint8Array {
  const from = skip(length);
  return bytes.subarray(from, at);
}

function readUInt(size: 1 | 2 | 4): number {
  const from = skip(size);
  if (size === 1) return bytes[from] ?? 0;
  return size === 2 ? bytes.readUInt16BE(from) : bytes.readUInt32BE(from);
}

/** Passes over so many bytes. @returns where they begin. */
function skip(length: number): number {
  const from = at;
  at += length;
  if (at > bytes.length) throw cutOff();
  return from;
}

function cutOff(): MessagePackFault {
  return new MessagePackFault("ends within a value");
}
