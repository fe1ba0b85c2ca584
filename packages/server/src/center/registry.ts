import { nodeKeyOf, type NodeStatus } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
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
  /** It has as many connections as it may; absent where its release does not say. */
  full?: boolean | undefined;
  connections: number;
  users: number;
  groups: number;
  /** The centers that the node says it is linked to; absent where its release does not say. */
  centerIds?: string[] | undefined;
}

/** What a center tells of itself. */
export interface CenterEntry {
  id: string;
  version: string;
  /** ISO 8601. */
  startedAt: string;
  /** `host:port` */
  addresses: { link: string; http: string };
  /** The centers that it tells its nodes to register with too. */
  otherCenters: string[];
}

/** How much of a node's id must be given at least. */
const MIN_PREFIX_LENGTH = 4;

const nothingYet: NodeStatus = { connections: 0, users: 0, groups: 0, draining: false };

/** The nodes that are linked and authenticated right now, in the order in which they came. */
export class Registry {
  readonly #byId = new Map<string, { channel: Channel; linkedAt: Date }>();
  /** The backplane sees to it that no two living nodes have one key. */
  readonly #byKey = new Map<string, Channel>();
  /** Made when somebody asks, and the same until a node comes or goes. */
  #channels: readonly Channel[] | undefined;

  add(channel: Channel): void {
    const { id } = channel.member;
    this.#byId.set(id, { channel, linkedAt: new Date() });
    this.#byKey.set(nodeKeyOf(id), channel);
    this.#channels = undefined;
  }

  remove(channel: Channel): void {
    const { id } = channel.member;
    if (this.#byId.get(id)?.channel !== channel) return;
    this.#byId.delete(id);
    this.#byKey.delete(nodeKeyOf(id));
    this.#channels = undefined;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The same list while nobody comes or goes. */
  channels(): readonly Channel[] {
    this.#channels ??= Array.from(this.#byId.values(), ({ channel }) => channel);
    return this.#channels;
  }

  /** The node that gave that connection id, if it is linked. */
  nodeOf(connectionId: string): Channel | undefined {
    return this.#byKey.get(nodeKeyOf(connectionId));
  }

  /**
   * The node whose id is, or begins with, `idOrPrefix`.
   * @throws CenterError INVALID_PARAMS, UNKNOWN_NODE or AMBIGUOUS_NODE, and what to do.
   */
  find(idOrPrefix: string): Channel {
    const prefix = idOrPrefix.toLowerCase();
    if (!/^[0-9a-f]{1,32}$/.test(prefix) || prefix.length < MIN_PREFIX_LENGTH) {
      throw new CenterError(
        "INVALID_PARAMS",
        `expected the id of a node, or at least its first ${MIN_PREFIX_LENGTH} characters (0-9, a-f)`,
      );
    }
    const found = this.channels().filter(({ member }) => member.id.startsWith(prefix));
    const [channel, other] = found;
    if (channel === undefined) {
      throw new CenterError(
        "UNKNOWN_NODE",
        `no node whose id begins with ${prefix} is linked to this center: GET /nodes lists those that are; one that is linked to another center can be reached there`,
      );
    }
    if (other !== undefined) {
      const ids = found.slice(0, 10).map(({ member }) => member.id);
      throw new CenterError(
        "AMBIGUOUS_NODE",
        `the ids of ${found.length} nodes begin with ${prefix}: ${ids.join(", ")}. Give more characters`,
      );
    }
    return channel;
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
