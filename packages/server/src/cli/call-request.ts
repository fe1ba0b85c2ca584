import {
  type ClassicEvent,
  type ClassicParam,
  classicEvents,
  findClassicEvent,
} from "@websocket-center/protocol";
import { nearestFew } from "../config/nearest.js";
import { readClassicRequest } from "../http/classic-request.js";
import { parseJsonBody } from "../http/json-body.js";
import { QueryMap } from "../http/query.js";
import { printable } from "./table.js";

/** A call that was checked against the event table. `body` is JSON text. */
export interface CallRequest {
  events: string[];
  body: string;
}

/** What the words of a command line are instead of a call. For people, and with what to do. */
export class WrongCall extends Error {}

/** One `key=value` of the command line. `json` is the JSON text of the value. */
interface Given {
  word: string;
  /** The one event that it is for, where it says so. */
  event: string | undefined;
  name: string;
  isListItem: boolean;
  json: string;
}

/**
 * Reads `EVENT[,EVENT …]` and `key=value …` as a classic call. A parameter goes to every event that takes one of its
 * name; `EVENT[key]=value` to that event alone.
 *
 * @throws WrongCall
 */
export function readCall(eventList: string, words: readonly string[]): CallRequest {
  const events = [...new Set(eventList.split(",").map((name) => name.trim()))].filter((name) => name !== "");
  if (events.length === 0) throw new WrongCall("no event is named");
  const table = new Map(events.map((name) => [name, findEvent(name)]));
  const given = words.map(readWord);
  for (const one of given) checkName(one, table);
  const members = events.map((event) => {
    const params = table.get(event)?.params ?? [];
    return `${JSON.stringify(event)}:{${params.flatMap((param) => memberOf(event, param, given)).join()}}`;
  });
  const body = `{${members.join()}}`;
  checkAsServer(events, body, table);
  return { events, body };
}

/** `sendToGroup groupId=… msg=… [excludeIds[]=…] [exclude_Ids[]=…]` */
export function usageOf(name: string, { params }: ClassicEvent): string {
  return [name, ...params.map((param) => (isOptional(param) ? `[${formOf(param)}]` : formOf(param)))].join(
    " ",
  );
}

export function formOf({ name, kind }: ClassicParam): string {
  if (kind === "idList") return `${name}[]=…`;
  return kind === "groupList" ? `${name}=…,…` : `${name}=…`;
}

function isOptional({ kind }: ClassicParam): boolean {
  return kind === "idList" || kind === "reason" || kind === "optionalId" || kind === "optionalConnectionId";
}

function findEvent(name: string): ClassicEvent {
  const event = findClassicEvent(name);
  if (event !== undefined) return event;
  const similar = nearestFew(name, Object.keys(classicEvents), 3);
  const advice =
    similar.length > 0
      ? `did you mean ${similar.join(" or ")}?`
      : "`websocket-center call --help` lists the events";
  throw new WrongCall(`there is no event "${printable(name)}": ${advice}`);
}

const wordForm = /^(?<key>[^=]*?)(?<operator>:?=)(?<value>.*)$/s;
const keyForm = /^(?:(?<event>\w+)\[(?<inner>\w+)\]|(?<name>\w+))(?<list>\[\])?$/;

function readWord(word: string): Given {
  const shown = printable(word.length > 60 ? `${word.slice(0, 60)}…` : word);
  const { key = "", operator, value = "" } = wordForm.exec(word)?.groups ?? {};
  const parts = keyForm.exec(key)?.groups;
  if (operator === undefined || parts === undefined) {
    throw new WrongCall(
      `"${shown}" is no parameter: expected key=value, key[]=value for an item of a list, or key:=JSON`,
    );
  }
  if (operator === ":=" && !isJson(value)) throw new WrongCall(`"${shown}": what follows := is no JSON`);
  return {
    word: shown,
    event: parts["event"],
    name: parts["inner"] ?? parts["name"] ?? "",
    isListItem: parts["list"] !== undefined,
    json: operator === ":=" ? value : JSON.stringify(value),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // That it is none is the answer.
    return false;
  }
}

function checkName({ event, name, word }: Given, table: ReadonlyMap<string, ClassicEvent>): void {
  const asked = event === undefined ? [...table] : [...table].filter(([known]) => known === event);
  if (asked.length === 0)
    throw new WrongCall(`"${word}": the event ${event ?? ""} is not among those called`);
  const names = asked.flatMap(([, { params }]) => params.map((param) => param.name));
  if (names.includes(name)) return;
  const [meant] = nearestFew(name, names, 1);
  const advice = meant === undefined ? "" : ` Did you mean ${meant}?`;
  throw new WrongCall(
    `${asked.map(([known]) => known).join(", ")} takes no ${name}.${advice}\n${usages(asked)}`,
  );
}

function usages(asked: Iterable<readonly [string, ClassicEvent]>): string {
  return Array.from(asked, ([name, event]) => `usage: websocket-center call ${usageOf(name, event)}`).join(
    "\n",
  );
}

/** The member of the event's parameter object, in a list; an empty list where it is not given. */
function memberOf(event: string, { name, kind }: ClassicParam, all: readonly Given[]): string[] {
  const ofName = all.filter((one) => one.name === name);
  const own = ofName.filter((one) => one.event === event);
  const given = own.length > 0 ? own : ofName.filter((one) => one.event === undefined);
  const [first] = given;
  if (first === undefined) return [];
  const key = JSON.stringify(name);
  if (given.length === 1 && !first.isListItem) return [`${key}:${first.json}`];
  if (kind === "groupList") {
    const ids = given.map(({ json }) => JSON.parse(json) as unknown).map(String);
    return [`${key}:${JSON.stringify(ids.join(","))}`];
  }
  if (kind !== "idList" && !given.some(({ isListItem }) => isListItem)) {
    throw new WrongCall(`${name} is given ${given.length} times, but ${event} takes one`);
  }
  return [`${key}:[${given.map(({ json }) => json).join()}]`];
}

/** Only the center knows its limits. */
const noLimits = { maxIdBytes: Infinity, maxMessageBytes: Infinity };

/** Reads the call as a center will. */
function checkAsServer(
  events: readonly string[],
  body: string,
  table: ReadonlyMap<string, ClassicEvent>,
): void {
  const query = new QueryMap();
  query.set("event", events.join());
  const parsed = parseJsonBody(Buffer.from(body));
  if (!parsed.ok) throw new WrongCall(parsed.message);
  const reading = readClassicRequest(query, parsed.body, noLimits);
  if (!reading.ok) throw new WrongCall(reading.message);
  for (const call of reading.request.events) {
    if (call.kind === "command") continue;
    const event = table.get(call.event);
    const usage = event === undefined ? "" : `\n${usages([[call.event, event]])}`;
    throw new WrongCall(`${printable(call.message)}${usage}`);
  }
}
