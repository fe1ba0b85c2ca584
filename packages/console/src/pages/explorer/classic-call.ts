import type { ClassicParamKind } from "@websocket-center/protocol";
import { parseJson } from "../../shared/json.ts";
import { jsonBody, type RequestBody } from "../../shared/request-body.ts";
import type { EventDoc } from "./openapi.ts";

/** An event of a request, with what was typed for its parameters. */
export interface EventCall {
  event: EventDoc;
  texts: Readonly<Record<string, string>>;
}

export interface HttpCall {
  method: "GET" | "POST";
  url: string;
  body?: RequestBody | undefined;
}

const optional: ReadonlySet<ClassicParamKind> = new Set([
  "optionalId",
  "optionalConnectionId",
  "idList",
  "reason",
]);

export function isOptional(kind: ClassicParamKind): boolean {
  return optional.has(kind);
}

/**
 * The HTTP request for some events. What tells events of a request apart is their names: each stands there once.
 * @param base - the center's, with a slash at its end.
 */
export function classicRequest(base: string, method: "GET" | "POST", calls: readonly EventCall[]): HttpCall {
  const names = calls.map(({ event }) => event.name);
  const url = new URL(base);
  url.searchParams.set("event", names.join(","));
  if (method === "POST") {
    const body = Object.fromEntries(calls.map((call) => [call.event.name, paramsOf(call)]));
    return { method, url: readable(url), body: jsonBody(body) };
  }
  for (const { event, texts } of calls) {
    for (const { name, kind } of event.params) {
      const text = texts[name] ?? "";
      if (text === "" && isOptional(kind)) continue;
      if (kind === "idList")
        for (const id of idsIn(text)) url.searchParams.append(`${event.name}[${name}][]`, id);
      else url.searchParams.set(`${event.name}[${name}]`, text);
    }
  }
  return { method, url: readable(url) };
}

/** `,` and brackets mean nothing else in a query: unescaped, one can read it. */
function readable(url: URL): string {
  return url.href.replaceAll("%2C", ",").replaceAll("%5B", "[").replaceAll("%5D", "]");
}

function paramsOf({ event, texts }: EventCall): Record<string, unknown> {
  return Object.fromEntries(
    event.params.flatMap(({ name, kind }) => {
      const text = texts[name] ?? "";
      if (text === "" && isOptional(kind)) return [];
      return [[name, valueOf(kind, text)]];
    }),
  );
}

function valueOf(kind: ClassicParamKind, text: string): unknown {
  if (kind === "idList") return idsIn(text);
  if (kind !== "message") return text;
  const parsed = /^[[{]/.test(text) ? parseJson(text) : undefined;
  return parsed?.ok === true ? parsed.value : text;
}

function idsIn(text: string): string[] {
  return text
    .split(",")
    .map((id) => id.trim())
    .filter((id) => id !== "");
}
