import { type CommandName, commands, HUB_SERVICE } from "@websocket-center/protocol";
import { MAX_CALL_TIMEOUT_MS } from "../../../config/options.js";
import {
  failures,
  got,
  jsonAnswer,
  jsonBody,
  linesAnswer,
  pathParameter,
  type Paths,
  queryParameter,
  sent,
} from "./parts.js";

const timeoutMs = { type: "integer", minimum: 1, maximum: MAX_CALL_TIMEOUT_MS };

function callBody(params: object): object {
  return {
    type: "object",
    additionalProperties: false,
    properties: {
      params,
      mode: { enum: ["one", "all"], default: "one", description: "One node that has the service, or all." },
      nodeId: { type: "string", description: "That node alone." },
      timeoutMs,
    },
  };
}

function callAnswer(value: object): object {
  const failed = {
    nodeId: { type: "string" },
    ok: { const: false },
    code: { type: "string" },
    message: { type: "string" },
  };
  const done = { nodeId: { type: "string" }, ok: { const: true }, value };
  return {
    type: "object",
    required: ["service", "method", "results"],
    properties: {
      service: { type: "string" },
      method: { type: "string" },
      results: {
        type: "array",
        items: {
          oneOf: [
            { type: "object", required: ["nodeId", "ok", "value"], properties: done },
            { type: "object", required: ["nodeId", "ok", "code", "message"], properties: failed },
          ],
        },
      },
    },
  };
}

/** Every command of the table, as a method of the service `websocket`. */
function commandPaths(): Paths {
  return Object.fromEntries(
    (Object.keys(commands) as CommandName[]).map((name) => {
      const { doc, params, result, scope } = commands[name];
      const post = {
        operationId: name,
        tags: ["Commands"],
        summary: doc.replace(/\.$/, ""),
        description: `Scope \`${scope}\`. With \`mode\` \`all\`, on the whole cluster.`,
        requestBody: jsonBody(callBody(sent(params))),
        responses: {
          "200": jsonAnswer("What came of it at each node.", callAnswer(got(result))),
          ...failures,
        },
      };
      return [`/services/${HUB_SERVICE}/${name}`, { post }];
    }),
  );
}

/** Commands, services of nodes, and streams of commands. */
export function hubPaths(): Paths {
  const anything = {};
  const service = { type: "object", properties: { name: { type: "string" }, nodeId: { type: "string" } } };
  return {
    ...commandPaths(),
    "/services": {
      get: {
        operationId: "listServices",
        tags: ["Services"],
        summary: "Services of the linked nodes",
        description: "Scope `read`.",
        parameters: [
          queryParameter("name", "Only services of that name."),
          queryParameter(
            "meta",
            "Only those whose metadata has these values.",
            { type: "object", additionalProperties: { type: "string" } },
            { style: "deepObject", explode: true },
          ),
          queryParameter("details", "1: methods with their documentation and JSON Schemas.", { enum: ["1"] }),
        ],
        responses: {
          "200": jsonAnswer("Services.", {
            type: "object",
            properties: { services: { type: "array", items: service } },
          }),
          ...failures,
        },
      },
    },
    "/services/{name}/{method}": {
      post: {
        operationId: "callService",
        tags: ["Services"],
        summary: "Call a declared method of a service",
        description: "The scope is that of the method.",
        parameters: [
          pathParameter("name", "The service."),
          pathParameter("method", "One of its declared methods."),
        ],
        requestBody: jsonBody(callBody(anything), false),
        responses: { "200": jsonAnswer("What came of it at each node.", callAnswer(anything)), ...failures },
      },
    },
    "/batch": {
      post: {
        operationId: "batch",
        tags: ["Commands"],
        summary: "A stream of commands, a line each",
        description: "Each command needs its own scope. See docs/BATCH.md.",
        requestBody: { required: true, content: { "application/x-ndjson": { schema: batchLine } } },
        responses: {
          "200": linesAnswer("A line for each line, as each is answered.", batchAnswer),
          ...failures,
        },
      },
    },
  };
}

const batchLine = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: ["string", "number"] },
    command: { enum: Object.keys(commands) },
    event: { type: "string", description: "In place of a command: an event of the classic API." },
    params: { type: "object" },
    timeoutMs,
  },
};

const batchAnswer = {
  type: "object",
  properties: {
    id: { type: ["string", "number", "null"] },
    value: { description: "What the nodes' values come to, where a command was asked for." },
    nodes: { type: "object", description: "By node: its value." },
    failures: { type: "object", description: "By node: code and message." },
    line: { type: "integer" },
    error: {
      type: "object",
      properties: { code: { type: "string" }, message: { type: "string" } },
    },
  },
};
