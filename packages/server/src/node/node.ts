import { type CommandMethods, closeCodes, type NodeStatus } from "@websocket-center/protocol";
import { WebSocketDialer } from "../backplane/websocket-dialer.js";
import { formatAddress, parseAddress } from "../config/addresses.js";
import { checkDialRules, checkListenRules, nodeApiEnabled } from "../config/listen-rules.js";
import type { NodeConfig, NodeOptions } from "../config/options.js";
import { resolveNodeOptions } from "../config/resolve.js";
import { CenterError, messageOf } from "../errors.js";
import { type Api, createApi } from "../http/api.js";
import type { Middleware } from "../http/middleware.js";
import { opsRoutes } from "../http/ops-routes.js";
import { createHttpServer, type HttpServer } from "../http/server.js";
import { readPem, tlsOf } from "../http/tls.js";
import { isLoopbackHost } from "../loopback.js";
import { createLogger, type Logger } from "../log.js";
import { createLogLimiter, type LogLimiter } from "../log-limiter.js";
import { createNodeMetrics, type NodeMetrics } from "../metrics.js";
import { type Channel, type ChannelFrame, Channels } from "../rpc/channel.js";
import { PingWatch } from "../rpc/heartbeat.js";
import { Requester } from "../rpc/requester.js";
import { Responder } from "../rpc/responder.js";
import type { Cluster } from "../services/cluster.js";
import { version } from "../version.js";
import { ClientPort } from "./client-port.js";
import type { Connection } from "./connection.js";
import { type NodeEventName, type NodeEvents, NodeHandlers } from "./events.js";
import { createCheckedHandlers, createHandlers, execute } from "./handlers.js";
import { Hub } from "./hub.js";
import { answerClassic } from "./http/classic.js";
import { NodeIdentity } from "./identity.js";
import { createLinkedCluster } from "./linked-cluster.js";
import { NodeServices } from "./node-services.js";
import { Outbox } from "./outbox.js";
import type { Authorize } from "./upgrade.js";

export interface NodeParts {
  /** Default: one of its own, to stdout. */
  log?: Logger;
  /** Decides who may connect; without it, everybody may. */
  authorize?: Authorize;
  /** Ordinary `(req, res, next)` functions, run before the node's HTTP API. */
  middleware?: readonly Middleware[];
}

/** A hub in process: every command of the table, which takes effect and returns at once. */
export interface LocalHub extends CommandMethods {
  /**
   * Waits until any center may be relied on to know of the changes made so far. Centers ask every node, so they do
   * as soon as a change has returned.
   */
  settled(): Promise<void>;
}

/**
 * A WebSocket node: clients connect to it, and it registers with centers, through which back ends reach them.
 *
 * @throws CenterError CONFIG_INVALID or LISTEN_REFUSED
 */
export function createNode(options: NodeOptions = {}, parts: NodeParts = {}): WebSocketNode {
  const config = resolveNodeOptions(options);
  checkListenRules("node", config);
  return new WebSocketNode(config, parts);
}

export class WebSocketNode {
  /** The commands of the table on this node alone. Wrong parameters throw a CenterError INVALID_PARAMS. */
  readonly hub: LocalHub;
  /** Services of this node beside its hub: any center lists them, and calls their declared methods. */
  readonly services: NodeServices;
  /** The commands of the table, and the services, of the whole cluster, through any linked center. */
  readonly cluster: Cluster;
  readonly #config: NodeConfig;
  readonly #log: Logger;
  readonly #limiter: LogLimiter;
  readonly #metrics: NodeMetrics;
  readonly #identity = new NodeIdentity();
  readonly #hub = new Hub();
  readonly #outbox = new Outbox();
  readonly #commands: CommandMethods = createHandlers(this.#hub);
  readonly #handlers: NodeHandlers;
  readonly #clients: ClientPort;
  readonly #dialer: WebSocketDialer;
  readonly #channels: Channels;
  readonly #watch: PingWatch;
  readonly #responder: Responder;
  readonly #requester: Requester;
  readonly #server: HttpServer;
  readonly #admin: HttpServer | undefined;
  readonly #startedAt = Date.now();
  #state: "new" | "running" | "draining" | "stopped" = "new";
  /** The center that asked for a drain, until one asks for its end. */
  #drainedBy: string | undefined;
  #ports: { client: number; admin: number | undefined } = { client: 0, admin: undefined };

