import type { Registry } from "prom-client";
import type { CenterConfig } from "../../config/options.js";
import type { AccessControl } from "../../http/access-control.js";
import { type Api, createApi } from "../../http/api.js";
import { classicFailure, JSON_TYPE } from "../../http/answers.js";
import type { Middleware } from "../../http/middleware.js";
import { opsRoutes } from "../../http/ops-routes.js";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../http/server.js";
import { caOf, tlsOf } from "../../http/tls.js";
import { guardedAssignRoute } from "../../steering/route.js";
import type { Assignment } from "../../steering/steering.js";
import type { NodeLinks } from "../node-links.js";
import type { CenterReports } from "../reports.js";
import { type AdminCenter, adminRoutes } from "./admin.js";
import type { Operations } from "../operations/operations.js";
import type { Batches } from "./batch.js";
import { answerClassic } from "./classic.js";
import { consoleRoutes } from "./console/console.js";
import { openApiRoutes } from "./openapi/document.js";
import type { OpenStreams } from "./open-streams.js";
import { operationsRoutes } from "./ops.js";
import { traceRoutes } from "./ops-trace.js";
import { serviceRoutes } from "./services.js";

const HEADERS_TIMEOUT_MS = 10_000;
/** Larger ones hardly ever come in one packet. */
const LANE_MAX_BODY_BYTES = 64 * 1024;
const LINK_MAX_HEADER_BYTES = 16 * 1024;

/** What back ends and operators are answered. */
export function createCenterApi(
  config: CenterConfig,
  parts: {
    center: AdminCenter & { assign: (userId: string) => Assignment };
    accessControl: AccessControl;
    batches: Batches;
    links: NodeLinks;
    operations: Operations;
    streams: OpenStreams;
    metrics: Registry;
    notReady: () => string[];
    middleware: readonly Middleware[];
    reports: CenterReports;
  },
): Api {
  const { batches, center, links, metrics, notReady, middleware, operations, reports, streams } = parts;
  const { access, audit } = parts.accessControl;
  const { allowedOrigins, callTimeoutMs, maxBodyBytes, maxIdBytes, maxMessageBytes, trustedProxies } = config;
  return createApi({
    access,
    allowedOrigins,
    trustedProxies,
    middleware,
    strict: false,
    limits: { maxBodyBytes, maxIdBytes, maxMessageBytes },
    routes: {
      ...opsRoutes(metrics, notReady),
      ...serviceRoutes(links.services, { audit, defaultTimeoutMs: callTimeoutMs }),
      ...adminRoutes(center, audit),
      ...batches.routes,
      ...operationsRoutes(operations, {
        streams,
        access,
        onFault: (error) => reports.fault("operations", error),
      }),
      ...traceRoutes(operations, center.id),
      ...openApiRoutes(),
      ...consoleRoutes(),
      "/assign": guardedAssignRoute((userId) => center.assign(userId)),
    },
    classic: (request, call) =>
      answerClassic(links.router, request, {
        timeoutMs: request.timeoutMs ?? callTimeoutMs,
        signal: call.signal,
        origin: { callId: call.callId, via: "classic", principal: call.principal.name },
        onRun: (command, outcomes) => audit.command(call, command, outcomes),
        onFailures: (failures) => reports.placesFailed(call.callId, failures),
      }),
    onDenied: (denial) => audit.denied(denial),
    onCall: (info) => {
      reports.called(info);
      if (info.events.length > 0) operations.latency.observe(info.ms);
    },
    onError: (error, callId) => reports.requestFailed(error, callId),
  });
}

/** The port for back ends and operators. */
export function createApiServer(
  config: CenterConfig,
  { api, reports }: { api: Api; reports: CenterReports },
): HttpServer {
  return createHttpServer({
    ...tlsOf(config, "tlsCert", "tlsKey"),
    maxHeaderBytes: config.maxHeaderBytes,
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
    onRequest: api.handle,
    lane: laneOf(config, api),
    onClientError: (error, status) => reports.badRequest("http", error, status),
    log: (message, error) => reports.fault(`HTTP port: ${message}`, error),
  });
}

function laneOf({ maxBodyBytes }: CenterConfig, { handleShort }: Api): HttpServerOptions["lane"] {
  if (handleShort === undefined) return undefined;
  return { maxBodyBytes: Math.min(maxBodyBytes, LANE_MAX_BODY_BYTES), onRequest: handleShort };
}

/** The port where nodes register. */
export function createLinkServer(
  config: CenterConfig,
  parts: { links: NodeLinks; reports: CenterReports },
): HttpServer {
  const { links, reports } = parts;
  const { tls } = tlsOf(config, "linkTlsCert", "linkTlsKey");
  const clientCa = caOf(config, "linkTlsClientCa");
  return createHttpServer({
    ...(tls === undefined ? {} : { tls: { ...tls, clientCa } }),
    maxHeaderBytes: LINK_MAX_HEADER_BYTES,
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
    onRequest: (_request, response) => {
      const failure = classicFailure("this is a link port: nodes register here over WebSocket");
      response.writeHead(426, { "Content-Type": JSON_TYPE, Upgrade: "websocket", Connection: "close" });
      response.end(JSON.stringify(failure));
    },
    onUpgrade: (request, socket, head) => links.accept(request, socket, head),
    onClientError: (error, status) => reports.badRequest("link", error, status),
    log: (message, error) => reports.fault(`link port: ${message}`, error),
  });
}
