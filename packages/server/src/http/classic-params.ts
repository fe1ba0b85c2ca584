import { type ClassicParam, MAX_CLOSE_REASON_BYTES, utf8Length } from "@websocket-center/protocol";
import { jsonText } from "./json-body.js";
import { JsonNumber } from "./json-numbers.js";
import { invalidText, QueryMap } from "./query.js";

/** Limits in bytes of UTF-8: of each id, and of each message. */
export interface ParamLimits {
  maxIdBytes: number;
  maxMessageBytes: number;
}

/** One parameter after it was read; `problem` says what came and what is expected, without the value itself. */
export type ParamReading =
  | { ok: true; value: string | string[] | undefined }
  | { ok: false; problem: string };

/** Reads a parameter by its kind. `given` comes from a body or a query; undefined where it is not there. */
export function readParam(param: ClassicParam, given: unknown, limits: ParamLimits): ParamReading {
  const { maxIdBytes, maxMessageBytes } = limits;
  switch (param.kind) {
    case "id":
      return readId(param, given, maxIdBytes);
    case "optionalId":
      if (isAbsent(given) || given === "" || isZero(given)) return notGiven;
      return readId(param, given, maxIdBytes);
    case "optionalConnectionId":
      if (isAbsent(given) || given === "") return notGiven;
      return readId(param, given, maxIdBytes);
    case "groupList":
      return readGroupList(param, given, maxIdBytes);
    case "message":
      return readMessage(param, given, maxMessageBytes);
    case "idList":
      return readIdList(param, given, maxIdBytes);
    case "reason":
      return readReason(param, given);
  }
}

const notGiven: ParamReading = { ok: true, value: undefined };

function isAbsent(given: unknown): given is null | undefined {
  return given === undefined || given === null;
}

function isZero(given: unknown): boolean {
  return given === 0 || (given instanceof JsonNumber && given.literal === "-0");
}

function readId(param: ClassicParam, given: unknown, maxBytes: number): ParamReading {
  const id = idText(given, maxBytes);
  return typeof id === "string" ? { ok: true, value: id } : refuse(param, id.problem);
}

function readGroupList(param: ClassicParam, given: unknown, maxBytes: number): ParamReading {
  const text = wellFormedText(given);
  if (typeof text !== "string") return refuse(param, text.problem);
  const groupIds = text.split(",").filter((groupId) => groupId !== "");
  if (groupIds.length === 0) return refuse(param, "has no group in it");
  for (const groupId of groupIds) {
    if (isOver(groupId, maxBytes)) return refuse(param, tooLong(groupId, maxBytes, "has a group id of"));
  }
  return { ok: true, value: groupIds };
}

function readMessage(param: ClassicParam, given: unknown, maxBytes: number): ParamReading {
  if (isAbsent(given) || given === invalidText) return refuse(param, nameOf(given));
  let text: string;
  if (typeof given === "string") {
    if (loneSurrogate.test(given)) return refuse(param, hasLoneSurrogate);
    text = given;
  } else {
    const json = jsonText(given);
    if (!json.ok) return refuse(param, json.problem);
    text = json.text;
  }
  return isOver(text, maxBytes) ? refuse(param, tooLong(text, maxBytes)) : { ok: true, value: text };
}

function readIdList(param: ClassicParam, given: unknown, maxBytes: number): ParamReading {
  if (isAbsent(given)) return { ok: true, value: [] };
  if (typeof given === "boolean" || given === invalidText) return refuse(param, nameOf(given));
  const ids: string[] = [];
  let position = 0;
  for (const item of listItems(given)) {
    if (item !== "") {
      const id = idText(item, maxBytes);
      if (typeof id !== "string") return refuse(param, `has item ${position}, which ${id.problem}`);
      ids.push(id);
    }
    position += 1;
  }
  return { ok: true, value: ids };
}

/** The values of a list, of an object in its order, or the one value that stands for a list of one. */
function listItems(given: unknown): Iterable<unknown> {
  if (Array.isArray(given)) return given;
  if (given instanceof QueryMap) return given.values();
  if (typeof given === "object" && given !== null && !(given instanceof JsonNumber))
    return Object.values(given);
  return [given];
}

function readReason(param: ClassicParam, given: unknown): ParamReading {
  if (isAbsent(given)) return { ok: true, value: "" };
  const text = wellFormedText(given);
  if (typeof text !== "string") return refuse(param, text.problem);
  if (isOver(text, MAX_CLOSE_REASON_BYTES)) return refuse(param, tooLong(text, MAX_CLOSE_REASON_BYTES));
  return { ok: true, value: text };
}

interface Problem {
  problem: string;
}

/** With the `u` flag, surrogates that form a pair are one character, which is none. */
const loneSurrogate = /\p{Surrogate}/u;
const hasLoneSurrogate = "has a lone surrogate";

function idText(given: unknown, maxBytes: number): string | Problem {
  const text = wellFormedText(given);
  if (typeof text !== "string") return text;
  if (text === "") return { problem: "is empty" };
  return isOver(text, maxBytes) ? { problem: tooLong(text, maxBytes) } : text;
}

/** A string without lone surrogates, or the decimal text of a number. */
function wellFormedText(given: unknown): string | Problem {
  if (typeof given === "string") return loneSurrogate.test(given) ? { problem: hasLoneSurrogate } : given;
  if (given instanceof JsonNumber) return given.literal;
  if (typeof given === "number") return decimalText(given) ?? { problem: "is a number that is too large" };
  return { problem: nameOf(given) };
}

/**
 * A number's decimal text without an exponent: `1e21` is 1 and 21 zeros, `1e-7` is `0.0000001`. Undefined where it
 * is infinite.
 */
export function decimalText(number: number): string | undefined {
  if (!Number.isFinite(number)) return undefined;
  const text = String(number);
  const exponent = text.indexOf("e");
  if (exponent === -1) return text;
  if (Number.isInteger(number)) return BigInt(number).toString();
  const sign = number < 0 ? "-" : "";
  const digits = text.slice(sign.length, exponent).replace(".", "");
  return `${sign}0.${"0".repeat(-Number(text.slice(exponent + 1)) - 1)}${digits}`;
}

/** Whether a text has more bytes of UTF-8. */
export function isOver(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && utf8Length(text) > maxBytes;
}

function tooLong(text: string, maxBytes: number, has = "has"): string {
  return `${has} ${utf8Length(text)} bytes, more than ${maxBytes}`;
}

function nameOf(given: unknown): string {
  if (given === undefined) return "is missing";
  if (given === null) return "is null";
  if (given === invalidText) return "is not UTF-8, or nested too deep";
  if (typeof given === "boolean") return "is a boolean";
  return Array.isArray(given) ? "is a list" : "is an object";
}

function refuse(param: ClassicParam, problem: string): ParamReading {
  return { ok: false, problem: `parameter "${param.name}" ${problem}; expected ${expected(param)}` };
}

function expected(param: ClassicParam): string {
  switch (param.kind) {
    case "id":
    case "optionalId":
    case "optionalConnectionId":
      return `a ${idName(param.name)} id (text or number)`;
    case "groupList":
      return "a comma list of group ids";
    case "message":
      return "a message (text, or anything but null for its JSON text)";
    case "idList":
      return `a list of ${idName(param.name)} ids`;
    case "reason":
      return `a close reason (text of at most ${MAX_CLOSE_REASON_BYTES} bytes)`;
  }
}

function idName(name: string): string {
  if (name === "_id" || name === "exclude_Ids") return "connection";
  return name === "groupId" ? "group" : "user";
}
