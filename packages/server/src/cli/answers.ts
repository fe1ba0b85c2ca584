import { z } from "zod";

/** What centers answer, as far as commands read it; more may stand there. */
export const nodeEntry = z.object({
  id: z.string(),
  version: z.string(),
  publicUrl: z.string(),
  startedAt: z.string(),
  state: z.enum(["linked", "suspect"]),
  draining: z.boolean(),
  connections: z.number(),
  users: z.number(),
  groups: z.number(),
  /** Absent where the node's release does not say. */
  centerIds: z.array(z.string()).optional(),
});
export type NodeEntry = z.infer<typeof nodeEntry>;

export const nodesAnswer = z.object({
  centerId: z.string(),
  /** Absent at centers of earlier releases. */
  center: z
    .object({
      version: z.string(),
      startedAt: z.string(),
      addresses: z.object({ link: z.string(), http: z.string() }),
      otherCenters: z.array(z.string()),
    })
    .optional(),
  nodes: z.array(nodeEntry),
});
export type NodesAnswer = z.infer<typeof nodesAnswer>;

export const tellAnswer = z.object({
  centerId: z.string(),
  otherCenters: z.array(z.string()),
  nodeIds: z.array(z.string()),
});

export const drainAnswer = z.object({ node: nodeEntry });

export const servicesAnswer = z.object({
  services: z.array(
    z.object({
      name: z.string(),
      nodeId: z.string(),
      metadata: z.record(z.string(), z.unknown()),
      methods: z.array(z.string()),
    }),
  ),
});
