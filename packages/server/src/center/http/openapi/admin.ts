import {
  failures,
  jsonAnswer,
  jsonBody,
  pathParameter,
  type Paths,
  queryParameter,
  textAnswer,
} from "./parts.js";

const anyObject = { type: "object" };
const addresses = {
  type: "object",
  required: ["addresses"],
  additionalProperties: false,
  properties: { addresses: { type: "array", minItems: 1, maxItems: 1000, items: { type: "string" } } },
};
const nodeEntry = {
  type: "object",
  properties: { centerId: { type: "string" }, node: anyObject },
};

function change(operationId: string, summary: string) {
  return {
    post: {
      operationId,
      tags: ["Administration"],
      summary,
      description: "Scope `manage`.",
      requestBody: jsonBody(addresses),
      responses: {
        "200": jsonAnswer("What the center tells its nodes from now on.", anyObject),
        ...failures,
      },
    },
  };
}

function drain(operationId: string, summary: string) {
  return {
    post: {
      operationId,
      tags: ["Administration"],
      summary,
      description: "Scope `manage`.",
      parameters: [pathParameter("id", "The node's id, or enough of its beginning.")],
      responses: { "200": jsonAnswer("The node, after that.", nodeEntry), ...failures },
    },
  };
}

/** What operators and their tools ask of a center, beside `/ops/…`. */
export function adminPaths(): Paths {
  return {
    "/nodes": {
      get: {
        operationId: "listNodes",
        tags: ["Administration"],
        summary: "The center, and the nodes that are linked to it",
        description: "Scope `read`.",
        responses: { "200": jsonAnswer("Center and nodes.", anyObject), ...failures },
      },
    },
    "/nodes/{id}/drain": drain("drainNode", "Refuse new clients at a node, and close the present ones"),
    "/nodes/{id}/undrain": drain("undrainNode", "Take clients at a node again"),
    "/centers/register": change("registerCenters", "Tell all nodes to register with these centers"),
    "/centers/remove": change("removeCenters", "Tell all nodes to leave these centers"),
    "/assign": {
      get: {
        operationId: "assign",
        tags: ["Steering"],
        summary: "Where a user shall connect",
        description: "Scope `read`.",
        parameters: [
          queryParameter("id", "The user.", { type: "string" }, { required: true }),
          queryParameter("redirect", "1: answers 302 to the URL.", { enum: ["0", "1"] }),
        ],
        responses: {
          "200": jsonAnswer("The node's URL.", { type: "object", properties: { url: { type: "string" } } }),
          "302": { description: "The http(s) form of the URL." },
          ...failures,
        },
      },
    },
    "/livez": probe("livez", "Whether the process serves", "It does."),
    "/readyz": {
      get: {
        ...probe("readyz", "Whether the center takes work", "It does.").get,
        responses: {
          "200": jsonAnswer("It does.", anyObject),
          "503": jsonAnswer("It does not, with the reasons.", anyObject),
        },
      },
    },
    "/metrics": {
      get: {
        operationId: "metrics",
        tags: ["Health"],
        summary: "Metrics, for Prometheus",
        description: "Scope `read`.",
        responses: { "200": textAnswer("The text format of Prometheus.", "text/plain"), ...failures },
      },
    },
    "/openapi.json": probe("openapi", "This document", "OpenAPI 3.1."),
  };
}

function probe(operationId: string, summary: string, answer: string) {
  return {
    get: {
      operationId,
      tags: ["Health"],
      summary,
      description: "Answers anybody.",
      security: [],
      responses: { "200": jsonAnswer(answer, anyObject) },
    },
  };
}
