import { CenterError } from "../errors.js";
import { asJson } from "../rpc/json.js";
import { outcomeOfWire } from "../rpc/outcome.js";
import type { Requester } from "../rpc/requester.js";
import { type Cluster, createCluster } from "../services/cluster.js";

/**
 * The cluster as a node reaches it: through a center that is linked.
 * @param tellInterest - tells centers what the hub has come to hold, so that the one that is asked knows.
 */
export function createLinkedCluster(requester: Requester, tellInterest: () => void): Cluster {
  return createCluster({
    execute: async ({ name, params }, options) => {
      tellInterest();
      const [, nodeIds, outcomes] = await requester.request(
        { kind: "commands", commands: [[name, params]] },
        options,
      );
      const [places] = outcomes;
      if (places?.length !== nodeIds.length) throw brokenAnswer();
      return { nodeIds, outcomes: places.map(outcomeOfWire) };
    },
    callService: async ({ service, method, params, mode = "one", nodeId, timeoutMs, signal }) => {
      tellInterest();
      const what = { kind: "service" as const, service, method, params: asJson(params ?? {}), mode, nodeId };
      const [, nodeIds, outcomes] = await requester.request(what, { timeoutMs, signal });
      const [places] = outcomes;
      if (places?.length !== nodeIds.length) throw brokenAnswer();
      return nodeIds.map((id, at) => ({ nodeId: id, ...outcomeOfWire(places[at]) }));
    },
  });
}

function brokenAnswer(): CenterError {
  return new CenterError("INTERNAL", "the center's answer does not fit together");
}
