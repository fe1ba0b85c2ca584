import type { CommandName } from "@websocket-center/protocol";
import { Calls } from "./calls.js";
import { CenterError } from "./errors.js";
import { type BackendOptions, resolveOptions } from "./options.js";
import {
  type CallOptions,
  type ClusterCommands,
  type ClusterResult,
  type Command,
  commandFunctions,
  isRecord,
  isServiceResults,
  type ServiceResult,
} from "./results.js";

/** Where a user shall connect. */
export interface Assignment {
  url: string;
  nodeId: string;
}

/** A node that is linked to the center, as `GET /nodes` tells of it. */
export interface NodeEntry {
  id: string;
  version: string;
  /** The ws(s):// address for clients. */
  publicUrl: string;
  state: "linked" | "suspect";
  draining: boolean;
  /** Absent where the node's release does not say. */
  full?: boolean;
  connections: number;
  users: number;
  groups: number;
}

/** A service at one node. */
export interface ServiceEntry {
  name: string;
  nodeId: string;
  metadata: Record<string, unknown>;
  methods: string[];
}

export interface BackendServices {
  /** Which nodes have which services. `metadata`: what it must have, key by key. */
  list(
    filter?: { name?: string; metadata?: Readonly<Record<string, string>> },
    options?: CallOptions,
  ): Promise<ServiceEntry[]>;
  /**
   * Calls a method on one node, on any one (`mode: "one"`, the default), or on all.
   * @returns a result for each node that was asked, at least one.
   * @throws CenterError UNKNOWN_SERVICE, UNKNOWN_METHOD or INVALID_PARAMS where nothing was run.
   */
  call(
    call: { service: string; method: string; params?: unknown; mode?: "one" | "all"; nodeId?: string },
    options?: CallOptions,
  ): Promise<ServiceResult[]>;
}

/** What one command of a batch came to. */
export type BatchResult<C extends CommandName> =
  | ({ ok: true } & ClusterResult<C>)
  | { ok: false; error: CenterError };

/** Calls to a cluster, from outside of it. Every call rejects with CenterError alone. */
export interface Backend extends ClusterCommands {
  /**
   * Several commands in one round trip. Those on the same connection, user or group take effect in their order. One that
   * fails does not stop the others.
   */
  batch<const T extends readonly Command[]>(
    commands: T,
    options?: CallOptions,
  ): Promise<{ -readonly [K in keyof T]: BatchResult<T[K]["command"]> }>;
  services: BackendServices;
  /** @throws CenterError NO_NODE where no node takes clients. */
  assign(userId: string, options?: CallOptions): Promise<Assignment>;
  /** The nodes that are linked to the center that answers. */
  nodes(options?: CallOptions): Promise<NodeEntry[]>;
  /** Takes no more calls; resolves when those that are under way have ended, and every connection. */
  close(): Promise<void>;
}

/**
 * Makes the functions that a back end calls. Nothing is connected before the first call.
 *
 * @throws CenterError CONFIG_INVALID
 */
export function createBackend(options: BackendOptions): Backend {
  const calls = new Calls(resolveOptions(options));
  const get = async (path: string, field: string | undefined, options?: CallOptions): Promise<unknown> => {
    const answer = await calls.ask({ method: "GET", path, isRead: true }, options);
    const value = field === undefined || !isRecord(answer) ? answer : answer[field];
    if (value === undefined) throw notACenter(path);
    return value;
  };
  const services: BackendServices = {
    list: async ({ name, metadata = {} } = {}, options) => {
      const query = new URLSearchParams(name === undefined ? {} : { name });
      for (const [key, value] of Object.entries(metadata)) query.set(`meta[${key}]`, value);
      return (await get(`services?${query.toString()}`, "services", options)) as ServiceEntry[];
    },
    call: async ({ service, method, ...call }, options) => {
      const path = `services/${encodeURIComponent(service)}/${encodeURIComponent(method)}`;
      const body = (timeoutMs: number): object => ({ ...call, timeoutMs });
      const answer = await calls.ask({ method: "POST", path, isRead: false, body }, options);
      const results = isRecord(answer) ? answer["results"] : undefined;
      if (!isServiceResults(results)) throw notACenter(path);
      return results;
    },
  };
  return {
    ...commandFunctions((command, params, options) => calls.run(command, params, options)),
    batch: async (commands, options) => {
      const attempts = await calls.batch(commands, options);
      const results = attempts.map((attempt) => (attempt.ok ? { ok: true, ...attempt.result } : attempt));
      // Each stands where its command does, which a map over the list cannot express.
      return results as never;
    },
    services,
    assign: async (userId, options) =>
      (await get(
        `assign?${new URLSearchParams({ id: userId }).toString()}`,
        undefined,
        options,
      )) as Assignment,
    nodes: async (options) => (await get("nodes", "nodes", options)) as NodeEntry[],
    close: () => calls.close(),
  };
}

function notACenter(path: string): CenterError {
  return new CenterError("NOT_A_CENTER", `the answer to /${path} is not what a center answers`);
}
