import type { NodeOperationParams, OpsTrace } from "@websocket-center/protocol";
import { json } from "../../http/answers.js";
import type { RouteRequest, Routes } from "../../http/routes.js";
import type { Channel } from "../../rpc/channel.js";
import type { TraceSubject } from "../operations/call-traces.js";
import type { Operations } from "../operations/operations.js";
import { numberParam, oneOfParams } from "./read-query.js";

const subjects = ["callId", "connectionId", "userId", "groupId"] as const satisfies readonly TraceSubject[];
const DEFAULT_LIMIT = 200;
const MAX_LIMIT = 1000;
const NODES_MS = 4000;

/** `GET /ops/trace`: what this center, and nodes, remember of a call, a connection, a user or a group. */
export function traceRoutes(operations: Operations, centerId: string): Routes {
  const { nodes, traces } = operations;

  async function answer({ query, signal }: RouteRequest): Promise<OpsTrace> {
    const { name, value } = oneOfParams(query, subjects);
    const limit = numberParam(query, "limit", { min: 1, max: MAX_LIMIT, byDefault: DEFAULT_LIMIT });
    const center = traces.find(name, value, limit);
    const { channels, params } =
      name === "callId"
        ? askedBy(center.items)
        : { channels: concerned(name, value), params: { [name]: value } };
    const told = await nodes.asker.askEach(
      channels,
      "trace",
      { ...params, limit },
      { timeoutMs: NODES_MS, signal },
    );
    const trace: OpsTrace = { center, nodes: [], failed: [] };
    for (const channel of channels) {
      const { id: nodeId } = channel.member;
      const answered = told.get(channel);
      if (answered?.ok === true) trace.nodes.push({ nodeId, ...answered.value });
      else {
        const { code, message } = answered?.error ?? {
          code: "NODE_TIMEOUT",
          message: "there was no time to ask it",
        };
        trace.failed.push({ nodeId, code, message });
      }
    }
    return trace;
  }

  /** The nodes that were asked and are still linked, and what to look for there. */
  function askedBy(items: OpsTrace["center"]["items"]): {
    channels: Channel[];
    params: Pick<NodeOperationParams<"trace">, "calls">;
  } {
    const ids = new Set(items.flatMap(({ asked }) => asked.map(({ nodeId }) => nodeId)));
    const numbers = [...new Set(items.flatMap(({ calls }) => calls))].slice(0, MAX_LIMIT);
    const channels = nodes.channels().filter(({ member }) => ids.has(member.id));
    return { channels, params: { calls: { centerId, numbers } } };
  }

  /** What a user had may be remembered by any node. */
  function concerned(name: Exclude<TraceSubject, "callId">, value: string): readonly Channel[] {
    if (name !== "connectionId") return nodes.channels();
    const node = nodes.nodeOf(value);
    return node === undefined ? [] : [node];
  }

  return { "/ops/trace": { scope: "read", handle: async (request) => json(200, await answer(request)) } };
}
