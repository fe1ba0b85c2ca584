import {
  type NodeCounters,
  nodeOperations,
  type NodeOperation,
  type NodeOperationParams,
  type NodeOperationResult,
  type NodeVitals,
  type RuntimeVitals,
} from "@websocket-center/protocol";
import { CenterError } from "../../errors.js";
import { describeIssue } from "../../rpc/check-command.js";
import { Connection } from "../connection.js";
import type { Hub } from "../hub.js";
import type { CenterAbouts } from "./center-abouts.js";
import { Listings } from "./listings.js";
import { LiveEvents } from "./live-events.js";
import { Traces } from "./traces.js";
import { Watches } from "./watches.js";
import { Witness } from "./witness.js";

/** What the node tells of itself, beside what its hub holds. */
export interface OperationsParts {
  hub: Hub;
  traceEntries: number;
  centers: () => CenterAbouts;
  counters: () => Omit<NodeCounters, "commands">;
  waitingBytes: () => number;
  runtime: () => RuntimeVitals;
}

type Methods = {
  [O in NodeOperation]: (
    params: NodeOperationParams<O>,
    signal: AbortSignal,
  ) => NodeOperationResult<O> | Promise<NodeOperationResult<O>>;
};

/** The service through which centers look at the node: `wsc.operations`. */
export class Operations {
  readonly witness: Witness;
  readonly #parts: OperationsParts;
  readonly #live = new LiveEvents();
  readonly #watches: Watches;
  readonly #methods: Methods;

  constructor(parts: OperationsParts) {
    const { hub } = parts;
    this.#parts = parts;
    const traces = new Traces(parts.traceEntries);
    const listings = new Listings(hub);
    this.#watches = new Watches((watch) => connectionsOf(hub, watch));
    this.witness = new Witness(hub, { traces, live: this.#live, watches: this.#watches });
    this.#methods = {
      vitals: ({ center }) => {
        if (center !== undefined) parts.centers().heard(center);
        return this.#vitals();
      },
      listConnections: (params, signal) => listings.connections(params, signal),
      getConnection: ({ connectionId }) => listings.connection(connectionId),
      listUsers: (params, signal) => listings.users(params, signal),
      listGroups: (params, signal) => listings.groups(params, signal),
      events: ({ after, limit }) => this.#live.since(after, limit),
      trace: (params) =>
        traces.find(params, (userId) => Array.from(hub.connectionsOf(userId), ({ id }) => id)),
      watch: (params) => this.#watches.since(params),
    };
  }

  /** @throws CenterError UNKNOWN_METHOD or INVALID_PARAMS */
  async invoke(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    if (!isOperation(method)) throw new CenterError("UNKNOWN_METHOD", `nodes have no operation ${method}`);
    const checked = nodeOperations[method].params.safeParse(params);
    if (!checked.success)
      throw new CenterError("INVALID_PARAMS", `${method}: ${describeIssue(checked.error.issues[0])}`);
    // The table ties each name to its parameters, which a union of functions cannot express.
    const run = this.#methods[method] as (params: unknown, signal: AbortSignal) => unknown;
    return await run(checked.data, signal);
  }

  close(): void {
    this.#live.close();
    this.#watches.close();
  }

  #vitals(): NodeVitals {
    const { hub, centers, counters, runtime, waitingBytes } = this.#parts;
    return {
      at: Date.now(),
      connections: hub.connectionCount,
      users: hub.userCount,
      groups: hub.groupCount,
      waitingBytes: waitingBytes(),
      counters: { ...counters(), commands: this.witness.commandsTotal },
      runtime: runtime(),
      centers: centers().list(),
    };
  }
}

function isOperation(name: string): name is NodeOperation {
  return Object.hasOwn(nodeOperations, name);
}

function connectionsOf(
  hub: Hub,
  { connectionId, userId }: { connectionId?: string | undefined; userId?: string | undefined },
): Connection[] {
  const found =
    connectionId === undefined ? [...hub.connectionsOf(userId ?? "")] : [hub.connection(connectionId)];
  return found.filter((connection) => connection instanceof Connection);
}
