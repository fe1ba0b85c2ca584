import { HUB_SERVICE, type Scope, type ServiceInfo } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
import type { Caller } from "../rpc/caller.js";
import type { NodeAnswer } from "../rpc/pending-calls.js";
import type { Channel } from "../rpc/channel.js";
import { checkCommand } from "../rpc/check-command.js";
import { asJson } from "../rpc/json.js";
import { type Outcome, outcomeOfWire } from "../rpc/outcome.js";
import { checkTimeout } from "../rpc/timeout.js";
import type { ServiceCall, ServiceResult, TimedServiceCall } from "../services/service-call.js";
import { hubService } from "../services/hub-service.js";
import type { CallOrigin, SettledCall } from "./operations/call-traces.js";
import type { Registry } from "./registry.js";
import type { Router } from "./router.js";
import type { Running } from "./running.js";

/** A service at one node. */
export interface ServiceEntry extends ServiceInfo {
  nodeId: string;
}

export interface ServiceFilter {
  name?: string | undefined;
  /** What the service's metadata must have, key by key; values are compared as text. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** What services the linked nodes have, and the way to call them. The hub is one of them, at every node. */
export class ServiceDirectory {
  readonly #registry: Registry;
  readonly #caller: Caller;
  readonly #router: Router;
  readonly #running: Running;
  readonly #isSuspect: (channel: Channel) => boolean;
  readonly #onSettled: (call: SettledCall) => void;
  readonly #byNode = new Map<Channel, ServiceInfo[]>();

  constructor(parts: {
    registry: Registry;
    caller: Caller;
    router: Router;
    running: Running;
    isSuspect: (channel: Channel) => boolean;
    /** Told of each call whose origin is known, with what came of it. */
    onSettled: (call: SettledCall) => void;
  }) {
    this.#onSettled = parts.onSettled;
    this.#registry = parts.registry;
    this.#caller = parts.caller;
    this.#router = parts.router;
    this.#running = parts.running;
    this.#isSuspect = parts.isSuspect;
  }

  /** All that a node offers now. */
  set(channel: Channel, services: ServiceInfo[]): void {
    this.#byNode.set(channel, services);
  }

  remove(channel: Channel): void {
    this.#byNode.delete(channel);
  }

  find({ name, metadata = {} }: ServiceFilter = {}): ServiceEntry[] {
    const wanted = Object.entries(metadata);
    return this.#registry.channels().flatMap((channel) => {
      const { id: nodeId } = channel.member;
      return [hubService(), ...(this.#byNode.get(channel) ?? [])]
        .filter((service) => name === undefined || service.name === name)
        .filter((service) => wanted.every(([key, value]) => hasMetadata(service, key, value)))
        .map((service) => ({ ...service, nodeId }));
    });
  }

  /**
   * Calls a method on one node, on any one, or on all that have the service.
   * @returns a result for each node that was asked, at least one.
   * @throws CenterError UNKNOWN_SERVICE, UNKNOWN_METHOD or INVALID_PARAMS; then nothing was run.
   */
  call(call: ServiceCall, origin?: CallOrigin): Promise<ServiceResult[]> {
    return this.#running.during(this.#call(call, origin));
  }

  async #call(asked: ServiceCall, origin: CallOrigin | undefined): Promise<ServiceResult[]> {
    const call = { ...asked, timeoutMs: checkTimeout(asked.timeoutMs), origin };
    if (call.mode !== undefined && call.mode !== "one" && call.mode !== "all") {
      throw new CenterError("INVALID_PARAMS", "mode: expected one or all");
    }
    const having = this.#nodesWith(call);
    const isAll = call.mode === "all" && call.nodeId === undefined;
    if (call.service === HUB_SERVICE) return this.#callHub(call, isAll ? having : [pick(having)]);
    const params = asJson(call.params ?? {});
    if (isAll) return this.#ask(having, call, params);
    return this.#askOne(having, call, params);
  }

