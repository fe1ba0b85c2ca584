import type { Ask } from "./http.js";
import type { EventCall, Step } from "./history-steps.js";
import { isList, isMap, parseQuery, toJson, toQuery } from "./values.js";
import type { Value, ValueMap } from "./values.js";

type Call = Extract<Step, { kind: "call" }>;

export interface HistoryRequest {
  readonly ask: Ask;
  /** What the request holds by name, the body before the query. */
  readonly fields: ValueMap;
}

/** The request that makes a call, with `@n` replaced by the ids that `ids` has. */
export function requestOf(call: Call, ids: readonly string[]): HistoryRequest {
  const calls = call.calls.map(({ name, holder }): EventCall => {
    return { name, holder: holder === undefined ? undefined : filled(holder, ids) };
  });
  const names = calls.map(({ name }) => name).join(call.comma);
  const inQuery = (list: readonly EventCall[]): string[] =>
    list.flatMap(({ name, holder }) =>
      holder === undefined ? [] : toQuery(encodeURIComponent(name), holder),
    );
  const inBody = (list: readonly EventCall[]): [string, Value][] =>
    list.flatMap(({ name, holder }): [string, Value][] => (holder === undefined ? [] : [[name, holder]]));
  const event = `event=${encodeURIComponent(names)}`;
  switch (call.form) {
    case "query":
      return build([event, ...inQuery(calls)], undefined);
    case "body":
      return build([], [["event", names], ...inBody(calls)]);
    case "event in the query":
      return build([event], inBody(calls));
    case "decoys in the query":
      return build(
        ["event=getIds", ...calls.map(({ name }) => `${encodeURIComponent(name)}[id]=decoy`)],
        [...inBody(calls), ["event", names]],
      );
    case "first event in the query":
      return build([...inQuery(calls.slice(0, 1)), event], inBody(calls.slice(1)));
  }
}

function build(query: readonly string[], body: readonly [string, Value][] | undefined): HistoryRequest {
  const text = query.join("&");
  const path = `/?${text}`;
  const fields = new Map([...parseQuery(text), ...(body ?? [])]);
  if (body === undefined) {
    return { ask: { path }, fields };
  }
  return { ask: { method: "POST", path, body: toJson(new Map(body)) }, fields };
}

function filled(value: Value, ids: readonly string[]): Value {
  if (isList(value)) {
    return value.map((item) => filled(item, ids));
  }
  if (isMap(value)) {
    return new Map([...value].map(([key, item]) => [key, filled(item, ids)]));
  }
  const index = typeof value === "string" ? /^@(\d)$/.exec(value)?.[1] : undefined;
  return index === undefined || ids.length === 0 ? value : (ids[Number(index) % ids.length] ?? value);
}
