import { type ClassicParamKind, classicEvents } from "@websocket-center/protocol";
import { jsonAnswer, jsonBody, type Paths, queryParameter } from "./parts.js";

const id = { type: ["string", "number"] };
const schemas: Readonly<Record<ClassicParamKind, object>> = {
  id,
  optionalId: id,
  optionalConnectionId: id,
  groupList: { type: ["string", "number"], description: "Group ids, separated by commas." },
  message: { description: "A string as it is; anything else but null as its JSON text." },
  idList: { anyOf: [{ type: "array", items: id }, id], description: "Ids; absent: none." },
  reason: { type: "string", default: "" },
};
const isRequired: ReadonlySet<ClassicParamKind> = new Set(["id", "groupList", "message"]);

const names = Object.keys(classicEvents);
const eventName = { type: "string", enum: names };
const anyEvents = {
  description: "One event, or several: a list, or separated by commas.",
  anyOf: [eventName, { type: "array", items: { type: "string" } }, { type: "string" }],
};

function paramsOf(name: string): object {
  const { params = [], doc = "", scope = "read" } = classicEvents[name] ?? {};
  const required = params.filter(({ kind }) => isRequired.has(kind)).map((param) => param.name);
  return {
    type: "object",
    description: `${doc} (scope \`${scope}\`)`,
    properties: Object.fromEntries(params.map((param) => [param.name, schemas[param.kind]])),
    ...(required.length > 0 ? { required } : {}),
  };
}

const answer = {
  type: "object",
  required: ["code", "msg", "data"],
  properties: {
    code: { type: "integer", description: "0; 1 where nothing was run, and `msg` says why." },
    msg: { type: "string" },
    extra: { type: "array" },
    master_ids: { type: "array", items: { type: "string" }, description: "The ids of the linked nodes." },
    data: {
      description: "For each event, by the node's id: its value, or `{code: 1, msg, data: []}`.",
      anyOf: [
        { type: "object", additionalProperties: { type: "object" } },
        { type: "array", maxItems: 0 },
      ],
    },
  },
};

/** The classic API: one path, events in the query or in the body, made from the table of events. */
export function classicPaths(): Paths {
  const description =
    "Answers 200 whatever comes of it. Names and quirks are those of docs/CLASSIC-API.md; each parameter of this name is that of one event.";
  const responses = { "200": jsonAnswer("What came of it at each node.", answer) };
  return {
    "/": {
      get: {
        operationId: "classicGet",
        tags: ["Classic API"],
        summary: "Events with parameters in the query",
        description,
        parameters: [
          queryParameter("event", "What to do.", anyEvents, { required: true }),
          ...names
            .filter((name) => (classicEvents[name]?.params.length ?? 0) > 0)
            .map((name) =>
              queryParameter(name, `Parameters of the event \`${name}\`.`, paramsOf(name), {
                style: "deepObject",
                explode: true,
              }),
            ),
        ],
        responses,
      },
      post: {
        operationId: "classicPost",
        tags: ["Classic API"],
        summary: "Events with parameters in the body",
        description,
        parameters: [queryParameter("event", "What to do, where the body does not say.", anyEvents)],
        requestBody: jsonBody(
          {
            type: "object",
            properties: {
              event: anyEvents,
              ...Object.fromEntries(names.map((name) => [name, paramsOf(name)])),
            },
          },
          false,
        ),
        responses,
      },
    },
  };
}

/**
 * The events once more, as the table has them: what OpenAPI cannot say of a request that carries several, and what forms
 * can be made from. The kinds of parameters are told in the protocol's classic-events.ts.
 */
export function classicEventDocs() {
  return Object.fromEntries(
    Object.entries(classicEvents).map(([name, { doc, scope, params }]) => [name, { doc, scope, params }]),
  );
}
