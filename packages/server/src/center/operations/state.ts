import type { CenterAbout, OpsNode, OpsState, RuntimeVitals } from "@websocket-center/protocol";
import type { Channel } from "../../rpc/channel.js";
import type { NodeEntry } from "../registry.js";
import { centerMap } from "./center-map.js";
import type { Vitals } from "./vitals.js";

/** The state but for what depends on who asks. */
export type SharedState = Omit<OpsState, "access">;

/** What the center knows of the cluster at this moment. */
export function stateOf(parts: {
  about: CenterAbout;
  /** `host:port` where nodes link. */
  linkAddress: string;
  runtime: RuntimeVitals;
  entries: readonly NodeEntry[];
  channels: readonly Channel[];
  vitals: Vitals;
}): SharedState {
  const { about, entries, vitals } = parts;
  const channels = new Map(parts.channels.map((channel) => [channel.member.id, channel]));
  const nodes = entries.map((entry): OpsNode => {
    const { centerIds: _centerIds, full = false, linkedAt, startedAt, ...shown } = entry;
    const channel = channels.get(entry.id);
    return {
      ...shown,
      full,
      startedAt: Date.parse(startedAt),
      linkedAt: Date.parse(linkedAt),
      vitals: channel === undefined ? null : vitals.of(channel),
    };
  });
  const centers = centerMap(
    { about, address: parts.linkAddress },
    nodes.map((node, at) => ({
      nodeId: node.id,
      centers: node.vitals?.centers ?? null,
      centerIds: entries[at]?.centerIds ?? [],
    })),
  );
  const { id: centerId, version, startedAt } = about;
  return { at: Date.now(), centerId, version, startedAt, runtime: parts.runtime, centers, nodes };
}
