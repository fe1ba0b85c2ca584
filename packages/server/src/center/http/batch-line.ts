import { type Command, commands, type ErrorCode, type Scope } from "@websocket-center/protocol";
import { CenterError } from "../../errors.js";
import { type ClassicCall, MAX_TIMEOUT_MS, readEvent } from "../../http/classic-request.js";
import type { ParamLimits } from "../../http/classic-params.js";
import { jsonText, parseJson } from "../../http/json-body.js";
import { JsonNumber } from "../../http/json-numbers.js";
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

const memberNames: ReadonlySet<string> = new Set(["id", "command", "event", "params", "timeoutMs"]);

/** Reads one line of a batch: a JSON object with an id, and a command or an event with its parameters. */
export function readBatchLine(text: string, limits: ParamLimits): BatchReading {
  const parsed = parseJson(text);
  if (!parsed.ok) return invalid("null", `the line ${parsed.problem}`);
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof JsonNumber) {
    return invalid("null", "the line is not a JSON object");
  }
  const given = value as Readonly<Record<string, unknown>>;
  const id = idTextOf(text, own(given, "id"));
  if (id === undefined) {
    return invalid("null", `id: expected a string or a number, of ${MAX_ID_LENGTH} characters at most`);
  }
  for (const name of Object.keys(given)) {
    if (!memberNames.has(name)) {
      return invalid(id, "expected nothing but id, command or event, params and timeoutMs");
    }
  }
  const timeoutMs = own(given, "timeoutMs");
  if (timeoutMs !== undefined && !isTimeout(timeoutMs)) {
    return invalid(id, `timeoutMs: expected a whole number from 1 to ${MAX_TIMEOUT_MS}`);
  }
  const name = own(given, "command");
  const event = own(given, "event");
  if (typeof name === "string" && event === undefined) {
    return readCommand(id, name, own(given, "params") ?? {}, timeoutMs);
  }
  if (typeof event === "string" && name === undefined) {
    return readClassic(id, event, own(given, "params"), timeoutMs, limits);
  }
  return invalid(id, "expected the name of a command in command, or of an event in event");
}

function readCommand(id: string, name: string, params: unknown, timeoutMs: number | undefined): BatchReading {
  try {
    const command = checkCommand(name, params);
    return {
      ok: true,
      line: { id, need: { scope: commands[command.name].scope, what: name }, command, timeoutMs },
    };
  } catch (error) {
    if (!(error instanceof CenterError)) throw error;
    return { ok: false, id, error };
  }
}

function readClassic(
  id: string,
  name: string,
  params: unknown,
  timeoutMs: number | undefined,
  limits: ParamLimits,
): BatchReading {
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

function scopeOf({ name }: Command): Scope {
  return commands[name].scope;
}

function invalid(id: string, message: string): BatchReading {
  return { ok: false, id, error: { code: "INVALID_PARAMS", message } };
}

function own(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isTimeout(given: unknown): given is number {
  return typeof given === "number" && Number.isInteger(given) && given >= 1 && given <= MAX_TIMEOUT_MS;
}

/** An id that stands first, as most callers write it: a number, or a string without escapes. */
const firstId = /^\s*\{\s*"id"\s*:\s*("[^"\\]*"|-?[0-9][0-9.eE+-]*)\s*[,}]/;

/** The JSON text of an id, as it stands in the line; undefined where it is none. */
function idTextOf(line: string, id: unknown): string | undefined {
  const isNumber = typeof id === "number" || id instanceof JsonNumber;
  if (!isNumber && typeof id !== "string") return undefined;
  const found = firstId.exec(line)?.[1];
  const text = found !== undefined && isTextOf(found, id) ? found : textOf(id);
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
