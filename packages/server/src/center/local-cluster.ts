import { newCallId } from "../http/answers.js";
import type { CallOrigin } from "./operations/call-traces.js";
import type { Router } from "./router.js";
import type { Running } from "./running.js";
import { type Cluster, createCluster } from "../services/cluster.js";
import type { ServiceDirectory } from "./service-directory.js";

/** The cluster as a center reaches it: by its own router. */
export function createLocalCluster(router: Router, directory: ServiceDirectory, running: Running): Cluster {
  return createCluster({
    execute: async (command, options) => {
      const origin = ownOrigin();
      const { nodeIds, outcomes } = await running.during(router.execute([command], { ...options, origin }));
      return { nodeIds, outcomes: outcomes[0] ?? [] };
    },
    callService: (call) => directory.call(call, ownOrigin()),
  });
}

function ownOrigin(): CallOrigin {
  return { callId: newCallId(), via: "process", principal: "none" };
}
