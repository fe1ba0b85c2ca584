import { isList, isMap, Num, toJson } from "./values.js";
import type { Value } from "./values.js";

/** What the contract's table says of one parameter. */
export type ParameterKind =
  | "id"
  | "groups"
  | "message"
  | "idList"
  /** `sendToClient`: `""`, and the number 0 for the user, mean "not given". */
  | "optionalConnection"
  | "optionalUser"
  | "reason";

export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
}

const id = (name: string): Parameter => ({ name, kind: "id" });
const message = (name: string): Parameter => ({ name, kind: "message" });
const idList = (name: string): Parameter => ({ name, kind: "idList" });
const groups: Parameter = { name: "groupId", kind: "groups" };
const reason: Parameter = { name: "reason", kind: "reason" };

/** The parameters of every event, in the order of the contract's table. */
export const events: ReadonlyMap<string, readonly Parameter[]> = new Map<string, readonly Parameter[]>([
  ["getConnectionCount", []],
  ["get_IdCount", []],
  ["get_Ids", []],
  ["getIds", []],
  ["getBindIds", []],
  ["getIdCount", []],
  ["getBindIdCount", []],
  ["getBind_Ids", []],
  ["getBind_IdCount", []],
  ["getBind_IdsById", [id("id")]],
  ["getIdBy_Id", [id("_id")]],
  ["get_IdData", [id("_id")]],
  ["isOnlineId", [id("id")]],
  ["isOnline_Id", [id("_id")]],
  ["bindId", [id("id"), id("_id")]],
  ["unBindId", [id("id")]],
  ["unBind_Id", [id("_id")]],
  ["joinGroupById", [groups, id("id")]],
  ["joinGroupBy_Id", [id("groupId"), id("_id")]],
  ["leaveGroupById", [groups, id("id")]],
  ["leaveGroupBy_Id", [id("groupId"), id("_id")]],
  ["leaveAllGroupById", [id("id")]],
  ["leaveAllGroupBy_Id", [id("_id")]],
  ["getGroupIds", []],
  ["getGroupIdsById", [id("id")]],
  ["getGroupIdsBy_Id", [id("_id")]],
  ["getGroupCountById", [id("id")]],
  ["getGroupCountBy_Id", [id("_id")]],
  ["isInGroupById", [id("groupId"), id("id")]],
  ["isInGroupBy_Id", [id("groupId"), id("_id")]],
  ["getGroupIdCount", [id("groupId")]],
  ["getGroup_IdCount", [id("groupId")]],
  ["sendMessageToId", [id("id"), message("msg"), idList("exclude_Ids")]],
  ["sendMessageTo_Id", [id("_id"), message("msg")]],
  [
    "sendToClient",
    [
      { name: "_id", kind: "optionalConnection" },
      message("msg"),
      { name: "id", kind: "optionalUser" },
      idList("exclude_Ids"),
    ],
  ],
  ["sendToGroup", [id("groupId"), message("msg"), idList("excludeIds"), idList("exclude_Ids")]],
  ["sendMessageToGroupByOnlyId", [id("id"), message("msg"), idList("exclude_Ids")]],
  ["sendMessageToGroupByOnly_Id", [id("_id"), message("msg"), idList("exclude_Ids")]],
  ["broadcast", [message("msg"), idList("exclude_Ids")]],
  ["randSendToConnection", [message("data")]],
  ["broadcastToGroupOnce", [id("groupId"), message("data")]],
  ["closeById", [id("id"), reason]],
  ["closeBy_Id", [id("_id"), reason]],
]);

/** Checked parameters of one event; `undefined` fields are those that the event does not have. */
export interface Parameters {
  readonly text: ReadonlyMap<string, string>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

const maxIdBytes = 512;
const maxMessageBytes = 1 << 20;

/** Checks what stands under an event's name; undefined is the contract's "parameter error". */
export function check(event: string, given: Value | undefined): Parameters | undefined {
  const wanted = events.get(event) ?? [];
  const holder = given ?? [];
  if (!isList(holder) && !isMap(holder)) {
    return undefined;
  }
  const text = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  for (const [position, { name, kind }] of wanted.entries()) {
    const value = isList(holder) ? holder[position] : holder.get(name);
    const checked = checkOne(kind, value ?? null);
    if (checked === undefined) {
      return undefined;
    }
    if (typeof checked === "string") {
      text.set(name, checked);
    } else {
      lists.set(name, checked);
    }
  }
  if (event === "sendToClient" && text.get("_id") === "" && text.get("id") === "") {
    return undefined;
  }
  return { text, lists };
}

function checkOne(kind: ParameterKind, value: Value): string | readonly string[] | undefined {
  switch (kind) {
    case "id":
      return idOf(value);
    case "groups":
      return groupsOf(value);
    case "message":
      return messageOf(value);
    case "idList":
      return idListOf(value);
    case "optionalConnection":
      return value === null || value === "" ? "" : idOf(value);
    case "optionalUser":
      return value === null || value === "" || isZero(value) ? "" : idOf(value);
    case "reason":
      return value === null ? "" : typeof value === "string" ? value : undefined;
  }
}

function isZero(value: Value): boolean {
  return value instanceof Num && value.text === "0";
}

function idOf(value: Value): string | undefined {
  const text = value instanceof Num ? value.text : value;
  const good =
    typeof text === "string" && text !== "" && isWellFormed(text) && Buffer.byteLength(text) <= maxIdBytes;
  return good ? text : undefined;
}

function groupsOf(value: Value): readonly string[] | undefined {
  const text = value instanceof Num ? value.text : value;
  if (typeof text !== "string") {
    return undefined;
  }
  const items = text.split(",").filter((item) => item !== "");
  return items.length > 0 && items.every((item) => idOf(item) !== undefined) ? items : undefined;
}

function messageOf(value: Value): string | undefined {
  if (value === null) {
    return undefined;
  }
  const text = typeof value === "string" ? value : toJson(value);
  return isWellFormed(text) && Buffer.byteLength(text) <= maxMessageBytes ? text : undefined;
}

function idListOf(value: Value): readonly string[] | undefined {
  if (value === null) {
    return [];
  }
  const items = isList(value) ? value : isMap(value) ? [...value.values()] : [value];
  const ids = items.filter((item) => item !== "").map(idOf);
  return ids.every((item) => item !== undefined) ? ids : undefined;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
