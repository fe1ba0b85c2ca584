export type { Address, AddressContext, Assign } from "./address.js";
export { type BackoffOptions, backoffMs } from "./backoff.js";
export { type Client, type ClientEvents, createClient, type JsonValue } from "./client.js";
export { comesBack } from "./close-codes.js";
export type {
  Data,
  Environment,
  Link,
  LinkEvents,
  PageEvent,
  WebSocketConstructor,
  WebSocketLike,
} from "./environment.js";
export { ClientError, type ClientErrorCode } from "./errors.js";
export type { HeartbeatOptions } from "./heartbeat.js";
export type { ClientOptions } from "./options.js";
export type { QueueOptions } from "./queue.js";
export type { Undelivered } from "./session.js";
export type { Gap, Reason, Status } from "./status.js";
export type { TokenFunction } from "./token.js";
