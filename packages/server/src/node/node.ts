import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { CommandMethods, NodeStatus } from "@websocket-center/protocol";
import type { Registry } from "prom-client";
import { formatAddress, publicAddressOf } from "../config/addresses.js";
import { checkListenRules, nodeApiEnabled } from "../config/listen-rules.js";
import type { NodeConfig, NodeOptions } from "../config/options.js";
import { resolveNodeOptions } from "../config/resolve.js";
import { DescriptorWatch } from "../descriptor-watch.js";
import { CenterError, startOvertaken, startRefused } from "../errors.js";
import { AccessControl } from "../http/access-control.js";
import type { Api } from "../http/api.js";
import { pathOf } from "../http/url-parts.js";
import type { Middleware, Next } from "../http/middleware.js";
import { opsRoutes } from "../http/ops-routes.js";
import type { HttpServer } from "../http/server.js";
import { createLogger, type Logger } from "../log.js";
import { createNodeMetrics, type NodeMetrics } from "../metrics.js";
import { RuntimeWatch } from "../runtime-vitals.js";
import type { Cluster } from "../services/cluster.js";
import { Backlogs } from "./backlogs.js";
import { CenterLinks } from "./center-links.js";
import { ClientPort } from "./client-port.js";
import { CLOSE_TIMEOUT_MS } from "./connection.js";
import { createNodeCounts } from "./counts.js";
import { type NodeEventName, type NodeEvents, NodeHandlers } from "./events.js";
import { toAllThrough } from "./fanout.js";
import { createCheckedHandlers, createHandlers } from "./handlers.js";
import { createAdminServer, createClientServer, createNodeApi, createSharedApi } from "./http/ports.js";
import { Hub } from "./hub.js";
import { NodeIdentity } from "./identity.js";
import { InterestFeed } from "./interest.js";
import { createLinkedCluster } from "./linked-cluster.js";
import type { NodeServices } from "./node-services.js";
import { Outbox } from "./outbox.js";
import { Operations } from "./operations/operations.js";
import { NodeReports } from "./reports.js";
import { type Assignment, Steering } from "../steering/steering.js";
import type { Authorize, ConnectionPlaces } from "./upgrade.js";
import { ClientTokens } from "./tokens/client-tokens.js";

export interface NodeParts {
  /** Default: one of its own, to stdout. */
  log?: Logger;
  /** Decides who may connect; without it, everybody may. */
  authorize?: Authorize;
  /** Ordinary `(req, res, next)` functions, run before the node's HTTP API. */
  middleware?: readonly Middleware[];
  /**
   * The node has no client port of its own: the application hands it requests and upgrades of a server that it has.
   * `publicUrl` must be set then. Default: false.
   */
  mounted?: boolean;
}

/**
 * For a node that is one of several behind a port: it is given connections of that port, and `{port}` in its `publicUrl`
 * stands for its own.
 */
export interface SharedPortParts {
  /** Default: connections are counted in this process. */
  places?: ConnectionPlaces | undefined;
}

