import { JSON_TYPE } from "../../../http/answers.js";
import type { Routes } from "../../../http/routes.js";
import { version } from "../../../version.js";
import { adminPaths } from "./admin.js";
import { classicEventDocs, classicPaths } from "./classic.js";
import { hubPaths } from "./hub.js";
import { opsPaths, opsSchemas } from "./ops.js";
import { problemSchema, reference } from "./parts.js";

/** A center's HTTP API in OpenAPI 3.1, made from the tables that make the API. */
export function openApiDocument() {
  return {
    openapi: "3.1.0",
    info: {
      title: "websocket-center",
      version,
      summary: "Deliver messages over WebSocket, through many nodes",
      license: { name: "MIT", identifier: "MIT" },
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    // The document lies at the base of the API, behind whatever prefix.
    servers: [{ url: "." }],
    security: [{ bearer: [] }, {}],
    "x-classic-events": classicEventDocs(),
    paths: { ...classicPaths(), ...hubPaths(), ...adminPaths(), ...opsPaths() },
    components: {
      schemas: { Problem: problemSchema, ...opsSchemas() },
      responses: {
        Problem: {
          description: "Nothing came of it; `code` says why.",
          content: { "application/problem+json": { schema: reference("Problem") } },
        },
      },
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "A token of the HTTP API, where the center has any.",
        },
      },
    },
  };
}

/** `GET /openapi.json`, for anybody and any page: it is the same at every center of a version, and tells of no cluster. */
export function openApiRoutes(): Routes {
  let text: string | undefined;
  return {
    "/openapi.json": {
      public: true,
      forPages: true,
      handle: () => {
        text ??= JSON.stringify(openApiDocument());
        return { status: 200, contentType: JSON_TYPE, body: text, headers: { "Cache-Control": "no-cache" } };
      },
    },
  };
}
