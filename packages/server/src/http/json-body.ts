import { isUtf8 } from "node:buffer";
import { messageOf } from "../errors.js";
import { JsonNumber, markNumbers, restoreNumbers, scanJson } from "./json-numbers.js";
import { invalidText, isQueryList, QueryMap } from "./query.js";

export type JsonValue = string | number | boolean | null | JsonNumber | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export type JsonBody = { ok: true; body: JsonObject } | { ok: false; message: string };

/** How deep a body may nest. Keeps parsers from running out of stack, and JSON.parse from seconds of work. */
export const MAX_BODY_DEPTH = 1024;

/**
 * Parses a request body: JSON in UTF-8 that is an object. An empty body and `[]` are `{}`.
 *
 * It may nest {@link MAX_BODY_DEPTH} deep. Numbers without an exponent keep every digit, in a {@link JsonNumber} where a
 * JS number would lose some; the last of a key counts.
 */
export function parseJsonBody(bytes: Buffer): JsonBody {
  if (bytes.length === 0) return { ok: true, body: {} };
  if (!isUtf8(bytes)) return { ok: false, message: "the body is not UTF-8" };
  const parsed = parseJson(bytes.toString("utf8"));
  return parsed.ok ? asBody(parsed.value) : { ok: false, message: `the body ${parsed.problem}` };
}

export type ParsedJson = { ok: true; value: unknown } | { ok: false; problem: string };

/** Parses JSON as {@link parseJsonBody} does, whatever it is. */
export function parseJson(text: string): ParsedJson {
  const { isTooDeep, longNumbers } = scanJson(text, MAX_BODY_DEPTH);
  if (isTooDeep) return { ok: false, problem: `is nested deeper than ${MAX_BODY_DEPTH}` };
  try {
    if (longNumbers.length === 0) return { ok: true, value: JSON.parse(text) };
    return { ok: true, value: restoreNumbers(JSON.parse(markNumbers(text, longNumbers))) };
  } catch (error) {
    const position = longNumbers.length === 0 ? positionIn(messageOf(error)) : "";
    return { ok: false, problem: `is not valid JSON${position}` };
  }
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

/** V8 quotes the text around an error, which may hold secrets: only the position is passed on. */
function positionIn(message: string): string {
  const position = /at position \d+/.exec(message);
  return position === null ? "" : ` (${position[0]})`;
}

/** How deep a message may nest: PHP's default for JSON. */
export const MAX_MESSAGE_DEPTH = 512;

export type JsonText = { ok: true; text: string } | { ok: false; problem: string };

/**
 * The JSON text of a value of a body or of a query; big integers digit for digit.
 *
 * Fails where it nests deeper than {@link MAX_MESSAGE_DEPTH}, holds bytes that are not UTF-8, or holds a number that
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
const tooDeep: Survey = { problem: `is nested deeper than ${MAX_MESSAGE_DEPTH}` };
const notJson: Survey = { problem: "has a value that JSON cannot hold" };

/** Whether JSON.stringify may write `value`, or our own writer must, or none can. */
function survey(value: unknown, depth: number): Survey {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return "plain";
  if (typeof value === "number") return Number.isFinite(value) ? "plain" : notFinite;
  if (value === invalidText) return notUtf8;
  if (typeof value !== "object") return notJson;
  if (value instanceof JsonNumber) return "special";
  if (depth === MAX_MESSAGE_DEPTH) return tooDeep;
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
