import { isUtf8 } from "node:buffer";
import { parse as parseLossless } from "lossless-json";
import { messageOf } from "../errors.js";
import { invalidText, isQueryList, QueryMap } from "./query.js";

/** A number that a JS number would change, kept as it was written: one of many digits, or `-0`. */
export class JsonNumber {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }
}

export type JsonValue = string | number | boolean | null | JsonNumber | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export type JsonBody = { ok: true; body: JsonObject } | { ok: false; message: string };

/** How deep a body may nest. Keeps parsers from running out of stack, and JSON.parse from seconds of work. */
export const MAX_BODY_DEPTH = 1024;

/** Where a number may stand that JSON.parse would change: 16 digits or more, or `-0`. Strings may match too. */
const needsDigits = /[\s:,[](?:-?[0-9][0-9.]{15}|-0(?![.eE]))/;
const decimalLiteral = /^-?[0-9]+(?:\.[0-9]+)?$/;
/** So many digits every JS number keeps. */
const SAFE_DIGITS = 15;

/**
 * Parses a request body: JSON in UTF-8 that is an object. An empty body and `[]` are `{}`.
 *
 * It may nest {@link MAX_BODY_DEPTH} deep. Numbers without an exponent keep every digit, in a {@link JsonNumber} where a JS number would lose some; the last of a key counts.
 */
export function parseJsonBody(bytes: Buffer): JsonBody {
  if (bytes.length === 0) return { ok: true, body: {} };
  if (!isUtf8(bytes)) return { ok: false, message: "the body is not UTF-8" };
  if (isTooDeep(bytes)) return { ok: false, message: `the body is nested deeper than ${MAX_BODY_DEPTH}` };
  const text = bytes.toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (typeof value === "object" && value !== null && needsDigits.test(text)) {
      value = parseLossless(text, null, { parseNumber, onDuplicateKey: ({ newValue }) => newValue });
    }
  } catch (error) {
    return { ok: false, message: `the body is not valid JSON${positionIn(messageOf(error))}` };
  }
  return asBody(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `]`; with the bit 0x20, `{` and `}`. */
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** Whether brackets outside of strings nest deeper than allowed. What is no JSON may pass, or not. */
function isTooDeep(bytes: Buffer): boolean {
  if (bytes.length <= MAX_BODY_DEPTH) return false;
  let depth = 0;
  let isString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number;
    if (byte === QUOTE) isString = !isString;
    else if (isString) index += byte === BACKSLASH ? 1 : 0;
    else if ((byte & 0xdf) === OPEN) depth += 1;
    else if ((byte & 0xdf) === CLOSE) depth -= 1;
    if (depth > MAX_BODY_DEPTH) return true;
  }
  return false;
}

/** Takes a value that is parsed already, by an application's own body parser, as a body. */
export function asBody(value: unknown): JsonBody {
  if (value === undefined) return { ok: true, body: {} };
  if (Array.isArray(value) && value.length === 0) return { ok: true, body: {} };
  if (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof JsonNumber)
  ) {
    return { ok: true, body: value as JsonObject };
  }
  return { ok: false, message: "the body is not a JSON object" };
}

function parseNumber(literal: string): number | JsonNumber {
  const digits = literal.replace(/[-.]/g, "").length;
  const isKept = literal !== "-0" && (digits <= SAFE_DIGITS || !decimalLiteral.test(literal));
  const number = Number(literal);
  return isKept || (Number.isSafeInteger(number) && String(number) === literal)
    ? number
    : new JsonNumber(literal);
}

/** V8 quotes the text around an error, which may hold secrets: only the position is passed on. */
function positionIn(message: string): string {
  const position = /at position \d+/.exec(message);
  return position === null ? "" : ` (${position[0]})`;
}

/** How deep a message may nest: PHP's default for JSON. */
export const MAX_JSON_DEPTH = 512;

export type JsonText = { ok: true; text: string } | { ok: false; problem: string };

/**
 * The JSON text of a value of a body or of a query; big integers digit for digit.
 *
 * Fails where it nests deeper than {@link MAX_JSON_DEPTH}, holds bytes that are not UTF-8, or holds a number that
 * JSON cannot write (`1e400` is infinite as a JS number).
 */
export function jsonText(value: unknown): JsonText {
  const found = survey(value, 0);
  if (found === "plain") return { ok: true, text: JSON.stringify(value) };
  if (found === "special") return { ok: true, text: write(value) };
  return { ok: false, problem: found.problem };
}

type Survey = "plain" | "special" | { problem: string };

const notUtf8: Survey = { problem: "has text that is not UTF-8" };
const notFinite: Survey = { problem: "has a number that is too large" };
const tooDeep: Survey = { problem: `is nested deeper than ${MAX_JSON_DEPTH}` };
const notJson: Survey = { problem: "has a value that JSON cannot hold" };

/** Whether JSON.stringify may write `value`, or our own writer must, or none can. */
function survey(value: unknown, depth: number): Survey {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return "plain";
  if (typeof value === "number") return Number.isFinite(value) ? "plain" : notFinite;
  if (value === invalidText) return notUtf8;
  if (typeof value !== "object") return notJson;
  if (value instanceof JsonNumber) return "special";
  if (depth === MAX_JSON_DEPTH) return tooDeep;
  let all: Survey = value instanceof QueryMap ? "special" : "plain";
  for (const item of itemsOf(value)) {
    const one = survey(item, depth + 1);
    if (typeof one === "object") return one;
    if (one === "special") all = "special";
  }
  return all;
}

function itemsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value)) return value;
  return value instanceof QueryMap ? value.values() : Object.values(value);
}

function write(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof JsonNumber) return value.literal;
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (value instanceof QueryMap && isQueryList(value))
    return `[${Array.from(value.values(), write).join(",")}]`;
  const entries = value instanceof QueryMap ? [...value] : Object.entries(value);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${write(item)}`).join(",")}}`;
}
