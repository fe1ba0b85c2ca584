import { addsInterest, type CommandMethods } from "@websocket-center/protocol";
import type { NodeConfig } from "../../config/options.js";
import type { AccessControl } from "../../http/access-control.js";
import { type Api, createApi } from "../../http/api.js";
import type { Middleware } from "../../http/middleware.js";
import type { Routes } from "../../http/routes.js";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../http/server.js";
import { tlsOf } from "../../http/tls.js";
import { publicAssignRoute } from "../../steering/route.js";
import type { Assignment } from "../../steering/steering.js";
import type { NodeReports } from "../reports.js";
import { answerClassic } from "./classic.js";

/** The node's own HTTP API. `isOff`: whether it answers 404, but for steering. */
export function createNodeApi(
  config: NodeConfig,
  parts: {
    commands: CommandMethods;
    accessControl: AccessControl;
    /** Waits until any center may be relied upon to know what the hub holds. */
    settled: () => Promise<void>;
    middleware: readonly Middleware[];
    reports: NodeReports;
    isOff: () => boolean;
    assign: (userId: string) => Assignment;
  },
): Api {
  const { accessControl, assign, commands, settled, middleware, reports, isOff } = parts;
  const { audit } = accessControl;
  return createApi({
    ...apiOptions(config, parts),
    middleware,
    routes: { "/assign": publicAssignRoute(assign, config) },
    off: isOff,
    classic: async (request, call) => {
      const text = answerClassic(commands, request, {
        onRun: (command, outcomes) => audit.command(call, command, outcomes),
        onFault: (error) => reports.fault("classic API", error),
      });
      if (request.events.some((each) => each.kind === "command" && addsInterest(each.command.name))) {
        await settled();
      }
      return text;
    },
  });
}

/** What a port serves that several nodes share: steering. The rest is at each node's own port. */
export function createSharedApi(
  config: NodeConfig,
  parts: {
    accessControl: AccessControl;
    reports: NodeReports;
    assign: (userId: string) => Assignment;
    ownPort: () => number;
  },
): Api {
  const { assign, ownPort } = parts;
  return createApi({
    ...apiOptions(config, parts),
    routes: { "/assign": publicAssignRoute(assign, config) },
    notFound: () =>
      `not here: this port serves WebSocket and /assign alone; the HTTP API of this node is at its own port ${ownPort()}`,
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

/** The port for operators. */
export function createAdminServer(
  config: NodeConfig,
  parts: { accessControl: AccessControl; reports: NodeReports; routes: Routes },
): HttpServer {
  const { reports, routes } = parts;
  const api = createApi({ ...apiOptions(config, parts), routes });
  return createHttpServer(serverOptions(config, reports, api));
}

function apiOptions(config: NodeConfig, parts: { accessControl: AccessControl; reports: NodeReports }) {
  const { allowedOrigins, trustedProxies, maxBodyBytes, maxIdBytes, maxMessageBytes } = config;
  const { accessControl, reports } = parts;
  const { access, audit } = accessControl;
  return {
    access,
    allowedOrigins,
    trustedProxies,
    strict: true,
    limits: { maxBodyBytes, maxIdBytes, maxMessageBytes },
    onDenied: audit.denied.bind(audit),
    onCall: reports.called.bind(reports),
    onError: reports.requestFailed.bind(reports),
  };
}

function serverOptions(config: NodeConfig, reports: NodeReports, api: Api): HttpServerOptions {
  return {
    ...tlsOf(config, "tlsCert", "tlsKey"),
    maxHeaderBytes: config.maxHeaderBytes,
    headersTimeoutMs: config.handshakeTimeoutMs,
    onRequest: api.handle,
    onClientError: reports.badRequest.bind(reports),
    log: reports.fault.bind(reports),
  };
}
