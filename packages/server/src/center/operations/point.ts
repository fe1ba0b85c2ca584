import type { NodeCounters, NodeVitals, OpsPoint } from "@websocket-center/protocol";
import { quantileMs } from "./latency.js";

/** All that is counted at one moment, from which points are made. */
export interface Sample {
  at: number;
  /** Of each node that is linked; `vitals` is null where it tells nothing. */
  nodes: ReadonlyMap<string, SampledNode>;
  /** In the whole cluster, each once, however many nodes hold it. */
  users: number;
  groups: number;
  /** Calls that this center took, since it began, and how long the classic ones took. */
  calls: number;
  latency: Float64Array;
}

export interface SampledNode {
  connections: number;
  vitals: NodeVitals | null;
}

const rateNames = [
  "messagesIn",
  "messagesOut",
  "bytesIn",
  "bytesOut",
  "opened",
  "closed",
  "slowConsumers",
] as const satisfies readonly (keyof NodeCounters)[];

type Rates = Record<(typeof rateNames)[number] | "cpu", number | null>;

/** A moment, with rates over the time since the sample before. */
export function pointOf(sample: Sample, before: Sample | undefined): OpsPoint {
  const nodes: OpsPoint["nodes"] = {};
  const sums: Rates = { ...noRates };
  const { users, groups } = sample;
  const held = { connections: 0, users, groups, waitingBytes: 0 };
  for (const [id, node] of sample.nodes) {
    const { vitals } = node;
    held.connections += node.connections;
    if (vitals === null) continue;
    held.waitingBytes += vitals.waitingBytes;
    const rates = ratesOf(vitals, before?.nodes.get(id)?.vitals ?? null);
    for (const name of rateNames) sums[name] = sum(sums[name], rates[name]);
    const { messagesIn, messagesOut, bytesIn, bytesOut, cpu } = rates;
    const { rssBytes, loopDelayMs } = vitals.runtime;
    const { connections } = node;
    nodes[id] = { connections, messagesIn, messagesOut, bytesIn, bytesOut, cpu, rssBytes, loopDelayMs };
  }
  const { cpu: _cpu, ...rates } = sums;
  return { at: sample.at, ...held, ...rates, ...callsOf(sample, before), nodes };
}

const noRates: Rates = {
  messagesIn: null,
  messagesOut: null,
  bytesIn: null,
  bytesOut: null,
  opened: null,
  closed: null,
  slowConsumers: null,
  cpu: null,
};

/** Per second by the node's own clock; null where it has told nothing new. */
function ratesOf(now: NodeVitals, before: NodeVitals | null): Rates {
  const ms = before === null ? 0 : now.at - before.at;
  if (before === null || ms <= 0) return noRates;
  const rates: Rates = { ...noRates, cpu: rounded((now.runtime.cpuMs - before.runtime.cpuMs) / ms) };
  for (const name of rateNames) {
    rates[name] = rounded(((now.counters[name] - before.counters[name]) * 1000) / ms);
  }
  return rates;
}

function callsOf(
  sample: Sample,
  before: Sample | undefined,
): Pick<OpsPoint, "calls" | "callP50Ms" | "callP99Ms"> {
  if (before === undefined || sample.at <= before.at)
    return { calls: null, callP50Ms: null, callP99Ms: null };
  return {
    calls: rounded(((sample.calls - before.calls) * 1000) / (sample.at - before.at)),
    callP50Ms: quantileMs(0.5, before.latency, sample.latency),
    callP99Ms: quantileMs(0.99, before.latency, sample.latency),
  };
}

function sum(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return one + other;
}

/** A clock that was set back makes no negative rate. */
function rounded(rate: number): number {
  return Math.max(0, Math.round(rate * 1000) / 1000);
}