/** A hub in process: every command of the table, which takes effect and returns at once. */
export interface LocalHub extends CommandMethods {
  /**
   * Waits until any center may be relied on to know of the changes made so far: as long as a word to each center and
   * back takes, about a second where one of them does not answer.
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
  if (config.workers !== 1) {
    const advice = "`websocket-center node --workers` runs several";
    throw new CenterError("CONFIG_INVALID", `workers: a node in a program is one: ${advice}`);
  }
  return new WebSocketNode(config, parts);
}

/** What `attach` needs of a server: those of node:http and node:https have it. */
export interface UpgradingServer {
  on(event: "upgrade", listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown;
  off(event: "upgrade", listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown;
}

export class WebSocketNode {
  /** The commands of the table on this node alone. Wrong parameters throw a CenterError INVALID_PARAMS. */
  readonly hub: LocalHub;
  /** Services of this node beside its hub: any center lists them, and calls their declared methods. */
  readonly services: NodeServices;
  /** The commands of the table, and the services, of the whole cluster, through any linked center. */
  readonly cluster: Cluster;
  readonly #config: NodeConfig;
  readonly #isShared: boolean;
  readonly #log: Logger;
  readonly #metrics: NodeMetrics;
  readonly #reports: NodeReports;
  readonly #accessControl: AccessControl;
  readonly #identity = new NodeIdentity();
  readonly #hub = new Hub((...change) => this.#interest.changed(...change));
  readonly #interest: InterestFeed;
  readonly #handlers: NodeHandlers;
  readonly #tokens: ClientTokens | undefined;
  readonly #outbox: Outbox;
  readonly #clients: ClientPort;
  readonly #links: CenterLinks;
  readonly #operations: Operations;
  readonly #runtime = new RuntimeWatch();
  readonly #steering: Steering;
  readonly #api: Api;
  /** Undefined where the node is mounted into a server of the application. */
  readonly #server: HttpServer | undefined;
  /** What takes the node off the servers that it is attached to. */
  readonly #detach = new Set<() => void>();
  readonly #admin: HttpServer | undefined;
  #state: "new" | "starting" | "running" | "draining" | "stopped" = "new";
  /** Set while it is under way: a server that is closed before it listens would listen all the same. */
  #listening: Promise<void> | undefined;
  readonly #descriptors = new DescriptorWatch(() => this.#reports.outOfDescriptors());
  /** The center that asked for a drain, until one asks for its end. */
  #drainedBy: string | undefined;
  #ports: { client: number; admin: number | undefined } = { client: 0, admin: undefined };

  constructor(config: NodeConfig, parts: NodeParts, shared?: SharedPortParts) {
    this.#config = config;
    this.#isShared = shared !== undefined;
    this.#log = parts.log ?? createLogger({ level: config.logLevel, format: config.logFormat, name: "node" });
    const outbox = new Outbox(config);
    const backlogs = new Backlogs(config.maxTotalBufferedBytes);
    this.#outbox = outbox;
    const counts = createNodeCounts();
    const waitingBytes = (): number => {
      backlogs.look();
      return backlogs.bytes;
    };
    this.#operations = new Operations({
      hub: this.#hub,
      traceEntries: config.traceEntries,
      centers: () => this.#links.abouts,
      counters: () => ({ ...counts, messagesOut: outbox.framesTotal, bytesOut: outbox.bytesTotal }),
      waitingBytes,
      runtime: () => this.#runtime.vitals(),
    });
    const { witness } = this.#operations;
    const commands = witness.watched(createHandlers(this.#hub, toAllThrough(outbox)));
    this.#metrics = createNodeMetrics({
      counts,
      connections: () => this.#hub.connectionCount,
      users: () => this.#hub.userCount,
      groups: () => this.#hub.groupCount,
      links: () => this.#links.size,
      queuedFrames: () => outbox.framesTotal,
      queuedBytes: () => outbox.bytesTotal,
      waitingBytes,
    });
    const reports = new NodeReports(this.#log, { metrics: this.#metrics, counts, witness });
    this.#reports = reports;
    this.#accessControl = new AccessControl(config, {
      log: this.#log,
      onTokensFault: (error) => reports.tokensFileUnusable(error),
      onAuditFault: (error) => reports.fault("audit log", error),
    });
    this.#interest = new InterestFeed({
      hub: this.#hub,
      onWaited: (ms) => this.#metrics.interestWaitSeconds.observe(ms / 1000),
    });
    this.#handlers = new NodeHandlers((...failure) => reports.handlerFailed(...failure));
    this.#tokens = ClientTokens.of(config, reports);
    this.#clients = new ClientPort({
      config,
      authorize: parts.authorize,
      places: shared?.places,
      tokens: this.#tokens,
      identity: this.#identity,
      hub: this.#hub,
      interest: this.#interest,
      handlers: this.#handlers,
      observer: reports,
      host: {
        outbox,
        backlogs,
        maxBufferedBytes: config.maxBufferedBytes,
        livedMs: () => this.#clients.livedMs,
        onClosing: (connection) => this.#clients.leave(connection),
        onSlowConsumer: (...slow) => reports.slowConsumer(...slow),
      },
    });
    this.#links = new CenterLinks({
      config,
      identity: this.#identity,
      commands,
      interest: this.#interest,
      operations: this.#operations,
      reports,
      publicUrl: () => this.publicUrl,
      status: () => this.#status(),
      takesClients: () => this.#takesClients(),
      onDrain: (centerId) => this.#onDrain(centerId),
      onUndrain: (centerId) => this.#onUndrain(centerId),
    });
    this.hub = { ...createCheckedHandlers(commands), settled: () => this.#interest.settled() };
    this.services = this.#links.services;
    this.#steering = new Steering(config, () => this.#links.members.list());
    this.cluster = createLinkedCluster(this.#links.requester, () => this.#interest.flush());
    const { middleware = [], mounted = false } = parts;
    if (mounted && config.publicUrl === undefined) {
      throw new CenterError("CONFIG_INVALID", "a mounted node cannot know its address: set publicUrl");
    }
    // A mounted API needs no word on where it listens: without a token it answers loopback alone, by each request.
    const isOff = (): boolean => !mounted && !nodeApiEnabled(config);
    this.#api = createNodeApi(config, {
      accessControl: this.#accessControl,
      commands,
      settled: () => this.#interest.settled(),
      middleware,
      reports,
      isOff,
      assign: (userId) => this.assign(userId),
    });
    this.#server = mounted
      ? undefined
      : createClientServer(config, { api: this.#portApi(), reports, onUpgrade: this.handleUpgrade });
    this.#admin =
      config.adminPort === undefined
        ? undefined
        : createAdminServer(config, {
            accessControl: this.#accessControl,
            reports,
            routes: opsRoutes(this.#metrics.registry, this.notReady),
          });
  }

  /** 32 hex characters, the same at every center while the process lives. */
  get id(): string {
    return this.#identity.id;
  }

  /** Where it listens, once it does: `host:port`; `client` is empty where the node is mounted. */
  get addresses(): { client: string; admin?: string } {
    const { host, adminHost } = this.#config;
    const client = this.#server === undefined ? "" : formatAddress({ host, port: this.#ports.client });
    const { admin } = this.#ports;
    return admin === undefined
      ? { client }
      : { client, admin: formatAddress({ host: adminHost, port: admin }) };
  }

  /** The ws(s):// address that clients use. */
  get publicUrl(): string {
    const { publicUrl, tlsCert } = this.#config;
    if (publicUrl === undefined) return `${tlsCert === undefined ? "ws" : "wss"}://${this.addresses.client}`;
    return this.#isShared ? publicUrl.replaceAll("{port}", String(this.#ports.client)) : publicUrl;
  }

  /** The centers that it registers with, and whether each is linked. */
  get centers(): { address: string; linked: boolean; centerId: string | undefined }[] {
    return this.#links.addresses;
  }

  /**
   * Where the user shall connect, by `assignStrategy`: this node, or another one that its centers told of. Nobody is
   * asked.
   *
   * @throws CenterError INVALID_PARAMS, or NO_NODE where no node takes clients
   */
  assign(userId: string): Assignment {
    return this.#steering.assign(userId);
  }

  /**
   * Hears events of connections. A handler that throws or rejects is reported to `error` handlers and the log.
   * @returns a function that takes the handler away again.
   */
  on<E extends NodeEventName>(event: E, handler: NodeEvents[E]): () => void {
    return this.#handlers.add(event, handler);
  }

  /** Answers a request to the node's HTTP API: an ordinary `(req, res, next)` function, for a server that you have. */
  readonly handleRequest = (request: IncomingMessage, response: ServerResponse, next?: Next): void => {
    this.#api.handle(request, response, next);
  };

  /** Takes an upgrade request, and owns its socket from then on: for a server that you have. */
  readonly handleUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    this.#clients.accept(request, socket, head);
  };

  /** Takes a connection that came to the shared port. */
  takeConnection(socket: Socket): void {
    this.#server?.server.emit("connection", socket);
  }

  /** `sockets`: open TCP connections of the client port, and of a shared one. */
  get load(): { sockets: number; takesClients: boolean } {
    return { sockets: this.#server?.socketCount ?? 0, takesClients: this.#takesClients() };
  }

  /** What `/metrics` is made from. */
  get metrics(): Registry {
    return this.#metrics.registry;
  }

  /**
   * Takes the WebSocket upgrades of a server that you have, and leaves all others alone.
   *
   * Several nodes, and others that listen for upgrades, can share a server by their paths. An upgrade that nobody takes
   * is the server's owner's to refuse.
   * @param options.path - exact, without the query. Default: every path.
   * @returns a function that takes the node off the server again; `stop()` does too. The server goes on listening.
   */
  attach(server: UpgradingServer, { path }: { path?: string } = {}): () => void {
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      if (request.headers.upgrade?.toLowerCase() !== "websocket") return;
      if (path === undefined || pathOf(request.url ?? "/") === path)
        this.handleUpgrade(request, socket, head);
    };
    const detach = (): void => {
      server.off("upgrade", onUpgrade);
      this.#detach.delete(detach);
    };
    server.on("upgrade", onUpgrade);
    this.#detach.add(detach);
    return detach;
  }

  /**
   * @throws CenterError PORT_TAKEN; then nothing is left listening. START_REFUSED where it was started before; then that
   *   changes nothing. START_REFUSED too where it is drained or stopped meanwhile.
   */
  async start(): Promise<void> {
    if (this.#state !== "new") throw startRefused("node");
    this.#state = "starting";
    this.#listening = this.#listen();
    try {
      await this.#listening;
      this.#listening = undefined;
      if (this.#state !== "starting") throw startOvertaken("node");
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#state = "running";
    this.#descriptors.start();
    this.#runtime.start();
    this.#tokens?.start();
    this.#links.start();
    this.#log.info({ nodeId: this.id, ...this.addresses }, "listening");
    const { host, publicUrl, assignNodes } = this.#config;
    if (publicUrl === undefined && (host === "0.0.0.0" || host === "::")) {
      this.#log.warn(
        "clients cannot use the address that this node listens on: set WSC_PUBLIC_URL (--public-url)",
      );
    }
    if (
      assignNodes.length > 0 &&
      !assignNodes.map(publicAddressOf).includes(publicAddressOf(this.publicUrl))
    ) {
      this.#log.warn(
        { publicUrl: this.publicUrl },
        "no user is steered to this node: its address is not in WSC_ASSIGN_NODES (--assign-nodes)",
      );
    }
  }

  async #listen(): Promise<void> {
    const { host, port, adminHost, adminPort } = this.#config;
    this.#accessControl.start();
    if (this.#server !== undefined) this.#ports.client = await this.#server.listen(port, host);
    if (this.#admin !== undefined) this.#ports.admin = await this.#admin.listen(adminPort ?? 0, adminHost);
  }

  /** Takes no new clients, and closes those that are here with 1012, spread over `closeSpreadMs`. Not ready from now on. */
  async drain(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "draining";
    if (this.#listening !== undefined) await Promise.allSettled([this.#listening]);
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

  /** Ends everything: clients (with 1012, at once), HTTP, and the links to centers last. Takes a second at most. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    if (this.#listening !== undefined) await Promise.allSettled([this.#listening]);
    this.#descriptors.close();
    this.#tokens?.close();
    for (const detach of this.#detach) detach();
    await Promise.all([
      this.#clients.close(),
      this.#server?.close(CLOSE_TIMEOUT_MS),
      this.#admin?.close(CLOSE_TIMEOUT_MS),
    ]);
    this.#outbox.close();
    this.#operations.close();
    this.#runtime.close();
    await this.#links.close();
    this.#accessControl.stop();
    this.#metrics.registry.clear();
    this.#reports.close();
  }

  /** Registers with these centers too: `port`, which means this host, or `host:port`. */
  register(addresses: readonly string[]): void {
    this.#links.register(addresses);
  }

  /** Leaves these centers. */
  remove(addresses: readonly string[]): void {
    this.#links.remove(addresses);
  }

  #status(): Omit<NodeStatus, "centerIds"> {
    return {
      connections: this.#hub.connectionCount,
      users: this.#hub.userCount,
      groups: this.#hub.groupCount,
      draining: this.#clients.isDraining,
      full: this.#clients.isFull,
    };
  }

  #takesClients(): boolean {
    return this.#state === "running" && !this.#clients.isDraining && !this.#clients.isFull;
  }

  /** What serves requests of the client port: by the port that they came to, where there is a shared one too. */
  #portApi(): Api {
    if (!this.#isShared) return this.#api;
    const shared = createSharedApi(this.#config, {
      accessControl: this.#accessControl,
      reports: this.#reports,
      assign: (userId) => this.assign(userId),
      ownPort: () => this.#ports.client,
    });
    return {
      handle: (request, response) => {
        const isOwn = request.socket.localPort === this.#ports.client;
        (isOwn ? this.#api : shared).handle(request, response);
      },
      handleShort: undefined,
    };
  }

  /** The reasons why it is not ready; none where it is. */
  readonly notReady = (): string[] => {
    if (this.#state !== "running")
      return [`the node is ${this.#state === "new" ? "not started" : this.#state}`];
    const reasons = this.#links.size > 0 ? [] : ["no center is linked"];
    if (this.#drainedBy !== undefined) {
      reasons.push(
        `the node is drained, as center ${this.#drainedBy} asked: undrain it to take clients again`,
      );
    }
    return reasons;
  };

  #onDrain(centerId: string): void {
    if (this.#drainedBy === undefined) this.#reports.draining(centerId);
    this.#drainedBy ??= centerId;
    void this.#clients.drain(this.#config.closeSpreadMs);
  }

  /** A drain that this process began itself, to stop, goes on. */
  #onUndrain(centerId: string): void {
    if (this.#drainedBy === undefined) return;
    this.#drainedBy = undefined;
    if (this.#state === "running") this.#clients.undrain();
    this.#reports.drainEnded(centerId);
  }
}
