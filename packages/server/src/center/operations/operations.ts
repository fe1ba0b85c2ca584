import type { CenterAbout, InterestKind, OpsHistory } from "@websocket-center/protocol";
import type { Channel } from "../../rpc/channel.js";
import { RuntimeWatch } from "../../runtime-vitals.js";
import type { NodeEntry } from "../registry.js";
import type { CallTraces } from "./call-traces.js";
import type { CenterEvents } from "./center-events.js";
import { EventFeed } from "./event-feed.js";
import { Latency } from "./latency.js";
import type { NodeAsker } from "./node-asker.js";
import type { Sample } from "./point.js";
import { Sampler } from "./sampler.js";
import { type SharedState, stateOf } from "./state.js";
import { Vitals } from "./vitals.js";

/** How long nodes have for telling of themselves, of the second between two samples. */
const VITALS_TIMEOUT_MS = 900;

/** What operations need of the links to nodes. */
export interface OperatedNodes {
  readonly asker: NodeAsker;
  readonly entries: readonly NodeEntry[];
  /** The same list while nobody comes or goes. */
  channels(): readonly Channel[];
  /** @throws CenterError INVALID_PARAMS, UNKNOWN_NODE or AMBIGUOUS_NODE */
  find(idOrPrefix: string): Channel;
  /** The node that gave that connection id, if it is linked. */
  nodeOf(connectionId: string): Channel | undefined;
  /** Those that hold the user or group, or of which it is not known. */
  holders(kind: InterestKind, id: string): ReadonlySet<Channel>;
  /** Users or groups of the whole cluster, each once. */
  heldCount(kind: InterestKind): number;
}

export interface OperationsParts {
  nodes: OperatedNodes;
  /** Once it listens. */
  about: () => CenterAbout;
  linkAddress: () => string;
  events: CenterEvents;
  traces: CallTraces;
  onFault: (error: unknown) => void;
}

/** What operators see of the cluster: gathered between `start()` and `close()`. */
export class Operations {
  readonly latency = new Latency();
  readonly traces: CallTraces;
  readonly feed: EventFeed;
  readonly sampler: Sampler;
  readonly nodes: OperatedNodes;
  readonly #parts: OperationsParts;
  readonly #vitals: Vitals;
  readonly #runtime = new RuntimeWatch();

  constructor(parts: OperationsParts) {
    this.#parts = parts;
    this.nodes = parts.nodes;
    this.traces = parts.traces;
    this.#vitals = new Vitals(parts.nodes.asker);
    this.feed = new EventFeed(parts.nodes, parts.events, parts.onFault);
    this.sampler = new Sampler(() => this.#sample(), parts.onFault);
  }

  get history(): OpsHistory {
    return this.sampler.history;
  }

  state(): SharedState {
    const { nodes, about, linkAddress } = this.#parts;
    return stateOf({
      about: about(),
      linkAddress: linkAddress(),
      runtime: this.#runtime.vitals(),
      entries: nodes.entries,
      channels: nodes.channels(),
      vitals: this.#vitals,
    });
  }

  start(): void {
    this.#runtime.start();
    this.sampler.start();
  }

  close(): void {
    this.sampler.close();
    this.feed.close();
    this.#runtime.close();
  }

  async #sample(): Promise<Sample> {
    const { nodes, about } = this.#parts;
    const channels = nodes.channels();
    await this.#vitals.renew(channels, about(), VITALS_TIMEOUT_MS);
    const byId = new Map(channels.map((channel) => [channel.member.id, channel]));
    return {
      at: Date.now(),
      nodes: new Map(
        nodes.entries.map(({ id, connections }) => {
          const channel = byId.get(id);
          const vitals = channel === undefined ? null : this.#vitals.of(channel);
          return [id, { connections: vitals?.connections ?? connections, vitals }];
        }),
      ),
      users: nodes.heldCount("user"),
      groups: nodes.heldCount("group"),
      calls: this.traces.count,
      latency: this.latency.snapshot(),
    };
  }
}
