import { errorCodes } from "@websocket-center/protocol";
import { z } from "zod";
import { type AuditLog, failedHere } from "../../audit.js";
import { MAX_CALL_TIMEOUT_MS } from "../../config/options.js";
import { CenterError } from "../../errors.js";
import { type Answer, json, problem } from "../../http/answers.js";
import { jsonText } from "../../http/json-body.js";
import { QueryMap } from "../../http/query.js";
import type { RouteRequest, Routes } from "../../http/routes.js";
import type { ServiceDirectory, ServiceEntry } from "../service-directory.js";
import { readBody } from "./read-body.js";

const callBody = z.strictObject({
  nodeId: z.string().optional(),
  mode: z.enum(["one", "all"]).optional(),
  params: z.unknown().optional(),
  timeoutMs: z.int().min(1).max(MAX_CALL_TIMEOUT_MS).optional(),
});

interface CallRouteOptions {
  audit: AuditLog;
  defaultTimeoutMs: number;
}

/**
 * `GET /services?name=…&meta[key]=value` lists services; with `details=1` their methods come with their documentation
 * and JSON Schemas. `POST /services/{name}/{method}` calls one.
 */
export function serviceRoutes(directory: ServiceDirectory, options: CallRouteOptions): Routes {
  return {
    "/services": {
      scope: "read",
      handle: ({ query }) => {
        const name = query.get("name");
        if (name !== undefined && typeof name !== "string")
          throw new CenterError("INVALID_PARAMS", "name: expected name=value, in UTF-8");
        const entries = directory.find({
          name,
          metadata: metadataFilter(query.get("meta")),
        });
        const isDetailed = query.get("details") === "1";
        return json(200, { services: entries.map((entry) => (isDetailed ? entry : brief(entry))) });
      },
    },
    "/services/{name}/{method}": {
      method: "POST",
      scope: "asked",
      handle: (request) => answerCall(directory, options, request),
    },
  };
}

function brief({ name, nodeId, metadata, methods }: ServiceEntry): object {
  return { name, nodeId, metadata, methods: methods.map((method) => method.name) };
}

function metadataFilter(meta: unknown): Record<string, string> {
  if (meta === undefined) return {};
  if (!(meta instanceof QueryMap)) throw badFilter();
  // Not key by key: `__proto__` is a key like others here.
  return Object.fromEntries(
    Array.from(meta, ([key, value]) => {
      if (typeof value !== "string") throw badFilter();
      return [key, value];
    }),
  );
}

function badFilter(): CenterError {
  return new CenterError("INVALID_PARAMS", "meta: expected meta[key]=value");
}

async function answerCall(
  directory: ServiceDirectory,
  { audit, defaultTimeoutMs }: CallRouteOptions,
  request: RouteRequest,
): Promise<Answer> {
  const { params: place, signal } = request;
  const service = place["name"] ?? "";
  const method = place["method"] ?? "";
  const scopes = directory.scopesOf({ service, method });
  request.requireScope(...Array.from(scopes, (scope) => ({ scope, what: `${service}.${method}` })));
  const { nodeId, mode, params: given, timeoutMs = defaultTimeoutMs } = readBody(callBody, request);
  const params = plainParams(given ?? {});
  const called = { service, method, params, mode, nodeId, scopes };
  const results = await directory
    .call(
      { service, method, params, mode, nodeId, timeoutMs, signal },
      { callId: request.callId, via: "service", principal: request.principal.name },
    )
    .catch((error: unknown) => {
      audit.serviceCall(request, called, failedHere(error));
      throw error;
    });
  audit.serviceCall(request, called, results);
  const [first] = results;
  // Where nothing came of it, the status says so; else each node's place does.
  if (first !== undefined && !first.ok && results.every(({ ok }) => !ok)) {
    return problem(errorCodes[first.code].status, first.code, first.message, { results });
  }
  return json(200, { service, method, results });
}

/** Big integers, which the body keeps digit for digit, become what JSON.parse makes of them. */
function plainParams(params: unknown): unknown {
  const text = jsonText(params);
  if (!text.ok) throw new CenterError("INVALID_PARAMS", `params: ${text.problem}`);
  return JSON.parse(text.text);
}
