import { afterAll, beforeAll, beforeEach } from "vitest";
import { Cluster } from "./cluster.js";
import type { ClusterOptions } from "./cluster.js";

/** One cluster for all tests of a file or block; what its processes wrote is shown when a test fails. */
export function useCluster(options: ClusterOptions = {}): () => Cluster {
  let cluster: Cluster | undefined;
  beforeAll(async () => {
    cluster = await Cluster.start(options);
  }, 90_000);
  afterAll(async () => {
    await cluster?.stop();
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => {
      process.stderr.write(`${cluster?.logs() ?? "no cluster"}\n`);
    });
  });
  return () => {
    if (cluster === undefined) {
      throw new Error("the cluster did not start");
    }
    return cluster;
  };
}
