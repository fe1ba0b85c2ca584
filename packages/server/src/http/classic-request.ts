import {
  type ClassicEvent,
  type ClassicParams,
  type Command,
  findClassicEvent,
  type Scope,
} from "@websocket-center/protocol";
import { MAX_CALL_TIMEOUT_MS } from "../config/options.js";
import type { Need } from "./access.js";
import { type ParamLimits, readParam } from "./classic-params.js";
import type { JsonObject } from "./json-body.js";
import { JsonNumber } from "./json-numbers.js";
import { invalidText, isQueryList, QueryMap } from "./query.js";

/** One event of a request. `toValue` turns the command's result into the classic value. */
export type ClassicCall =
  | { event: string; kind: "command"; command: Command; toValue: (result: unknown) => unknown }
  | { event: string; kind: "unknown"; message: string }
  | { event: string; kind: "invalid"; message: string };

/** The events in the order to run them in, each name once; `timeoutMs` where the caller set this call's deadline. */
export interface ClassicRequest {
  events: ClassicCall[];
  timeoutMs?: number;
}

export type ClassicReading = { ok: true; request: ClassicRequest } | { ok: false; message: string };

/** Far more than there are events. Each name of a request stands in its answer once for each node. */
const MAX_EVENTS = 1000;

/** How much of a name that a caller sent is repeated in a message. */
const SHOWN_NAME_LENGTH = 64;

/**
 * Reads the events of a request and their parameters, each from the body where it has the key, else from the query.
 *
 * A bad parameter spoils its own event only; what spoils the request is an `event` that names nothing, and a bad
 * `timeoutMs`.
 *
 * @param body - undefined where the method has none.
 */
export function readClassicRequest(
  query: QueryMap,
  body: JsonObject | undefined,
  limits: ParamLimits,
): ClassicReading {
  const names = eventNames(lookUp("event", query, body));
  if (names === undefined) return { ok: false, message: "event error" };
  const timeout = query.get("timeoutMs");
  const timeoutMs = timeout === undefined ? undefined : readTimeout(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    return {
      ok: false,
      message: `timeoutMs error: expected a whole number from 1 to ${MAX_CALL_TIMEOUT_MS}`,
    };
  }
  const events = names.map((name) => readEvent(name, lookUp(name, query, body), limits));
  return { ok: true, request: timeoutMs === undefined ? { events } : { events, timeoutMs } };
}

/** The first thing that the request asks for beyond these scopes, if any; events that are unknown need nothing. */
export function needBeyond(scopes: ReadonlySet<Scope>, request: ClassicRequest): Need | undefined {
  for (const { event } of request.events) {
    const known = findClassicEvent(event);
    if (known !== undefined && !scopes.has(known.scope)) return { scope: known.scope, what: event };
  }
  return undefined;
}

/**
 * Why a node's own port runs nothing of the request: the first bad parameter of any event, or that no event is
 * known. Undefined where it may run.
 */
export function refusalByNode(request: ClassicRequest): string | undefined {
  const invalid = request.events.find((call) => call.kind === "invalid");
  if (invalid?.kind === "invalid") return invalid.message;
  const unknown = request.events.filter((call) => call.kind === "unknown");
  if (unknown.length < request.events.length) return undefined;
  return unknown[0]?.message;
}

/** Own keys of the body come first, even where they hold null; undefined where neither has the key. */
function lookUp(key: string, query: QueryMap, body: JsonObject | undefined): unknown {
  return body !== undefined && Object.hasOwn(body, key) ? body[key] : query.get(key);
}

/** The names in order, each once; undefined where there is none or too many, or `event` is `"0"` or no string. */
function eventNames(event: unknown): string[] | undefined {
  if (typeof event !== "string" || event === "0") return undefined;
  if (!event.includes(",")) {
    const name = event.trim();
    return name === "" ? undefined : [name];
  }
  const names = new Set<string>();
  for (const part of event.split(",")) {
    const name = part.trim();
    if (name !== "") names.add(name);
  }
  return names.size === 0 || names.size > MAX_EVENTS ? undefined : [...names];
}

function readTimeout(given: unknown): number | undefined {
  if (typeof given !== "string" || !/^[0-9]{1,9}$/.test(given)) return undefined;
  const timeoutMs = Number(given);
  return timeoutMs >= 1 && timeoutMs <= MAX_CALL_TIMEOUT_MS ? timeoutMs : undefined;
}

/** Reads one event, whose parameters are `given` by name or by position. */
export function readEvent(name: string, given: unknown, limits: ParamLimits): ClassicCall {
  const event = findClassicEvent(name);
  if (event === undefined) return { event: name, kind: "unknown", message: `unknown event "${shown(name)}"` };
  const kind = kindOf(given);
  if (kind === undefined) {
    return invalid(name, "the parameters are neither an object (by name) nor a list (by position)");
  }
  const params: ClassicParams = {};
  let position = 0;
  for (const param of event.params) {
    const reading = readParam(param, find(kind, given, param.name, position), limits);
    if (!reading.ok) return invalid(name, reading.problem);
    params[param.name] = reading.value;
    position += 1;
  }
  const command = event.toCommand(params);
  if (command === undefined) {
    return invalid(name, `neither ${optionalNames(event)} is given; expected one of them`);
  }
  return { event: name, kind: "command", command, toValue: event.toValue };
}

function invalid(event: string, problem: string): ClassicCall {
  return { event, kind: "invalid", message: `${event}: ${problem}` };
}

/** As what the parameters of an event were given: in a list by position, else by name. */
type ParamsKind = "none" | "list" | "query" | "queryList" | "object";

function kindOf(given: unknown): ParamsKind | undefined {
  if (given === undefined || given === null) return "none";
  if (given === invalidText || given instanceof JsonNumber || typeof given !== "object") return undefined;
  if (Array.isArray(given)) return "list";
  if (given instanceof QueryMap) return isQueryList(given) ? "queryList" : "query";
  return "object";
}

function find(kind: ParamsKind, given: unknown, name: string, position: number): unknown {
  switch (kind) {
    case "none":
      return undefined;
    case "list":
      return (given as readonly unknown[])[position];
    case "query":
      return (given as QueryMap).get(name);
    case "queryList":
      return (given as QueryMap).get(String(position));
    case "object":
      return Object.hasOwn(given as JsonObject, name) ? (given as JsonObject)[name] : undefined;
  }
}

function optionalNames(event: ClassicEvent): string {
  const names = event.params.filter(({ kind }) => kind === "optionalId" || kind === "optionalConnectionId");
  return names.map(({ name }) => `"${name}"`).join(" nor ");
}

function shown(name: string): string {
  return name.length <= SHOWN_NAME_LENGTH ? name : `${name.slice(0, SHOWN_NAME_LENGTH)}...`;
}
