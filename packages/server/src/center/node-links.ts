import type { InterestKind } from "@websocket-center/protocol";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketListener } from "../backplane/websocket-listener.js";
import type { CenterConfig } from "../config/options.js";
import { CenterError } from "../errors.js";
import { Caller } from "../rpc/caller.js";
import { type Channel, type ChannelFrame, Channels, maxFrameBytes } from "../rpc/channel.js";
import { Pinger } from "../rpc/heartbeat.js";
import { Interest } from "./interest.js";
import { MemberList } from "./member-list.js";
import type { SettledCall } from "./operations/call-traces.js";
import { NodeAsker } from "./operations/node-asker.js";
import type { PipelineParts } from "./pipeline.js";
import { type NodeEntry, Registry } from "./registry.js";
import type { CenterReports } from "./reports.js";
import { Requests } from "./requests.js";
import { Router } from "./router.js";
import type { Running } from "./running.js";
import { ServiceDirectory } from "./service-directory.js";
import { Targets } from "./targets.js";

export interface NodeLinksParts {
  centerId: string;
  config: CenterConfig;
  reports: CenterReports;
  /** Whether requests of nodes are refused. */
  isStopping: () => boolean;
  /** Told of every call while it runs. */
  running: Running;
  /** The centers that each node is told of when it comes. */
  otherCenters: () => string[];
  /** Told of each command and method of back ends and nodes that has settled. */
  onSettled: (call: SettledCall) => void;
}

/** Everything about nodes: the links to them, who is there, what they are asked, and what they ask. */
export class NodeLinks {
  readonly router: Router;
  /** What pipelines of commands are made of. */
  readonly pipelineParts: PipelineParts;
  readonly services: ServiceDirectory;
  /** Asks nodes about themselves. */
  readonly asker: NodeAsker;
  readonly members = new MemberList();
  readonly #parts: NodeLinksParts;
  readonly #registry = new Registry();
  readonly #interest = new Interest();
  readonly #targets = new Targets(this.#registry, this.#interest);
  readonly #listener: WebSocketListener;
  readonly #pinger: Pinger;
  readonly #caller: Caller;
  readonly #requests: Requests;