  /** What a token must allow for a call of that method: all that the nodes which declare it ask for. */
  scopesOf({ service, method }: Pick<ServiceCall, "service" | "method">): ReadonlySet<Scope> {
    const services = service === HUB_SERVICE ? [hubService()] : [...this.#byNode.values()].flat();
    const declared = services
      .filter(({ name }) => name === service)
      .flatMap(({ methods }) => methods.filter(({ name }) => name === method).map(({ scope }) => scope));
    return new Set(declared.length === 0 ? ["manage"] : declared);
  }

  #nodesWith({ service, method, nodeId }: ServiceCall): Channel[] {
    const channels = this.#registry
      .channels()
      .filter(({ member }) => nodeId === undefined || member.id === nodeId);
    const offers = (channel: Channel): ServiceInfo | undefined =>
      service === HUB_SERVICE
        ? hubService()
        : this.#byNode.get(channel)?.find(({ name }) => name === service);
    const having = channels.filter((channel) => offers(channel) !== undefined);
    if (having.length === 0) {
      const where = nodeId === undefined ? "no linked node has" : `no linked node ${nodeId} has`;
      throw new CenterError("UNKNOWN_SERVICE", `${where} a service ${service}`);
    }
    const declaring = having.filter((channel) =>
      offers(channel)?.methods.some(({ name }) => name === method),
    );
    if (declaring.length === 0)
      throw new CenterError("UNKNOWN_METHOD", `${service} declares no method ${method}`);
    return declaring;
  }

  /** One after the other until one takes the call: a node that refused it surely did not run it. */
  async #askOne(having: Channel[], call: OriginatedCall, params: unknown): Promise<ServiceResult[]> {
    const endsAt = performance.now() + call.timeoutMs;
    const left = new Set(having);
    for (;;) {
      const candidates = [...left].filter((channel) => !this.#isSuspect(channel));
      const channel = pick(candidates.length > 0 ? candidates : [...left]);
      left.delete(channel);
      const timeoutMs = Math.max(0, endsAt - performance.now());
      const results = await this.#ask([channel], { ...call, timeoutMs }, params);
      const wasRefused = results.every((result) => !result.ok && notRun.has(result.code));
      if (!wasRefused || left.size === 0) return results;
    }
  }

  async #ask(channels: readonly Channel[], call: OriginatedCall, params: unknown): Promise<ServiceResult[]> {
    const { service, method, timeoutMs, signal, origin } = call;
    const startedAt = performance.now();
    const methods = [{ name: method, params }];
    const { answers, number } = await this.#caller.call(channels, service, methods, { timeoutMs, signal });
    const places = new Map(channels.map((channel, at) => [channel, placeOf(answers[at])]));
    if (origin !== undefined) {
      const name = `${service}.${method}`;
      const linkedNodes = this.#registry.size;
      this.#onSettled({ origin, name, params: {}, startedAt, linkedNodes, places, calls: [number] });
    }
    return Array.from(places, ([{ member }, outcome]): ServiceResult => ({ nodeId: member.id, ...outcome }));
  }

  async #callHub(call: OriginatedCall, nodes: readonly Channel[]): Promise<ServiceResult[]> {
    const command = checkCommand(call.method, call.params ?? {});
    const { timeoutMs, signal, origin } = call;
    const { nodeIds, outcomes } = await this.#router.execute([command], { timeoutMs, signal, nodes, origin });
    return nodeIds.map((nodeId, at): ServiceResult => ({ nodeId, ...(outcomes[0]?.[at] ?? lostOutcome) }));
  }
}

type OriginatedCall = TimedServiceCall & { origin: CallOrigin | undefined };

function placeOf(answer: NodeAnswer | undefined): Outcome {
  if (answer?.ok === true) return outcomeOfWire(answer.outcomes[0]);
  const { code, message } = answer ?? { code: "INTERNAL" as const, message: "the node was not settled" };
  return { ok: false, code, message };
}

const notRun: ReadonlySet<string> = new Set(["NODE_OVERLOADED", "METHOD_BUSY", "CALL_TOO_LARGE"]);
const lostOutcome: Outcome = { ok: false, code: "INTERNAL", message: "the outcome was lost" };

function pick(channels: readonly Channel[]): Channel {
  const channel = channels[Math.floor(Math.random() * channels.length)];
  if (channel === undefined) throw new CenterError("UNKNOWN_SERVICE", "no linked node has the service");
  return channel;
}

function hasMetadata({ metadata }: ServiceInfo, key: string, value: unknown): boolean {
  return Object.hasOwn(metadata, key) && textOf(metadata[key]) === textOf(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : JSON.stringify(value);
}
