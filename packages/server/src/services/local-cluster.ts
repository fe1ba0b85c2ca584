import type { Router } from "../center/router.js";
import { type Cluster, createCluster } from "./cluster.js";
import type { ServiceDirectory } from "./directory.js";

/** The cluster as a center reaches it: by its own router. */
export function createLocalCluster(router: Router, directory: ServiceDirectory): Cluster {
  return createCluster({
    execute: async (command, options) => {
      const { nodeIds, outcomes } = await router.execute([command], options);
      return { nodeIds, outcomes: outcomes[0] ?? [] };
    },
    callService: (call) => directory.call(call),
  });
}
