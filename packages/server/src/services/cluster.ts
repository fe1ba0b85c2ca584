import {
  type Command,
  type CommandName,
  commands as commandTable,
  mergeResults,
  type Params,
  type Result,
} from "@websocket-center/protocol";
import { checkCommand } from "../rpc/check-command.js";
import type { Outcome } from "../rpc/outcome.js";
import { checkTimeout } from "../rpc/timeout.js";
import type { ServiceCall, ServiceResult, TimedServiceCall } from "./service-call.js";

export interface CallOptions {
  /** From 1 to 2147483647. Default: 5,000. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What a command came to on the cluster. */
export interface ClusterResult<C extends CommandName> {
  /** The results of the nodes that answered, as one; see `merge` in the command table. */
  value: Result<C>;
  /** What each node answered. */
  nodes: ({ nodeId: string } & Outcome)[];
  /** Those of them that failed. While it is not empty, `value` is what is known, and may not be all. */
  failures: ({ nodeId: string } & Extract<Outcome, { ok: false }>)[];
}

/** Every command, on all nodes of the cluster. */
export type ClusterCommands = {
  [C in CommandName]: (params: Params<C>, options?: CallOptions) => Promise<ClusterResult<C>>;
};

export interface ClusterServices {
  /**
   * Calls a method on one node, on any one, or on all.
   * @returns a result for each node that was asked, at least one.
   * @throws CenterError UNKNOWN_SERVICE, UNKNOWN_METHOD or INVALID_PARAMS where nothing was run.
   */
  call(
    call: Pick<ServiceCall, "service" | "method" | "params" | "mode" | "nodeId">,
    options?: CallOptions,
  ): Promise<ServiceResult[]>;
}

export interface Cluster extends ClusterCommands {
  services: ClusterServices;
}

/** What a cluster is reached through: a center in this process, or a link to one. */
export interface ClusterAccess {
  execute: (
    command: Command,
    options: { timeoutMs: number; signal: AbortSignal | undefined },
  ) => Promise<{ nodeIds: readonly string[]; outcomes: readonly Outcome[] }>;
  callService: (call: TimedServiceCall) => Promise<ServiceResult[]>;
}

/** Makes the functions of the cluster from the command table. */
export function createCluster(access: ClusterAccess): Cluster {
  const run = async (name: CommandName, params: unknown, options: CallOptions = {}): Promise<unknown> => {
    const command = checkCommand(name, params ?? {});
    const { signal } = options;
    const timeoutMs = checkTimeout(options.timeoutMs);
    const { nodeIds, outcomes } = await access.execute(command, { timeoutMs, signal });
    const nodes = nodeIds.map((nodeId, at) => ({ nodeId, ...(outcomes[at] ?? missing) }));
    const results = nodes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
    return {
      value: mergeResults(name, results as Result<CommandName>[]),
      nodes,
      failures: nodes.filter((outcome) => !outcome.ok),
    };
  };
  const names = Object.keys(commandTable) as CommandName[];
  const functions = names.map((name) => [
    name,
    (params: unknown, options?: CallOptions) => run(name, params, options),
  ]);
  const services: ClusterServices = {
    call: async ({ service, method, params, mode, nodeId }, { timeoutMs, signal } = {}) =>
      access.callService({
        service,
        method,
        params,
        mode,
        nodeId,
        timeoutMs: checkTimeout(timeoutMs),
        signal,
      }),
  };
  // The table ties each name to its parameters and result, which this loop over it cannot express.
  return { ...(Object.fromEntries(functions) as ClusterCommands), services };
}

const missing: Outcome = { ok: false, code: "INTERNAL", message: "the outcome is missing" };
