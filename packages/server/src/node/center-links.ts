import { type CommandMethods, type NodeStatus, OPERATIONS_SERVICE } from "@websocket-center/protocol";
import { WebSocketDialer } from "../backplane/websocket-dialer.js";
import { parseAddress, publicAddressOf } from "../config/addresses.js";
import { checkDialRules } from "../config/listen-rules.js";
import type { NodeConfig } from "../config/options.js";
import { CenterError } from "../errors.js";
import { caOf, tlsOf } from "../http/tls.js";
import { type Channel, type ChannelFrame, Channels, maxFrameBytes } from "../rpc/channel.js";
import { PingWatch } from "../rpc/heartbeat.js";
import { Requester } from "../rpc/requester.js";
import { Responder } from "../rpc/responder.js";
import type { SteeringMember } from "../steering/member.js";
import { version } from "../version.js";
import { encodeLinkFrame } from "../wire/codec.js";
import { execute } from "./handlers.js";
import type { NodeIdentity } from "./identity.js";
import type { InterestFeed } from "./interest.js";
import { MemberLists } from "./member-lists.js";
import { NodeServices } from "./node-services.js";
import { CenterAbouts } from "./operations/center-abouts.js";
import type { Operations } from "./operations/operations.js";
import type { NodeReports } from "./reports.js";

/** As many as fit a frame. */
const MAX_CENTER_IDS = 1000;
/** As many as fit the handshake, beside all else. */
const MAX_FIRST_CENTER_IDS = 100;

export interface CenterLinksParts {
  config: NodeConfig;
  identity: NodeIdentity;
  commands: CommandMethods;
  interest: InterestFeed;
  operations: Operations;
  reports: NodeReports;
  publicUrl: () => string;
  /** What the node holds, but for the centers that it is linked to. */
  status: () => Omit<NodeStatus, "centerIds">;
  /** Whether users may be steered to this node. */
  takesClients: () => boolean;
  /** A center asks the node to refuse clients, or to take them again. */
  onDrain: (centerId: string) => void;
  onUndrain: (centerId: string) => void;
}

/** Everything about centers: the links to them, what they ask, and what is asked of them. */
export class CenterLinks {
  readonly services: NodeServices;
  readonly requester: Requester;
  /** The nodes of the cluster, as far as centers have told of them. */
  readonly members: MemberLists;
  /** What the centers told of themselves. */
  readonly abouts = new CenterAbouts(() => this.addresses);
  readonly #parts: CenterLinksParts;
  readonly #dialer: WebSocketDialer;
  readonly #channels: Channels;
  readonly #watch: PingWatch;
  readonly #responder: Responder;
  readonly #startedAt = Date.now();

