import type { CommandName, Params } from "@websocket-center/protocol";
import type { Answered, CenterClient } from "./center-client.ts";
import { CallFailure } from "./problem.ts";

/** What came of a call at one node. */
export type NodeResult =
  | { nodeId: string; ok: true; value: unknown }
  | { nodeId: string; ok: false; code: string; message: string };

export interface ServiceCall {
  service: string;
  method: string;
  params: unknown;
  /** One node alone; undefined: any one, or all. */
  nodeId?: string | undefined;
  mode?: "one" | "all";
}

/**
 * Calls a method of a service. Where it failed at every node, that is an answer too: each node's place says why.
 * @throws CallFailure where nothing was run.
 */
export async function callService(
  client: CenterClient,
  { service, method, params, nodeId, mode }: ServiceCall,
): Promise<Answered<NodeResult[]>> {
  const path = `services/${encodeURIComponent(service)}/${encodeURIComponent(method)}`;
  const body = { params, ...(nodeId === undefined ? { mode: mode ?? "all" } : { nodeId }) };
  try {
    const { value, callId } = await client.call<{ results: NodeResult[] }>(path, { method: "POST", body });
    return { value: value.results, callId };
  } catch (error) {
    if (error instanceof CallFailure && Array.isArray(error.problem["results"])) {
      return { value: error.problem["results"] as NodeResult[], callId: error.callId };
    }
    throw error;
  }
}

/** Runs a command of the hub on the cluster. */
export function runOnHub<C extends CommandName>(
  client: CenterClient,
  command: C,
  params: Params<C>,
): Promise<Answered<NodeResult[]>> {
  return callService(client, { service: "websocket", method: command, params, mode: "all" });
}