  constructor(parts: NodeLinksParts) {
    const { centerId, config, reports, isStopping, running } = parts;
    this.#parts = parts;
    const isSuspect = (channel: Channel): boolean => this.#pinger.isSuspect(channel);
    this.#listener = new WebSocketListener({
      centerId,
      maxFrameBytes: maxFrameBytes(config),
      secrets: config.linkSecret,
      asksForCertificates: config.linkTlsClientCa !== undefined,
      onRefused: (address, error) => reports.linkRefused(address, error),
    });
    this.#pinger = new Pinger({
      heartbeatMs: config.heartbeatMs,
      silenceMs: config.linkSilenceMs,
      onSuspect: (channel) => {
        reports.nodeSuspect(channel.member);
        this.#caller.onSuspect(channel);
        this.members.onSuspect(channel);
      },
    });
    this.#caller = new Caller({ maxQueuedBytes: config.maxLinkBufferedBytes, isSuspect });
    this.router = new Router(this.#registry, this.#caller, this.#targets, parts.onSettled);
    this.asker = new NodeAsker(this.#caller);
    this.pipelineParts = { caller: this.#caller, targets: this.#targets };
    this.services = new ServiceDirectory({
      registry: this.#registry,
      caller: this.#caller,
      router: this.router,
      running,
      isSuspect,
      onSettled: parts.onSettled,
    });
    this.#requests = new Requests({
      router: this.router,
      directory: this.services,
      isStopping,
      running,
      maxQueuedBytes: config.maxLinkBufferedBytes,
      onFault: (error) => reports.fault("a request of a node", error),
    });
    new Channels(this.#listener, {
      maxFrameBytes: maxFrameBytes(config),
      onJoined: (channel) => this.#onJoined(channel),
      onLeft: (channel, reason) => this.#onLeft(channel, reason),
      onFrame: (channel, frame) => this.#onFrame(channel, frame),
      onFault: (channel, error) => reports.linkFault(channel.member, error),
    });
  }

  get size(): number {
    return this.#registry.size;
  }

  get suspects(): number {
    return this.#registry.channels().filter((channel) => this.#pinger.isSuspect(channel)).length;
  }

  /** What is known of users and groups at nodes, and how many round trips it saved. */
  get routing(): { keys: number; untrusted: number; toEvery: number; toSome: number } {
    const { size: keys, untrustedCount: untrusted } = this.#interest;
    return { keys, untrusted, ...this.#targets.counts };
  }

  get pendingCalls(): number {
    return this.#caller.pendingCalls;
  }

  /** The linked nodes; the same list while nobody comes or goes. */
  channels(): readonly Channel[] {
    return this.#registry.channels();
  }

  /** @throws CenterError INVALID_PARAMS, UNKNOWN_NODE or AMBIGUOUS_NODE */
  find(idOrPrefix: string): Channel {
    return this.#registry.find(idOrPrefix);
  }

  /** The node that gave that connection id, if it is linked. */
  nodeOf(connectionId: string): Channel | undefined {
    return this.#registry.nodeOf(connectionId);
  }

  holders(kind: InterestKind, id: string): ReadonlySet<Channel> {
    return this.#targets.holders(kind, id);
  }

  /** Users or groups of the whole cluster, each once. */
  heldCount(kind: InterestKind): number {
    return this.#interest.count(kind);
  }

  get entries(): NodeEntry[] {
    return this.#registry.entries(this.#pinger);
  }

  /** Takes an upgrade request of the link port. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#listener.accept(request, socket, head);
  }

  /** Tells every node to register with these centers, or to leave them. */
  tellOfCenters(change: "register" | "remove", addresses: readonly string[]): void {
    for (const channel of this.#registry.channels()) channel.send([change, [...addresses]]);
  }

  /**
   * Tells a node to refuse clients, or to take them again.
   * @returns its entry once it has begun.
   * @throws CenterError INVALID_PARAMS, UNKNOWN_NODE, AMBIGUOUS_NODE, NODE_TIMEOUT or NODE_LEFT
   */
  async setDraining(idOrPrefix: string, change: "drain" | "undrain"): Promise<NodeEntry> {
    const channel = this.#registry.find(idOrPrefix);
    channel.send([change]);
    await this.#pinger.ask(channel, this.#parts.config.callTimeoutMs);
    const entry = this.entries.find(({ id }) => id === channel.member.id);
    if (entry !== undefined) return entry;
    throw new CenterError("NODE_LEFT", `node ${channel.member.id} left meanwhile`);
  }

  /** Settles all calls that are running, and all that come: the center stops. */
  abortCalls(reason: string): void {
    this.#caller.abort(reason);
  }

  async close(): Promise<void> {
    this.members.close();
    this.#pinger.close();
    this.#interest.close();
    await this.#listener.close();
  }

  #onJoined(channel: Channel): void {
    this.#registry.add(channel);
    this.#interest.add(channel);
    this.#pinger.add(channel);
    this.members.add(channel);
    const otherCenters = this.#parts.otherCenters();
    if (otherCenters.length > 0) channel.send(["register", otherCenters]);
    this.#parts.reports.nodeJoined(channel.member);
  }

  #onLeft(channel: Channel, reason: string): void {
    this.#registry.remove(channel);
    this.#interest.remove(channel);
    this.#pinger.remove(channel);
    this.members.remove(channel);
    this.services.remove(channel);
    this.#caller.onLeft(channel);
    this.#requests.onLeft(channel);
    this.#parts.reports.nodeLeft(channel.member, reason);
  }

  #onFrame(channel: Channel, frame: ChannelFrame): void {
    switch (frame[0]) {
      case "pong":
        this.#interest.onPong(channel, frame, this.#pinger.onPong(channel, frame));
        this.members.onStatus(channel, frame[2]);
        return;
      case "interest":
        this.#interest.onInterest(channel, frame);
        return;
      case "reply":
        this.#caller.onReply(channel, frame[1], frame[2]);
        return;
      case "services":
        this.services.set(channel, frame[1]);
        return;
      case "request":
        this.#requests.onRequest(channel, frame);
        return;
      case "cancel":
        this.#requests.onCancel(channel, frame);
        return;
      default:
        this.#parts.reports.linkFault(channel.member, `a node may not send a ${frame[0]} frame`);
        channel.end(`it sent a ${frame[0]} frame`);
    }
  }
}
