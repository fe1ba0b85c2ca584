export {
  type Assignment,
  type Backend,
  type BackendServices,
  type BatchResult,
  createBackend,
  type NodeEntry,
  type ServiceEntry,
} from "./backend.js";
export type { CommandParams } from "./commands.js";
export { CenterError, type CenterErrorCode } from "./errors.js";
export type { BackendOptions } from "./options.js";
export type {
  CallOptions,
  ClusterCommands,
  ClusterResult,
  Command,
  Outcome,
  ServiceResult,
} from "./results.js";
