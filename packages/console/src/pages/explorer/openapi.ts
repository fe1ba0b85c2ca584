import type { ClassicParamKind, Scope } from "@websocket-center/protocol";
import type { BodyType } from "./typed-body.ts";

/** An event of the classic API, as the OpenAPI document tells of it under `x-classic-events`. */
export interface EventDoc {
  name: string;
  doc: string;
  scope: Scope;
  params: readonly { name: string; kind: ClassicParamKind }[];
}

/** An endpoint beside the classic API. */
export interface EndpointDoc {
  method: "GET" | "POST";
  path: string;
  summary: string;
  /** Names of `{places}` in the path, and of query parameters. */
  places: string[];
  query: string[];
  /** What it takes; undefined: nothing. */
  bodyType: BodyType | undefined;
  /** Whether its answer lasts for as long as one reads. */
  isEndless: boolean;
}

interface Operation {
  summary?: string;
  parameters?: { name: string; in: string }[];
  requestBody?: { content?: Record<string, unknown> };
  responses?: Record<string, { content?: Record<string, unknown> }>;
}

export interface OpenApiDocument {
  paths: Record<string, Partial<Record<"get" | "post", Operation>>>;
  "x-classic-events"?: Record<string, Omit<EventDoc, "name">>;
}

export function eventDocs(document: OpenApiDocument): EventDoc[] {
  return Object.entries(document["x-classic-events"] ?? {}).map(([name, event]) => ({ name, ...event }));
}

export function endpointDocs({ paths }: OpenApiDocument): EndpointDoc[] {
  return Object.entries(paths)
    .filter(([path]) => path !== "/")
    .flatMap(([path, operations]) =>
      (["get", "post"] as const).flatMap((method) => {
        const operation = operations[method];
        return operation === undefined ? [] : [endpointOf(path, method, operation)];
      }),
    );
}

function endpointOf(path: string, method: "get" | "post", operation: Operation): EndpointDoc {
  const { summary = "", parameters = [], requestBody, responses = {} } = operation;
  const answers = Object.values(responses).flatMap(({ content = {} }) => Object.keys(content));
  return {
    method: method === "get" ? "GET" : "POST",
    path,
    summary,
    places: parameters.filter((each) => each.in === "path").map(({ name }) => name),
    query: parameters.filter((each) => each.in === "query").map(({ name }) => name),
    bodyType: bodyTypeOf(requestBody),
    // An answer in lines to a request in lines ends with it.
    isEndless: method === "get" && answers.includes("application/x-ndjson"),
  };
}

function bodyTypeOf(body: Operation["requestBody"]): BodyType | undefined {
  if (body === undefined) return undefined;
  return "application/x-ndjson" in (body.content ?? {}) ? "application/x-ndjson" : "application/json";
}