  constructor(parts: CenterLinksParts) {
    const { config, commands, interest, operations, reports } = parts;
    this.#parts = parts;
    this.#dialer = this.#createDialer();
    this.#watch = new PingWatch({
      silenceMs: config.linkSilenceMs,
      status: () => this.#status(),
      interestNumber: (channel) => interest.onPing(channel),
    });
    this.services = new NodeServices({
      maxBytes: maxFrameBytes(config),
      onChange: () => this.#announceServices(this.#channels.all()),
      onFault: (stage, error) => reports.fault(stage, error),
    });
    this.members = new MemberLists(() => this.#ownMember());
    this.requester = new Requester({
      channels: () => this.#channels.all(),
      maxQueuedBytes: config.maxLinkBufferedBytes,
    });
    this.#responder = new Responder({
      execute: (name, params) => execute(commands, name, params),
      during: (asker, run) => operations.witness.during(asker, run),
      invoke: (service, ...call) =>
        service === OPERATIONS_SERVICE ? operations.invoke(...call) : this.services.invoke(service, ...call),
      whenKnown: (run) => interest.whenKnown(run),
      maxReplyBytes: config.maxReplyBytes,
      maxQueuedBytes: config.maxLinkBufferedBytes,
      onFault: (error, method) => reports.fault(`method ${method}`, error),
    });
    this.#channels = new Channels(this.#dialer, {
      maxFrameBytes: maxFrameBytes(config),
      onJoined: (channel) => this.#onLinked(channel),
      onLeft: (channel) => this.#onUnlinked(channel),
      onFrame: (channel, frame) => this.#onFrame(channel, frame),
      onFault: (channel, error) => reports.fault(`link to ${channel.member.address}`, error),
    });
  }

  /** How many centers are linked. */
  get size(): number {
    return this.#channels.size;
  }

  get addresses(): { address: string; linked: boolean; centerId: string | undefined }[] {
    return this.#dialer.addresses;
  }

  start(): void {
    this.register(this.#parts.config.centers);
    this.#dialer.start();
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#parts.interest.close();
    await this.#dialer.close();
  }

  /** A bare port means this host. */
  register(addresses: readonly string[]): void {
    for (const { host = "127.0.0.1", port } of addresses.map(parseAddress)) this.#dialer.add(host, port);
  }

  remove(addresses: readonly string[]): void {
    for (const { host = "127.0.0.1", port } of addresses.map(parseAddress)) this.#dialer.remove(host, port);
  }

  #createDialer(): WebSocketDialer {
    const { config, identity, reports, publicUrl } = this.#parts;
    const { assignStrategy, linkSecret, linkTls } = config;
    const ca = caOf(config, "linkTlsCa");
    const { tls: own } = tlsOf(config, "linkTlsCert", "linkTlsKey");
    const members = assignStrategy === "least-connections" ? "connections" : "addresses";
    return new WebSocketDialer({
      identity,
      maxFrameBytes: maxFrameBytes(config),
      secrets: linkSecret,
      info: () => ({ version, publicUrl: publicUrl(), startedAt: this.#startedAt, members }),
      status: () => this.#statusAtFirst(),
      tls: linkTls || ca !== undefined ? { ca, own } : undefined,
      checkHost: (host) => checkDialRules(config, host),
      onLost: (center, error, retryMs) => reports.linkLost(center, error, retryMs),
    });
  }

  #status(): NodeStatus {
    const centerIds = Array.from(this.#channels.all(), ({ member }) => member.id).slice(0, MAX_CENTER_IDS);
    return { ...this.#parts.status(), centerIds };
  }

  /** What the handshake has room for. The rest comes with the first pong. */
  #statusAtFirst(): NodeStatus {
    return this.#channels.size > MAX_FIRST_CENTER_IDS ? this.#parts.status() : this.#status();
  }

  #ownMember(): SteeringMember {
    const { identity, status, takesClients } = this.#parts;
    const publicUrl = this.#parts.publicUrl();
    return {
      id: identity.id,
      address: publicAddressOf(publicUrl) ?? publicUrl,
      takesClients: takesClients(),
      connections: status().connections,
    };
  }

  #onLinked(channel: Channel): void {
    this.#watch.add(channel);
    this.#parts.interest.add(channel);
    if (this.services.infos().length > 0) this.#announceServices([channel]);
    this.#parts.reports.linked(channel.member.id, channel.member.address);
  }

  #onUnlinked(channel: Channel): void {
    this.#watch.remove(channel);
    this.#parts.interest.remove(channel);
    this.#responder.onLeft(channel);
    this.requester.onLeft(channel);
    this.members.onUnlinked(channel);
  }

  #announceServices(channels: Iterable<Channel>): void {
    const frame = encodeLinkFrame(["services", this.services.infos()]);
    for (const channel of channels) {
      channel.abandon("services");
      if (channel.takes(frame.length)) channel.sendEncoded(frame, "services");
      else this.#parts.reports.fault("services", servicesTooLarge(channel, frame.length));
    }
  }

  #onFrame(channel: Channel, frame: ChannelFrame): void {
    switch (frame[0]) {
      case "ping":
        this.#watch.onPing(channel, frame);
        return;
      case "ack":
        this.#parts.interest.onAck(channel, frame);
        return;
      case "call":
        this.#responder.onCall(channel, frame);
        return;
      case "cancel":
        this.#responder.onCancel(channel, frame);
        return;
      case "answer":
        this.requester.onAnswer(channel, frame);
        return;
      case "members":
        this.members.onMembers(channel, frame);
        return;
      case "register":
      case "remove":
        this.#onCentersChanged(channel, frame[0], frame[1]);
        return;
      case "drain":
        this.#parts.onDrain(channel.member.id);
        return;
      case "undrain":
        this.#parts.onUndrain(channel.member.id);
        return;
      default:
        channel.end(`it sent a ${frame[0]} frame`);
    }
  }

  /** A center tells of others. A bare port means the host at which this node reached the one that tells. */
  #onCentersChanged(channel: Channel, change: "register" | "remove", addresses: readonly string[]): void {
    const { config, reports } = this.#parts;
    const teller = parseAddress(channel.member.address);
    for (const text of addresses) {
      try {
        const { host = teller.host ?? "127.0.0.1", port } = parseAddress(text);
        if (change === "remove") {
          this.#dialer.remove(host, port);
        } else {
          checkDialRules(config, host);
          this.#dialer.add(host, port);
        }
      } catch (error) {
        reports.fault(`${change} ${text}, as center ${channel.member.id} asks`, error);
      }
    }
  }
}

function servicesTooLarge({ member }: Channel, bytes: number): CenterError {
  return new CenterError(
    "CALL_TOO_LARGE",
    `center ${member.id} is not told of this node's services: they take ${bytes} bytes, and it takes ${member.maxFrameBytes}`,
  );
}
