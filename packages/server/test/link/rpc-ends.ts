import { type FrameOf, HUB_SERVICE, type NodeStatus, type WireOutcome } from "@websocket-center/protocol";
import { MemoryBackplane } from "../../src/backplane/memory.js";
import { Interest } from "../../src/center/interest.js";
import { Registry } from "../../src/center/registry.js";
import { Router } from "../../src/center/router.js";
import { Targets } from "../../src/center/targets.js";
import { createHandlers, execute } from "../../src/node/handlers.js";
import { CenterError } from "../../src/errors.js";
import { Hub } from "../../src/node/hub.js";
import { InterestFeed } from "../../src/node/interest.js";
import { Caller } from "../../src/rpc/caller.js";
import type { NodeAnswer } from "../../src/rpc/pending-calls.js";
import { type Channel, type ChannelFrame, Channels } from "../../src/rpc/channel.js";
import { Pinger, PingWatch } from "../../src/rpc/heartbeat.js";
import { Responder } from "../../src/rpc/responder.js";
import { hexId, info, status } from "./link-port.js";

const MiB = 1024 * 1024;

/** A center without its ports: what rpc/ and the router are put together to, over the memory backplane. */
export class CenterEnd {
  readonly backplane = new MemoryBackplane(hexId());
  readonly registry = new Registry();
  readonly interest = new Interest();
  readonly caller: Caller;
  readonly pinger: Pinger;
  readonly targets = new Targets(this.registry, this.interest);
  readonly router: Router;
  /** Every frame that came, in order. */
  readonly frames: { from: string; frame: ChannelFrame }[] = [];
  readonly left: { id: string; reason: string }[] = [];
  readonly faults: unknown[] = [];

  constructor({ maxQueuedBytes = 16 * MiB, maxReplyBytes = 64 * MiB } = {}) {
    this.pinger = new Pinger({
      heartbeatMs: 250,
      silenceMs: 15_000,
      onSuspect: (channel) => this.caller.onSuspect(channel),
    });
    this.caller = new Caller({ maxQueuedBytes, isSuspect: (channel) => this.pinger.isSuspect(channel) });
    this.router = new Router(this.registry, this.caller, this.targets);
    new Channels(this.backplane, {
      maxFrameBytes: maxReplyBytes,
      onJoined: (channel) => {
        this.registry.add(channel);
        this.interest.add(channel);
        this.pinger.add(channel);
      },
      onLeft: (channel, reason) => {
        this.left.push({ id: channel.member.id, reason });
        this.registry.remove(channel);
        this.interest.remove(channel);
        this.pinger.remove(channel);
        this.caller.onLeft(channel);
      },
      onFrame: (channel, frame) => {
        this.frames.push({ from: channel.member.id, frame });
        if (frame[0] === "pong") this.interest.onPong(channel, frame, this.pinger.onPong(channel, frame));
        if (frame[0] === "interest") this.interest.onInterest(channel, frame);
        if (frame[0] === "reply") this.caller.onReply(channel, frame[1], frame[2]);
      },
      onFault: (_channel, error) => this.faults.push(error),
    });
  }

  channelOf({ id }: { id: string }): Channel {
    const channel = this.registry.channels().find(({ member }) => member.id === id);
    if (channel === undefined) throw new Error("that node is not linked");
    return channel;
  }

  isSuspect(node: { id: string }): boolean {
    return this.pinger.isSuspect(this.channelOf(node));
  }

