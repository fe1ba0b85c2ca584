import { errorCodes } from "@websocket-center/protocol";
import type { z } from "zod";
import { paramsSchema, resultSchema } from "../../../services/service.js";

/** As much of an OpenAPI 3.1 operation as is used here. */
export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: object[];
  requestBody?: object;
  responses: Record<string, object>;
  security?: object[];
}

export type Paths = Record<string, Record<string, Operation>>;

/** JSON Schema (2020-12) of what callers send, and of what they get. */
export function sent(schema: z.ZodType): object {
  return withoutDialect(paramsSchema(schema));
}

export function got(schema: z.ZodType): object {
  return withoutDialect(resultSchema(schema));
}

/** The document names the dialect once. */
function withoutDialect(schema: unknown): object {
  const { $schema: _dialect, ...rest } = schema as Record<string, unknown>;
  return rest;
}

export function reference(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

export function jsonBody(schema: object, required = true): object {
  return { required, content: { "application/json": { schema } } };
}

export function jsonAnswer(description: string, schema: object): object {
  return { description, headers: callIdHeader, content: { "application/json": { schema } } };
}

export function textAnswer(description: string, type: string): object {
  return { description, content: { [type]: { schema: { type: "string" } } } };
}

/** Lines of JSON, one after the other; empty lines mean nothing. */
export function linesAnswer(description: string, line: object): object {
  return { description, headers: callIdHeader, content: { "application/x-ndjson": { schema: line } } };
}

const callIdHeader = {
  "WSC-Call-Id": { description: "By which logs and traces know the request.", schema: { type: "string" } },
};

export function queryParameter(
  name: string,
  description: string,
  schema: object = { type: "string" },
  more: object = {},
): object {
  return { name, in: "query", description, schema, ...more };
}

export function pathParameter(name: string, description: string): object {
  return { name, in: "path", required: true, description, schema: { type: "string" } };
}

/** How every endpoint but those of the classic API tells that nothing came of it. */
export const failures = { default: { $ref: "#/components/responses/Problem" } };

export const problemSchema = {
  type: "object",
  description: "A problem document (RFC 9457).",
  required: ["type", "title", "status", "detail", "code"],
  properties: {
    type: { const: "about:blank" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: {
      type: "string",
      description: [
        "Stable. Beside these: `TOKEN_REQUIRED`, `REQUEST_REFUSED`, `METHOD_NOT_ALLOWED`, `BODY_TOO_LARGE`, `NOT_FOUND`.",
        "",
        ...Object.entries(errorCodes).map(([code, { status, doc }]) => `- \`${code}\` (${status}): ${doc}`),
      ].join("\n"),
    },
  },
};
