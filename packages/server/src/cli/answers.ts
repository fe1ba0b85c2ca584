import { z } from "zod";
import { printable } from "./table.js";

/** What centers answer, as far as commands read it; more may stand there. */
const nodeEntry = z.object({
  id: z.string(),
  version: z.string(),
  publicUrl: z.string(),
  startedAt: z.string(),
  state: z.enum(["linked", "suspect"]),
  draining: z.boolean(),
  /** Absent where the node's release does not say. */
  full: z.boolean().optional(),
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

export const assignAnswer = z.object({ url: z.string(), nodeId: z.string() });

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

/** A classic call that was run: a place for each node, with its value or its failure. */
export const classicAnswer = z.object({
  code: z.literal(0),
  master_ids: z.array(z.string()),
  data: z.record(z.string(), z.record(z.string(), z.unknown())),
});
export type ClassicAnswer = z.infer<typeof classicAnswer>;

/** A classic call of which nothing was run. */
export const classicFailure = z.object({ code: z.literal(1), msg: z.string() });

const placeFailure = z.strictObject({ code: z.literal(1), msg: z.string(), data: z.tuple([]) });

/** Why a node failed, where that is what stands in its place. */
export function failureOf(value: unknown): string | undefined {
  const failure = placeFailure.safeParse(value);
  return failure.success ? printable(failure.data.msg) : undefined;
}
