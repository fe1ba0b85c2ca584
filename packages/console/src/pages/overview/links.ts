import type { OpsCenter, OpsNode, OpsState } from "@websocket-center/protocol";

/** A center as the map shows it. `key` is the same while it lives. */
export interface MapCenter {
  key: string;
  /** What people know it by. */
  name: string;
  isThis: boolean;
  isReached: boolean;
}

export interface MapLink {
  centerKey: string;
  nodeId: string;
  isUp: boolean;
}

export interface ClusterLinks {
  centers: MapCenter[];
  nodes: OpsNode[];
  links: MapLink[];
}

/** Which node is linked to which center, in a lasting order. */
export function clusterLinks({ centerId, centers, nodes }: OpsState): ClusterLinks {
  const shown = centers.map((center) => ({
    center,
    key: center.addresses[0] ?? center.id ?? "",
    name: nameOf(center),
    isThis: center.id === centerId,
    isReached: center.linkedNodeIds.length > 0 || center.id === centerId,
  }));
  return {
    centers: shown.toSorted((a, b) => compare(a.name, b.name)),
    nodes: nodes.toSorted((a, b) => compare(a.publicUrl, b.publicUrl) || compare(a.id, b.id)),
    links: shown.flatMap(({ key, center }) => [
      ...center.linkedNodeIds.map((nodeId) => ({ centerKey: key, nodeId, isUp: true })),
      ...center.lostNodeIds.map((nodeId) => ({ centerKey: key, nodeId, isUp: false })),
    ]),
  };
}

function nameOf({ about, addresses, id }: OpsCenter): string {
  if (about !== undefined) return new URL(about.url).host;
  return addresses[0] ?? id?.slice(0, 12) ?? "";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
