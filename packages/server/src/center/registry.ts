import type { NodeStatus } from "@websocket-center/protocol";
import type { Channel } from "../rpc/channel.js";

/** What a center knows of a node, as `GET /nodes` shows it. */
export interface NodeEntry {
  id: string;
  version: string;
  /** The ws(s):// address for clients. */
  publicUrl: string;
  /** Where the link comes from, `host:port`. */
  address: string;
  /** ISO 8601. */
  startedAt: string;
  linkedAt: string;
  /** `suspect`: the node has answered no ping for a second. */
  state: "linked" | "suspect";
  draining: boolean;
  connections: number;
  users: number;
  groups: number;
}

const nothingYet: NodeStatus = { connections: 0, users: 0, groups: 0, draining: false };

/** The nodes that are linked and authenticated right now, in the order in which they came. */
export class Registry {
  readonly #byId = new Map<string, { channel: Channel; linkedAt: Date }>();

  add(channel: Channel): void {
    const { id } = channel.member;
    this.#byId.set(id, { channel, linkedAt: new Date() });
  }

  remove(channel: Channel): void {
    const { id } = channel.member;
    if (this.#byId.get(id)?.channel !== channel) return;
    this.#byId.delete(id);
  }

  get size(): number {
    return this.#byId.size;
  }

  channels(): Channel[] {
    return Array.from(this.#byId.values(), ({ channel }) => channel);
  }

  /** @param pulse - what is known of each node from its answers to pings. */
  entries(pulse: {
    statusOf: (channel: Channel) => NodeStatus | undefined;
    isSuspect: (channel: Channel) => boolean;
  }): NodeEntry[] {
    return Array.from(this.#byId.values(), ({ channel, linkedAt }) => {
      const { id, address, node } = channel.member;
      return {
        id,
        version: node?.info.version ?? "",
        publicUrl: node?.info.publicUrl ?? "",
        address,
        startedAt: new Date(node?.info.startedAt ?? 0).toISOString(),
        linkedAt: linkedAt.toISOString(),
        state: pulse.isSuspect(channel) ? "suspect" : "linked",
        ...(pulse.statusOf(channel) ?? nothingYet),
      };
    });
  }
}
