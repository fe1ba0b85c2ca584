import { MAX_DEPTH } from "./limits.js";

const FIRST_BYTES = 8 * 1024;
/** A larger buffer is not kept for the next frame. */
const KEPT_BYTES = 1024 * 1024;
/** Shorter texts are written faster character by character, where they are ASCII. */
const SHORT_TEXT = 48;

let out: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
let at = 0;

/**
 * A value as MessagePack: null, booleans, numbers, texts, `Uint8Array`s, lists, and objects by their own enumerable keys,
 * those left out that hold undefined. Numbers take as few bytes as hold them.
 *
 * @see https://github.com/msgpack/msgpack/blob/master/spec.md
 * @throws TypeError for anything else, and RangeError for what is nested too deeply.
 */
export function encodeMessagePack(value: unknown): Buffer {
  at = 0;
  write(value, 1);
  const bytes = Buffer.allocUnsafe(at);
  out.copy(bytes, 0, 0, at);
  if (out.length > KEPT_BYTES) out = Buffer.allocUnsafeSlow(FIRST_BYTES);
  return bytes;
}

/**
 * The same, from a place in `target` on.
 * @returns where it ends; undefined where it has no room, and what is behind `from` is anything.
 */
export function encodeMessagePackInto(target: Buffer, from: number, value: unknown): number | undefined {
  const own = out;
  out = target;
  at = from;
  try {
    write(value, 1);
    return out === target ? at : undefined;
  } finally {
    out = own;
  }
}

function write(value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError("it is nested too deeply");
  switch (typeof value) {
    case "string":
      writeText(value);
      return;
    case "number":
      writeNumber(value);
      return;
    case "boolean":
      writeByte(value ? 0xc3 : 0xc2);
      return;
    case "undefined":
      writeByte(0xc0);
      return;
    case "object":
      if (value === null) writeByte(0xc0);
      else if (Array.isArray(value)) writeList(value, depth);
      else if (value instanceof Uint8Array) writeBytes(value);
      else writeObject(value, depth);
      return;
    default:
      throw new TypeError(`a ${typeof value} has no form in JSON`);
  }
}

function writeList(list: readonly unknown[], depth: number): void {
  writeSize(list.length, listHeads);
  for (const item of list) write(item, depth + 1);
}

function writeObject(object: object, depth: number): void {
  if (Object.getPrototypeOf(object) !== Object.prototype) {
    if (object instanceof Date || ArrayBuffer.isView(object)) {
      throw new TypeError(`a ${object.constructor.name} has no form in JSON`);
    }
    writeObject({ ...object }, depth);
    return;
  }
  const values = object as Readonly<Record<string, unknown>>;
  let count = 0;
  // A list of the keys would cost as much again: a plain object has none but its own.
  for (const key in values) if (values[key] !== undefined) count += 1;
  writeSize(count, mapHeads);
  for (const key in values) {
    const value = values[key];
    if (value === undefined) continue;
    writeText(key);
    write(value, depth + 1);
  }
}

function writeBytes(bytes: Uint8Array): void {
  writeSize(bytes.length, bytesHeads);
  reserve(bytes.length);
  out.set(bytes, at);
  at += bytes.length;
}

function writeText(text: string): void {
  if (text.length < SHORT_TEXT && writeAscii(text)) return;
  const length = Buffer.byteLength(text);
  writeSize(length, textHeads);
  reserve(length);
  at += out.write(text, at, "utf8");
}

/** @returns false, and writes nothing, where it is not ASCII. */
function writeAscii(text: string): boolean {
  const { length } = text;
  reserve(length + 2);
  let to = at;
  if (length < 32) {
    out[to++] = 0xa0 | length;
  } else {
    out[to++] = 0xd9;
    out[to++] = length;
  }
  for (let from = 0; from < length; from += 1) {
    const code = text.charCodeAt(from);
    if (code > 0x7f) return false;
    out[to++] = code;
  }
  at = to;
  return true;
}

function writeNumber(value: number): void {
  reserve(9);
  if (!Number.isSafeInteger(value)) {
    out[at] = 0xcb;
    at = out.writeDoubleBE(value, at + 1);
  } else if (value >= 0) {
    if (value < 0x80) out[at++] = value;
    else if (value < 0x100) writeHead(0xcc, value, 1);
    else if (value < 0x1_00_00) writeHead(0xcd, value, 2);
    else if (value < 0x1_00_00_00_00) writeHead(0xce, value, 4);
    else writeWide(0xcf, value);
  } else if (value >= -0x20) {
    out[at++] = 0x100 + value;
  } else if (value >= -0x80) {
    writeHead(0xd0, value, 1);
  } else if (value >= -0x80_00) {
    writeHead(0xd1, value, 2);
  } else if (value >= -0x80_00_00_00) {
    writeHead(0xd2, value, 4);
  } else {
    writeWide(0xd3, value);
  }
}

function writeWide(head: number, value: number): void {
  writeHead(head, Math.floor(value / 0x1_00_00_00_00), 4);
  at = out.writeUInt32BE(value >>> 0, at);
}

/** The first byte of a kind: with a short length in it, and before a length of 1, 2 and 4 bytes. */
interface Heads {
  short: number;
  maxShort: number;
  byte?: number;
  two: number;
  four: number;
}

const listHeads: Heads = { short: 0x90, maxShort: 15, two: 0xdc, four: 0xdd };
const mapHeads: Heads = { short: 0x80, maxShort: 15, two: 0xde, four: 0xdf };
const textHeads: Heads = { short: 0xa0, maxShort: 31, byte: 0xd9, two: 0xda, four: 0xdb };
const bytesHeads: Heads = { short: 0, maxShort: -1, byte: 0xc4, two: 0xc5, four: 0xc6 };

function writeSize(size: number, { short, maxShort, byte, two, four }: Heads): void {
  reserve(5);
  if (size <= maxShort) out[at++] = short | size;
  else if (byte !== undefined && size < 0x100) writeHead(byte, size, 1);
  else if (size < 0x1_00_00) writeHead(two, size, 2);
  else writeHead(four, size, 4);
}

/** There is room for it. */
function writeHead(head: number, value: number, bytes: 1 | 2 | 4): void {
  out[at++] = head;
  for (let shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out[at++] = value >> shift;
}

function writeByte(byte: number): void {
  reserve(1);
  out[at++] = byte;
}

function reserve(bytes: number): void {
  if (at + bytes <= out.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * out.length, at + bytes));
  out.copy(larger, 0, 0, at);
  out = larger;
}
