export { z } from "zod";
export { type Center, type CenterParts, createCenter } from "./center/center.js";
export type { CenterEntry, NodeEntry } from "./center/registry.js";
export type { CenterOptions, NodeOptions } from "./config/options.js";
export { CenterError } from "./errors.js";
export type { Assignment } from "./steering/steering.js";
export type { Middleware } from "./http/middleware.js";
export { createLogger, createSilentLogger, type Logger } from "./log.js";
export type { Connection } from "./node/connection.js";
export type { NodeEventName, NodeEvents } from "./node/events.js";
export { createNode, type LocalHub, type NodeParts, type WebSocketNode } from "./node/node.js";
export type { CallOptions, Cluster, ClusterResult } from "./services/cluster.js";
export type { ServiceEntry, ServiceFilter } from "./center/service-directory.js";
export type { ServiceCall, ServiceResult } from "./services/service-call.js";
export { method, type Method, type MethodContext, type Service } from "./services/service.js";
export type { Admission, Authorize } from "./node/upgrade.js";
export {
  type Command,
  type CommandMethods,
  type CommandName,
  closeCodes,
  errorCodes,
  type ErrorCode,
  type Message,
  type Params,
  type Result,
  type Scope,
} from "@websocket-center/protocol";
