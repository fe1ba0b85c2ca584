import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import { PlainHistogram } from "./histogram.js";
import { version } from "./version.js";

/** Metrics of one center or node, in a registry of its own: several in a process do not mix. */
function createRegistry(component: "center" | "node"): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const build = new Gauge({
    name: "wsc_build_info",
    help: "Always 1; the version is a label.",
    labelNames: ["component", "version"],
    aggregator: "first",
    registers: [registry],
  });
  build.set({ component, version }, 1);
  return registry;
}

/** A gauge that is read when somebody asks. */
function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

/** A counter whose number is kept elsewhere, as a plain field on a hot path. */
function countedElsewhere(registry: Registry, name: string, help: string, read: () => number): void {
  let seen = 0;
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      const now = read();
      this.inc(now - seen);
      seen = now;
    },
  });
}

function descriptorsExhausted(registry: Registry): Counter {
  return new Counter({
    name: "wsc_descriptors_exhausted_total",
    help: "Seconds in which no file descriptor was left, so that new connections were refused.",
    registers: [registry],
  });
}

/** What every HTTP port counts. */
function httpCounters(registry: Registry) {
  /** Plain numbers, which the counter takes over when somebody asks: it would look its labels up for each request. */
  const counts = new Map<number, Map<string, { now: number; seen: number }>>();
  new Counter({
    name: "wsc_http_requests_total",
    help: "HTTP requests by status and outcome.",
    labelNames: ["status", "outcome"],
    registers: [registry],
    collect() {
      for (const [status, byOutcome] of counts) {
        for (const [outcome, counted] of byOutcome) {
          this.inc({ status, outcome }, counted.now - counted.seen);
          counted.seen = counted.now;
        }
      }
    },
  });
  return {
    countRequest: (status: number, outcome: string): void => {
      let byOutcome = counts.get(status);
      if (byOutcome === undefined) counts.set(status, (byOutcome = new Map()));
      const counted = byOutcome.get(outcome);
      if (counted === undefined) byOutcome.set(outcome, { now: 1, seen: 0 });
      else counted.now += 1;
    },
    clientErrors: new Counter({
      name: "wsc_bad_requests_total",
      help: "Connections that sent no HTTP request that can be read.",
      labelNames: ["status"],
      registers: [registry],
    }),
    tokensFileErrors: new Counter({
      name: "wsc_tokens_file_errors_total",
      help: "Changes of the tokens file that could not be used: the list before still counts.",
      registers: [registry],
    }),
  };
}

export type CenterMetrics = ReturnType<typeof createCenterMetrics>;

