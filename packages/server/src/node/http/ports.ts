import type { CommandMethods } from "@websocket-center/protocol";
import type { Registry } from "prom-client";
import type { NodeConfig } from "../../config/options.js";
import { type Api, createApi } from "../../http/api.js";
import type { Middleware } from "../../http/middleware.js";
import { opsRoutes } from "../../http/ops-routes.js";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../http/server.js";
import { tlsOf } from "../../http/tls.js";
import type { NodeReports } from "../reports.js";
import { answerClassic } from "./classic.js";

/** The node's own HTTP API. `isOff`: whether it answers 404. */
export function createNodeApi(
  config: NodeConfig,
  parts: {
    commands: CommandMethods;
    middleware: readonly Middleware[];
    reports: NodeReports;
    isOff: () => boolean;
  },
): Api {
  const { commands, middleware, reports, isOff } = parts;
  return createApi({
    ...apiOptions(config, reports),
    middleware,
    routes: {},
    off: isOff,
    classic: (request) =>
      Promise.resolve(answerClassic(commands, request, (error) => reports.fault("classic API", error))),
  });
}

/** The port for clients: WebSocket, and the node's own HTTP API. */
export function createClientServer(
  config: NodeConfig,
  parts: { api: Api; reports: NodeReports; onUpgrade: NonNullable<HttpServerOptions["onUpgrade"]> },
): HttpServer {
  const { api, reports, onUpgrade } = parts;
  return createHttpServer({ ...serverOptions(config, reports, api), onUpgrade });
}

/** The port for operators: health and metrics. */
export function createAdminServer(
  config: NodeConfig,
  parts: { metrics: Registry; notReady: () => string[]; reports: NodeReports },
): HttpServer {
  const { metrics, notReady, reports } = parts;
  const api = createApi({ ...apiOptions(config, reports), routes: opsRoutes(metrics, notReady) });
  return createHttpServer(serverOptions(config, reports, api));
}

function apiOptions(config: NodeConfig, reports: NodeReports) {
  const { token, allowedOrigins, maxBodyBytes, maxIdBytes, maxMessageBytes } = config;
  return {
    tokens: () => token,
    allowedOrigins,
    strict: true,
    limits: { maxBodyBytes, maxIdBytes, maxMessageBytes },
    onCall: reports.called.bind(reports),
    onError: reports.requestFailed.bind(reports),
  };
}

function serverOptions(config: NodeConfig, reports: NodeReports, api: Api): HttpServerOptions {
  return {
    ...tlsOf(config.tlsCert, config.tlsKey),
    maxHeaderBytes: config.maxHeaderBytes,
    headersTimeoutMs: config.handshakeTimeoutMs,
    onRequest: api.handle,
    onClientError: reports.badRequest.bind(reports),
    log: reports.fault.bind(reports),
  };
}