  constructor(config: NodeConfig, parts: NodeParts) {
    this.#config = config;
    this.#log = parts.log ?? createLogger({ level: config.logLevel, format: config.logFormat, name: "node" });
    this.#limiter = createLogLimiter(this.#log);
    this.hub = { ...createCheckedHandlers(this.#commands), settled: () => Promise.resolve() };
    this.#handlers = new NodeHandlers((error, event, connection) =>
      this.#onHandlerError(error, event, connection),
    );
    this.#clients = this.#createClientPort(parts.authorize);
    this.#dialer = this.#createDialer();
    this.#watch = new PingWatch({ silenceMs: config.linkSilenceMs, status: () => this.#status() });
    this.services = new NodeServices({
      onChange: () => this.#announceServices(this.#channels.all()),
      onFault: (stage, error) => this.#onFault(stage, error),
    });
    this.#requester = new Requester({ channels: () => this.#channels.all() });
    this.cluster = createLinkedCluster(this.#requester);
    this.#responder = new Responder({
      execute: (name, params) => execute(this.#commands, name, params),
      invoke: (...call) => this.services.invoke(...call),
      maxReplyBytes: config.maxReplyBytes,
      maxQueuedBytes: config.maxLinkBufferedBytes,
      onFault: (error, command) => this.#onFault(`command ${command}`, error),
    });
    this.#channels = new Channels(this.#dialer, {
      maxReplyBytes: config.maxReplyBytes,
      onJoined: (channel) => this.#onLinked(channel),
      onLeft: (channel) => this.#onUnlinked(channel),
      onFrame: (channel, frame) => this.#onFrame(channel, frame),
      onFault: (channel, error) => this.#onFault(`link to ${channel.member.address}`, error),
    });
    this.#metrics = createNodeMetrics({
      connections: () => this.#hub.connectionCount,
      users: () => this.#hub.userCount,
      groups: () => this.#hub.groupCount,
      links: () => this.#channels.size,
      queuedFrames: () => this.#outbox.framesTotal,
      queuedBytes: () => this.#outbox.bytesTotal,
    });
    this.#server = this.#createClientServer(parts.middleware ?? []);
    this.#admin = config.adminPort === undefined ? undefined : this.#createAdminServer();
  }

  /** 32 hex characters, the same at every center while the process lives. */
  get id(): string {
    return this.#identity.id;
  }

  /** Where it listens, once it does: `host:port`. */
  get addresses(): { client: string; admin?: string } {
    const { host, adminHost } = this.#config;
    const client = formatAddress({ host, port: this.#ports.client });
    const { admin } = this.#ports;
    return admin === undefined
      ? { client }
      : { client, admin: formatAddress({ host: adminHost, port: admin }) };
  }

  /** The ws(s):// address that clients use. */
  get publicUrl(): string {
    const scheme = this.#config.tlsCert === undefined ? "ws" : "wss";
    return this.#config.publicUrl ?? `${scheme}://${this.addresses.client}`;
  }

  /** The centers that it registers with, and whether each is linked. */
  get centers(): { address: string; linked: boolean; centerId: string | undefined }[] {
    return this.#dialer.addresses;
  }

  /**
   * Hears events of connections. A handler that throws or rejects is reported to `error` handlers and the log.
   * @returns a function that takes the handler away again.
   */
  on<E extends NodeEventName>(event: E, handler: NodeEvents[E]): () => void {
    return this.#handlers.add(event, handler);
  }

  /** @throws CenterError PORT_TAKEN; then nothing is left listening. */
  async start(): Promise<void> {
    const { host, port, adminHost, adminPort } = this.#config;
    try {
      this.#ports.client = await this.#server.listen(port, host);
      if (this.#admin !== undefined) this.#ports.admin = await this.#admin.listen(adminPort ?? 0, adminHost);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#state = "running";
    this.register(this.#config.centers);
    this.#dialer.start();
    this.#log.info({ nodeId: this.id, ...this.addresses }, "listening");
    if (this.#config.publicUrl === undefined && (host === "0.0.0.0" || host === "::")) {
      this.#log.warn(
        "clients cannot use the address that this node listens on: set WSC_PUBLIC_URL (--public-url)",
      );
    }
  }

  /** Takes no new clients, and closes those that are here with 1012, spread over `closeSpreadMs`. Not ready from now on. */
  async drain(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "draining";
    const { closeSpreadMs, shutdownGraceMs } = this.#config;
    await this.#clients.drain(Math.min(closeSpreadMs, shutdownGraceMs / 2));
  }

  /** Takes new clients again after a drain, its own or one that a center asked for. Nothing once it has stopped. */
  undrain(): void {
    if (this.#state === "stopped") return;
    if (this.#state === "draining") this.#state = "running";
    this.#drainedBy = undefined;
    this.#clients.undrain();
  }

  /** Ends everything: clients, HTTP, and the links to centers last. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    await Promise.all([this.#clients.close(), this.#server.close(0), this.#admin?.close(0)]);
    this.#watch.close();
    await this.#dialer.close();
    this.#metrics.registry.clear();
    this.#limiter.close();
  }

  /** Registers with these centers too: `port`, which means this host, or `host:port`. */
  register(addresses: readonly string[]): void {
    for (const { host = "127.0.0.1", port } of addresses.map(parseAddress)) this.#dialer.add(host, port);
  }

  /** Leaves these centers. */
  remove(addresses: readonly string[]): void {
    for (const { host = "127.0.0.1", port } of addresses.map(parseAddress)) this.#dialer.remove(host, port);
  }

  #createClientPort(authorize: Authorize | undefined): ClientPort {
    const config = this.#config;
    return new ClientPort({
      config,
      authorize,
      identity: this.#identity,
      hub: this.#hub,
      handlers: this.#handlers,
      host: {
        outbox: this.#outbox,
        maxBufferedBytes: config.maxBufferedBytes,
        onClosing: (connection) => this.#clients.leave(connection),
        onSlowConsumer: (connection, bufferedBytes) => this.#onSlowConsumer(connection, bufferedBytes),
      },
      observer: {
        opened: (connection) => {
          this.#metrics.opened.inc();
          const { id, remoteAddress } = connection;
          this.#log.debug({ connectionId: id, remoteAddress }, "a client connected");
        },
        closed: ({ id, userId }, code) => {
          this.#metrics.closed.inc({ code: labelOfCloseCode(code) });
          this.#log.debug({ connectionId: id, userId, code }, "a client is gone");
        },
        refused: (remoteAddress, { status, cause, reason }) => {
          this.#metrics.refused.inc({ cause });
          this.#limiter.log(
            "info",
            `refused ${cause}`,
            { remoteAddress, status, cause },
            `a client was refused: ${reason}`,
          );
        },
        received: (bytes) => {
          this.#metrics.messages.inc();
          this.#metrics.receivedBytes.inc(bytes);
        },
        failed: (connection, stage, error) => {
          const fields = { connectionId: connection?.id, stage };
          const level = stage === "protocol" ? "info" : "error";
          this.#limiter.log(level, `failed ${stage}`, fields, `a connection failed: ${messageOf(error)}`);
        },
      },
    });
  }

  #createDialer(): WebSocketDialer {
    const { linkSecret, linkTls, linkTlsCa } = this.#config;
    const failing = new Set<string>();
    const dialer = new WebSocketDialer({
      identity: this.#identity,
      secrets: linkSecret,
      info: () => ({ version, publicUrl: this.publicUrl, startedAt: this.#startedAt }),
      status: () => this.#status(),
      tls:
        linkTls || linkTlsCa !== undefined
          ? { ca: linkTlsCa === undefined ? undefined : readPem(linkTlsCa) }
          : undefined,
      checkHost: (host) => checkDialRules(this.#config, host),
      onLost: (center, error, retryMs) => {
        this.#metrics.linksLost.inc({ code: error.code });
        const fields = { center, code: error.code, retryMs: Math.round(retryMs) };
        // Said once for each cause; what follows until the link is back is the same again.
        const isNews = !failing.has(`${center} ${error.code}`);
        failing.add(`${center} ${error.code}`);
        const level = error.code === "LINK_LOST" ? "warn" : "error";
        this.#log[isNews ? level : "debug"](fields, `no link to the center: ${error.message}`);
      },
    });
    dialer.onMember((change) => {
      if (change.type !== "joined") return;
      for (const key of failing) if (key.startsWith(`${change.member.address} `)) failing.delete(key);
    });
    return dialer;
  }

  #createClientServer(middleware: readonly Middleware[]): HttpServer {
    const { tlsCert, tlsKey, token, allowedOrigins, maxBodyBytes, maxIdBytes, maxMessageBytes } =
      this.#config;
    const api = createApi({
      tokens: () => token,
      allowedOrigins,
      middleware,
      strict: true,
      limits: { maxBodyBytes, maxIdBytes, maxMessageBytes },
      routes: {},
      off: () => !nodeApiEnabled(this.#config),
      classic: (request) =>
        Promise.resolve(
          answerClassic(this.#commands, request, (error) => this.#onFault("classic API", error)),
        ),
      ...this.#apiHooks(),
    });
    return createHttpServer({
      ...tlsOf(tlsCert, tlsKey),
      ...this.#serverHooks(api),
      onUpgrade: (request, socket, head) => this.#clients.accept(request, socket, head),
    });
  }

  #createAdminServer(): HttpServer {
    const { tlsCert, tlsKey, token, allowedOrigins, maxBodyBytes, maxIdBytes, maxMessageBytes } =
      this.#config;
    const api = createApi({
      tokens: () => token,
      allowedOrigins,
      strict: true,
      limits: { maxBodyBytes, maxIdBytes, maxMessageBytes },
      routes: opsRoutes(this.#metrics.registry, () => this.#notReady()),
      ...this.#apiHooks(),
    });
    return createHttpServer({ ...tlsOf(tlsCert, tlsKey), ...this.#serverHooks(api) });
  }

  #apiHooks() {
    return {
      onCall: (info: {
        callId: string;
        ms: number;
        status: number;
        events: readonly string[];
        outcome: string;
      }) => {
        this.#metrics.requests.inc({ status: info.status, outcome: info.outcome });
        this.#log.debug(info, "call");
      },
      onError: (error: unknown, callId: string) => {
        this.#limiter.log(
          "error",
          "request",
          { callId, err: error },
          `a request failed: ${messageOf(error)}`,
        );
      },
    };
  }

  #serverHooks(api: Api) {
    return {
      maxHeaderBytes: this.#config.maxHeaderBytes,
      headersTimeoutMs: this.#config.handshakeTimeoutMs,
      onRequest: api.handle,
      onClientError: (error: Error, status: number) => {
        this.#metrics.clientErrors.inc({ status });
        this.#limiter.log("info", "bad-request", { status }, `no HTTP request: ${error.message}`);
      },
      log: (message: string, error: unknown) => {
        if (isLostConnection(error)) this.#log.debug({ err: error }, message);
        else this.#onFault(message, error);
      },
    };
  }

  #status(): NodeStatus {
    return {
      connections: this.#hub.connectionCount,
      users: this.#hub.userCount,
      groups: this.#hub.groupCount,
      draining: this.#clients.isDraining,
      centerIds: Array.from(this.#channels.all(), ({ member }) => member.id),
    };
  }

  #notReady(): string[] {
    if (this.#state !== "running")
      return [`the node is ${this.#state === "new" ? "not started" : this.#state}`];
    const reasons = this.#channels.size > 0 ? [] : ["no center is linked"];
    if (this.#drainedBy !== undefined) {
      reasons.push(`the node is drained, as center ${this.#drainedBy} asked: undrain it to take clients again`);
    }
    return reasons;
  }

  #onLinked(channel: Channel): void {
    this.#watch.add(channel);
    if (this.services.infos().length > 0) this.#announceServices([channel]);
    const { id, address } = channel.member;
    this.#log.info({ centerId: id, center: address }, "registered with a center");
  }

  #onUnlinked(channel: Channel): void {
    this.#watch.remove(channel);
    this.#responder.onLeft(channel);
    this.#requester.onLeft(channel);
  }

  #announceServices(channels: Iterable<Channel>): void {
    const infos = this.services.infos();
    for (const channel of channels) channel.send(["services", infos]);
  }

  #onFrame(channel: Channel, frame: ChannelFrame): void {
    switch (frame[0]) {
      case "ping":
        this.#watch.onPing(channel, frame);
        return;
      case "call":
        this.#responder.onCall(channel, frame);
        return;
      case "cancel":
        this.#responder.onCancel(channel, frame);
        return;
      case "answer":
        this.#requester.onAnswer(channel, frame);
        return;
      case "register":
      case "remove":
        this.#onCentersChanged(channel, frame[0], frame[1]);
        return;
      case "drain":
        this.#onDrain(channel);
        return;
      case "undrain":
        this.#onUndrain(channel);
        return;
      default:
        channel.end(`it sent a ${frame[0]} frame`);
    }
  }

  /** A center tells of others. A bare port means the host at which this node reached the one that tells. */
  #onCentersChanged(channel: Channel, change: "register" | "remove", addresses: readonly string[]): void {
    const teller = parseAddress(channel.member.address);
    for (const text of addresses) {
      try {
        const { host = teller.host ?? "127.0.0.1", port } = parseAddress(text);
        if (change === "remove") {
          this.#dialer.remove(host, port);
        } else {
          if (!isLoopbackHost(host)) checkDialRules(this.#config, host);
          this.#dialer.add(host, port);
        }
      } catch (error) {
        this.#onFault(`${change} ${text}, as center ${channel.member.id} asks`, error);
      }
    }
  }

  #onDrain({ member: { id } }: Channel): void {
    if (this.#drainedBy === undefined) this.#log.info({ centerId: id }, "draining, as a center asks");
    this.#drainedBy ??= id;
    void this.#clients.drain(this.#config.closeSpreadMs);
  }

  /** A drain that this process began itself, to stop, goes on. */
  #onUndrain({ member: { id } }: Channel): void {
    if (this.#drainedBy === undefined) return;
    this.#drainedBy = undefined;
    if (this.#state === "running") this.#clients.undrain();
    this.#log.info({ centerId: id }, "the drain is over, as a center asks");
  }

  #onSlowConsumer({ id, userId, remoteAddress }: Connection, bufferedBytes: number): void {
    this.#metrics.slowConsumers.inc();
    const fields = { connectionId: id, userId, remoteAddress, bufferedBytes };
    this.#limiter.log("warn", "slow-consumer", fields, "a client does not read fast enough: it is closed");
  }

  #onHandlerError(error: unknown, event: NodeEventName, connection: Connection | undefined): void {
    this.#metrics.handlerErrors.inc({ event });
    const fields = { connectionId: connection?.id, event, err: error };
    this.#limiter.log(
      "error",
      `handler ${event}`,
      fields,
      `a handler of ${event} failed: ${messageOf(error)}`,
    );
  }

  #onFault(stage: string, error: unknown): void {
    const level = error instanceof CenterError ? "warn" : "error";
    this.#limiter.log(level, stage, { stage, err: error }, `${stage}: ${messageOf(error)}`);
  }
}

const knownCloseCodes = new Set<number>(Object.values(closeCodes).map(({ code }) => code))
  .add(1005)
  .add(1006);

const lostConnectionCodes = new Set<unknown>(["ECONNRESET", "EPIPE", "ETIMEDOUT"]);

/** Whether the peer or the network ended a connection: nothing is wrong here. */
function isLostConnection(error: unknown): boolean {
  return error instanceof Error && "code" in error && lostConnectionCodes.has(error.code);
}

function labelOfCloseCode(code: number): string {
  return knownCloseCodes.has(code) ? String(code) : "other";
}