export function createCenterMetrics(read: {
  nodes: () => number;
  suspects: () => number;
  pendingCalls: () => number;
  routing: () => { keys: number; untrusted: number; toEvery: number; toSome: number };
  batches: () => { streams: number; inFlight: number; counts: { taken: number; refused: number } };
}) {
  const registry = createRegistry("center");
  const registers = [registry];
  gauge(registry, "wsc_nodes", "Nodes that are linked.", read.nodes);
  gauge(
    registry,
    "wsc_suspect_nodes",
    "Linked nodes that have answered no ping for a second.",
    read.suspects,
  );
  gauge(registry, "wsc_pending_calls", "Calls that wait for at least one node.", read.pendingCalls);
  gauge(registry, "wsc_interest_keys", "Users and groups that nodes hold, as this center knows.", () => {
    return read.routing().keys;
  });
  gauge(registry, "wsc_untrusted_nodes", "Linked nodes that are asked whatever is known of them.", () => {
    return read.routing().untrusted;
  });
  countedElsewhere(
    registry,
    "wsc_trips_to_some_total",
    "Round trips to the nodes that matter; each line of a batch counts as one.",
    () => {
      return read.routing().toSome;
    },
  );
  countedElsewhere(
    registry,
    "wsc_trips_to_every_total",
    "Round trips to every linked node; each line of a batch counts as one.",
    () => {
      return read.routing().toEvery;
    },
  );
  gauge(registry, "wsc_batch_streams", "Requests to POST /batch that are open.", () => {
    return read.batches().streams;
  });
  gauge(registry, "wsc_batch_commands_in_flight", "Commands of POST /batch that wait for a node.", () => {
    return read.batches().inFlight;
  });
  countedElsewhere(registry, "wsc_batch_commands_total", "Lines of POST /batch that were run.", () => {
    return read.batches().counts.taken;
  });
  countedElsewhere(
    registry,
    "wsc_batch_lines_refused_total",
    "Lines of POST /batch that were not run.",
    () => {
      return read.batches().counts.refused;
    },
  );
  return {
    registry,
    ...httpCounters(registry),
    descriptorsExhausted: descriptorsExhausted(registry),
    callSeconds: new PlainHistogram(
      registry,
      "wsc_call_duration_seconds",
      "Time from a classic request to its answer.",
      [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    ),
    failures: new Counter({
      name: "wsc_place_failures_total",
      help: "Events that failed at a node, by code: one for each place in a classic answer.",
      labelNames: ["code"],
      registers,
    }),
    nodesLeft: new Counter({ name: "wsc_nodes_left_total", help: "Links of nodes that ended.", registers }),
    linksRefused: new Counter({
      name: "wsc_links_refused_total",
      help: "Peers that were not let in at the link port.",
      labelNames: ["code"],
      registers,
    }),
  };
}

export type NodeMetrics = ReturnType<typeof createNodeMetrics>;

/** What a node's metrics are read from. */
export interface NodeReadings {
  connections: () => number;
  users: () => number;
  groups: () => number;
  links: () => number;
  queuedFrames: () => number;
  queuedBytes: () => number;
  waitingBytes: () => number;
  counts: Readonly<Record<"opened" | "slowConsumers" | "messagesIn" | "bytesIn", number>>;
}

export function createNodeMetrics(read: NodeReadings) {
  const registry = createRegistry("node");
  const registers = [registry];
  gauge(registry, "wsc_connections", "Open connections.", read.connections);
  gauge(registry, "wsc_users", "Users with a connection.", read.users);
  gauge(registry, "wsc_groups", "Groups with members.", read.groups);
  gauge(registry, "wsc_links", "Centers that are linked.", read.links);
  countedElsewhere(registry, "wsc_frames_queued_total", "Frames queued on connections.", read.queuedFrames);
  countedElsewhere(
    registry,
    "wsc_bytes_queued_total",
    "Bytes of frames queued on connections.",
    read.queuedBytes,
  );
  const { counts } = read;
  countedElsewhere(registry, "wsc_connections_opened_total", "Connections that were opened.", () => {
    return counts.opened;
  });
  countedElsewhere(
    registry,
    "wsc_slow_consumers_total",
    "Connections closed because they did not read fast enough.",
    () => counts.slowConsumers,
  );
  countedElsewhere(registry, "wsc_messages_received_total", "Messages from clients.", () => {
    return counts.messagesIn;
  });
  countedElsewhere(registry, "wsc_bytes_received_total", "Bytes of messages from clients.", () => {
    return counts.bytesIn;
  });
  gauge(
    registry,
    "wsc_waiting_bytes",
    "Memory that waits for clients that do not read fast enough.",
    read.waitingBytes,
  );
  return {
    registry,
    ...httpCounters(registry),
    descriptorsExhausted: descriptorsExhausted(registry),
    closed: new Counter({
      name: "wsc_connections_closed_total",
      help: "Connections that ended, by close code; codes that are none of ours or of the RFC's count as other.",
      labelNames: ["code"],
      registers,
    }),
    refused: new Counter({
      name: "wsc_connections_refused_total",
      help: "Clients that were refused before the upgrade.",
      labelNames: ["cause"],
      registers,
    }),
    tokensRenewed: new Counter({
      name: "wsc_client_tokens_renewed_total",
      help: "New tokens that clients sent on open connections, by whether they count: ok, refused.",
      labelNames: ["outcome"],
      registers,
    }),
    tokenKeysErrors: new Counter({
      name: "wsc_client_keys_errors_total",
      help: "Times that the key set for tokens of clients was not to be had.",
      registers,
    }),
    handlerErrors: new Counter({
      name: "wsc_handler_errors_total",
      help: "Handlers of the application that failed.",
      labelNames: ["event"],
      registers,
    }),
    interestWaitSeconds: new PlainHistogram(
      registry,
      "wsc_interest_wait_seconds",
      "Time that a bind or join waited until centers knew of it, where it had to.",
      [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.1],
    ),
    linksLost: new Counter({
      name: "wsc_links_lost_total",
      help: "Links that ended and attempts to link that failed, by code.",
      labelNames: ["code"],
      registers,
    }),
  };
}