  /** Calls these nodes; the answers by node id. */
  async call(
    nodes: readonly { id: string }[],
    command: { name: string; params: unknown } = { name: "countConnections", params: {} },
    { timeoutMs = 5000, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<Record<string, NodeAnswer>> {
    const channels = nodes.map((node) => this.channelOf(node));
    // Tests send what no command of the table is.
    const commands = [command] as unknown as Parameters<Caller["call"]>[2];
    const { answers } = await this.caller.call(channels, HUB_SERVICE, commands, { timeoutMs, signal });
    return Object.fromEntries(channels.map(({ member }, at) => [member.id, answers[at] as NodeAnswer]));
  }

  async close(): Promise<void> {
    this.pinger.close();
    this.interest.close();
    await this.backplane.close();
  }
}

/** A node without its ports: a hub behind a link. */
export class NodeEnd {
  readonly id: string;
  readonly backplane: MemoryBackplane;
  readonly hub = new Hub((...change) => this.interest.changed(...change));
  /** Tells nobody anything unless the node `tellsInterest`: then it is asked always. */
  readonly interest: InterestFeed = new InterestFeed({ hub: this.hub });
  readonly calls: FrameOf<"call">[] = [];
  readonly frames: ChannelFrame[] = [];
  readonly faults: unknown[] = [];
  readonly watch: PingWatch;
  readonly responder: Responder;
  /** The link to the center; undefined while there is none. */
  channel: Channel | undefined;
  status: NodeStatus = status;
  /** How late it answers pings, as over a long way. */
  pongDelayMs = 0;
  /** Runs a command; by default on the hub. */
  run: (name: string, params: unknown) => unknown;
  /** Answers a call; by default with what came of its commands. */
  onCall: (frame: FrameOf<"call">, channel: Channel) => void;

  constructor(
    center: CenterEnd,
    { id = hexId(), maxReplyBytes = 64 * MiB, maxQueuedBytes = 16 * MiB, tellsInterest = false } = {},
  ) {
    this.id = id;
    const handlers = createHandlers(this.hub);
    this.run = (name, params) => execute(handlers, name, params);
    this.responder = new Responder({
      execute: (name, params) => this.run(name, params),
      during: (_, run) => run(),
      whenKnown: (run) => this.interest.whenKnown(run),
      invoke: () => Promise.reject(new CenterError("UNKNOWN_SERVICE", "this node has the hub alone")),
      maxReplyBytes,
      maxQueuedBytes,
      onFault: (error) => this.faults.push(error),
    });
    this.onCall = (frame, channel) => this.responder.onCall(channel, frame);
    this.watch = new PingWatch({
      silenceMs: 15_000,
      status: () => this.status,
      interestNumber: (channel) => this.interest.onPing(channel),
    });
    this.backplane = new MemoryBackplane(id, { info, status: () => this.status });
    new Channels(this.backplane, {
      maxFrameBytes: maxReplyBytes,
      onJoined: (channel) => {
        this.channel = channel;
        this.watch.add(channel);
        if (tellsInterest) this.interest.add(channel);
      },
      onLeft: (channel) => {
        this.channel = undefined;
        this.watch.remove(channel);
        this.interest.remove(channel);
        this.responder.onLeft(channel);
      },
      onFrame: (channel, frame) => {
        this.frames.push(frame);
        if (frame[0] === "ping") this.#onPing(channel, frame);
        if (frame[0] === "ack") this.interest.onAck(channel, frame);
        if (frame[0] === "cancel") this.responder.onCancel(channel, frame);
        if (frame[0] !== "call") return;
        this.calls.push(frame);
        this.onCall(frame, channel);
      },
      onFault: (_channel, error) => this.faults.push(error),
    });
    MemoryBackplane.link(this.backplane, center.backplane);
  }

  #onPing(channel: Channel, frame: FrameOf<"ping">): void {
    if (this.pongDelayMs === 0) this.watch.onPing(channel, frame);
    else setTimeout(() => this.watch.onPing(channel, frame), this.pongDelayMs);
  }

  /** Replies by hand. */
  reply(id: number, ...outcomes: WireOutcome[]): void {
    this.channel?.send(["reply", id, outcomes]);
  }

  /** Ends the link, as when the process dies. */
  leave(): void {
    this.channel?.end("it leaves");
  }

  /** What it was sent of that type, without the type. */
  received(type: ChannelFrame[0]): unknown[] {
    return this.frames.filter((frame) => frame[0] === type).map(([, first]) => first);
  }

  async close(): Promise<void> {
    this.watch.close();
    this.interest.close();
    await this.backplane.close();
  }
}
