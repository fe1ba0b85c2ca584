import { type Command, commands, type ErrorCode, type Scope } from "@websocket-center/protocol";
import { CenterError } from "../../errors.js";
import { MAX_CALL_TIMEOUT_MS } from "../../config/options.js";
import { type ClassicCall, readEvent } from "../../http/classic-request.js";
import { isOver, type ParamLimits } from "../../http/classic-params.js";
import {
  asBody,
  type JsonObject,
  jsonText,
  MAX_BODY_DEPTH,
  type ParsedJson,
  parseJson,
} from "../../http/json-body.js";
import { JsonNumber, numberTextOf } from "../../http/json-numbers.js";
import type { Need } from "../../http/access.js";
import { checkCommand } from "../../rpc/check-command.js";

/** What a line asks for. `id` is the JSON text of the caller's id; `event` stands for a line of the classic kind. */
export interface BatchLine {
  id: string;
  need: Need;
  command: Command;
  event?: Extract<ClassicCall, { kind: "command" }>;
  timeoutMs: number | undefined;
}

/** `id` is `null` where the line has none that can be read. */
export type BatchReading = { ok: true; line: BatchLine } | { ok: false; id: string; error: LineError };

export interface LineError {
  code: ErrorCode;
  message: string;
}

/** Far more than ids need. They are kept until their commands are answered. */
const MAX_ID_LENGTH = 512;

type MemberName = "id" | "command" | "event" | "params" | "timeoutMs";
const memberNames: ReadonlySet<string> = new Set([
  "id",
  "command",
  "event",
  "params",
  "timeoutMs",
] satisfies MemberName[]);

/**
 * Reads one line of a batch: a JSON object with an id, and a command or an event with its parameters.
 * @param bytes - how long the line is as UTF-8.
 */
export function readBatchLine(text: string, bytes: number, limits: ParamLimits): BatchReading {
  const parsed = parseLine(text);
  if (!parsed.ok) return invalid("null", `the line ${parsed.problem}`);
  const given = asBody(parsed.value);
  if (!given.ok) return invalid("null", "the line is not a JSON object");
  const { id: givenId, command, event, params, timeoutMs } = membersOf(given.body);
  const id = idTextOf(text, givenId);
  if (id === undefined) {
    return invalid("null", `id: expected a string or a number, of ${MAX_ID_LENGTH} characters at most`);
  }
  for (const name of Object.keys(given.body)) {
    if (!memberNames.has(name)) {
      return invalid(id, "expected nothing but id, command or event, params and timeoutMs");
    }
  }
  if (timeoutMs !== undefined && !isTimeout(timeoutMs)) {
    return invalid(id, `timeoutMs: expected a whole number from 1 to ${MAX_CALL_TIMEOUT_MS}`);
  }
  if (typeof command === "string" && event === undefined) {
    return readCommand({ id, name: command, params, timeoutMs }, bytes, limits);
  }
  if (typeof event === "string" && command === undefined) {
    return readClassic({ id, name: event, params: exactParams(text, params), timeoutMs }, limits);
  }
  return invalid(id, "expected the name of a command in command, or of an event in event");
}

/** A line as its members say. */
interface Given {
  id: string;
  name: string;
  params: unknown;
  timeoutMs: number | undefined;
}

/** Short lines cannot nest deep, and commands have no numbers that could lose digits. */
function parseLine(text: string): ParsedJson {
  if (text.length > MAX_BODY_DEPTH) return parseJson(text);
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    // It fails again, with a problem that repeats nothing of the line.
    return parseJson(text);
  }
}

/** The parameters of an event, whose numbers keep their digits. */
function exactParams(text: string, params: unknown): unknown {
  const parsed = params === undefined ? undefined : parseJson(text);
  return parsed?.ok === true ? membersOf(parsed.value as JsonObject).params : params;
}

/** Own members: what `Object.prototype` has is none. All names are other than those there. */
function membersOf(line: JsonObject): Partial<Record<MemberName, unknown>> {
  return line;
}

function readCommand(
  { id, name, params, timeoutMs }: Given,
  bytes: number,
  limits: ParamLimits,
): BatchReading {
  try {
    const command = checkCommand(name, params ?? {});
    // A short line holds nothing that is long.
    const isShort = bytes <= limits.maxIdBytes && bytes <= limits.maxMessageBytes;
    const problem = isShort ? undefined : overLimit(command, limits);
    if (problem !== undefined) return invalid(id, `${name}: ${problem}`);
    return { ok: true, line: { id, need: { scope: scopeOf(command), what: name }, command, timeoutMs } };
  } catch (error) {
    if (!(error instanceof CenterError)) throw error;
    return { ok: false, id, error };
  }
}

function readClassic({ id, name, params, timeoutMs }: Given, limits: ParamLimits): BatchReading {
  const event = readEvent(name, params, limits);
  switch (event.kind) {
    case "command": {
      const { command } = event;
      const need = { scope: scopeOf(command), what: name };
      return { ok: true, line: { id, need, command, event, timeoutMs } };
    }
    case "unknown":
      return { ok: false, id, error: { code: "UNKNOWN_COMMAND", message: event.message } };
    case "invalid":
      return invalid(id, event.message);
  }
}

/** The limits that the classic API sets for its parameters. */
function overLimit({ params }: Command, { maxIdBytes, maxMessageBytes }: ParamLimits): string | undefined {
  for (const [key, value] of Object.entries(params)) {
    const maxBytes = key === "message" ? maxMessageBytes : maxIdBytes;
    if (typeof value === "string") {
      if (isOver(value, maxBytes)) return `${key}: is over ${maxBytes} bytes`;
    } else if (Array.isArray(value) && value.some((id) => isOver(id, maxBytes))) {
      return `${key}: one is over ${maxBytes} bytes`;
    }
  }
  return undefined;
}

function scopeOf({ name }: Command): Scope {
  return commands[name].scope;
}

function invalid(id: string, message: string): BatchReading {
  return { ok: false, id, error: { code: "INVALID_PARAMS", message } };
}

function isTimeout(given: unknown): given is number {
  return typeof given === "number" && Number.isInteger(given) && given >= 1 && given <= MAX_CALL_TIMEOUT_MS;
}

/** An id that stands first, as most callers write it: a number, or a string without escapes. */
const firstId = /^\s*\{\s*"id"\s*:\s*("[^"\\]*"|-?[0-9][0-9.eE+-]*)\s*[,}]/;

/** The JSON text of an id, as it stands in the line; undefined where it is none. */
function idTextOf(line: string, id: unknown): string | undefined {
  const isNumber = typeof id === "number" || id instanceof JsonNumber;
  if (!isNumber && typeof id !== "string") return undefined;
  const first = firstId.exec(line)?.[1];
  const found = first !== undefined && isTextOf(first, id) ? first : undefined;
  const text = found ?? (isNumber ? numberTextOf(line, "id") : undefined) ?? textOf(id);
  return text !== undefined && text.length <= MAX_ID_LENGTH ? text : undefined;
}

function isTextOf(text: string, id: string | number | JsonNumber): boolean {
  if (typeof id === "string") return text.startsWith('"') && text.slice(1, -1) === id;
  return id instanceof JsonNumber ? text === id.literal : Number(text) === id;
}

function textOf(id: string | number | JsonNumber): string | undefined {
  const text = jsonText(id);
  return text.ok ? text.text : undefined;
}
