import type { Outcome } from "../rpc/outcome.js";

/** A call of a method of a service, wherever it is. */
export interface ServiceCall {
  service: string;
  method: string;
  params?: unknown;
  /** `one` node of those that have the service, or `all`. Default `one`. */
  mode?: "one" | "all" | undefined;
  /** That node alone. */
  nodeId?: string | undefined;
  /** From 1 to 2147483647. Default: 5,000. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A call whose time is known. */
export type TimedServiceCall = ServiceCall & { timeoutMs: number };

/** What a service call came to, at each node that was asked. */
export type ServiceResult = { nodeId: string } & Outcome;
