import { randomBytes } from "node:crypto";
import { formatAddress, parseAddress } from "../config/addresses.js";
import { checkListenRules } from "../config/listen-rules.js";
import type { CenterConfig, CenterOptions } from "../config/options.js";
import { resolveCenterOptions } from "../config/resolve.js";
import { WebSocketListener } from "../backplane/websocket-listener.js";
import { CenterError, messageOf } from "../errors.js";
import { createApi } from "../http/api.js";
import { classicFailure, JSON_TYPE } from "../http/answers.js";
import type { Middleware } from "../http/middleware.js";
import { opsRoutes } from "../http/ops-routes.js";
import { tlsOf } from "../http/tls.js";
import { createHttpServer, type HttpServer } from "../http/server.js";
import { createLogger, type Logger } from "../log.js";
import { createLogLimiter, type LogLimiter } from "../log-limiter.js";
import { type CenterMetrics, createCenterMetrics } from "../metrics.js";
import { Caller } from "../rpc/caller.js";
import { type Channel, type ChannelFrame, Channels } from "../rpc/channel.js";
import { Pinger } from "../rpc/heartbeat.js";
import type { Cluster } from "../services/cluster.js";
import { version } from "../version.js";
import { type AdminCenter, adminRoutes } from "./http/admin.js";
import { answerClassic, type PlaceFailure } from "./http/classic.js";
import { serviceRoutes } from "./http/services.js";
import { type CenterEntry, type NodeEntry, Registry } from "./registry.js";
import { createLocalCluster } from "./local-cluster.js";
import { Requests } from "./requests.js";
import { Router } from "./router.js";
import { ServiceDirectory } from "./service-directory.js";

const HEADERS_TIMEOUT_MS = 10_000;
/** As many as fit a frame. */
const MAX_OTHER_CENTERS = 1000;

export interface CenterParts {
  /** Default: one of its own, to stdout. */
  log?: Logger;
  /** Ordinary `(req, res, next)` functions, run before every HTTP request is answered. */
  middleware?: readonly Middleware[];
}

/**
 * A register center: nodes link to it, back ends call it over HTTP, and it routes each call to the nodes.
 *
 * @throws CenterError CONFIG_INVALID or LISTEN_REFUSED
 */
export function createCenter(options: CenterOptions = {}, parts: CenterParts = {}): Center {
  const config = resolveCenterOptions(options);
  checkListenRules("center", config);
  return new Center(config, parts);
}

export class Center implements AdminCenter {
  /** 32 hex characters, new in each process. */
  readonly id: string = randomBytes(16).toString("hex");
  readonly router: Router;
  /** Services of the linked nodes, and the way to call them. */
  readonly services: ServiceDirectory;
  /** The commands of the table, on the whole cluster. */
  readonly cluster: Cluster;
  readonly #config: CenterConfig;
  readonly #log: Logger;
  readonly #limiter: LogLimiter;
  readonly #metrics: CenterMetrics;
  readonly #registry = new Registry();
  readonly #backplane: WebSocketListener;
  readonly #caller: Caller;
  readonly #requests: Requests;
  readonly #pinger: Pinger;
  readonly #http: HttpServer;
  readonly #links: HttpServer;
  readonly #otherCenters: Set<string>;
  readonly #startedAt = new Date();
  #state: "new" | "running" | "draining" | "stopped" = "new";
  #ports = { link: 0, http: 0 };

  constructor(config: CenterConfig, parts: CenterParts) {
    this.#config = config;
    this.#log =
      parts.log ?? createLogger({ level: config.logLevel, format: config.logFormat, name: "center" });
    this.#limiter = createLogLimiter(this.#log);
    this.#otherCenters = new Set(config.otherCenters);
    this.#backplane = new WebSocketListener({
      centerId: this.id,
      secrets: config.linkSecret,
      onRefused: (address, error) => this.#onLinkRefused(address, error),
    });
    this.#pinger = new Pinger({
      heartbeatMs: config.heartbeatMs,
      silenceMs: config.linkSilenceMs,
      onSuspect: (channel) => {
        this.#log.warn(
          { nodeId: channel.member.id },
          "the node has answered no ping for a second: it is suspect",
        );
        this.#caller.onSuspect(channel);
      },
    });
    this.#caller = new Caller({
      maxQueuedBytes: config.maxLinkBufferedBytes,
      isSuspect: (channel) => this.#pinger.isSuspect(channel),
    });
    this.router = new Router(this.#registry, this.#caller);
    this.services = new ServiceDirectory({
      registry: this.#registry,
      caller: this.#caller,
      router: this.router,
      isSuspect: (channel) => this.#pinger.isSuspect(channel),
    });
    this.cluster = createLocalCluster(this.router, this.services);
    this.#requests = new Requests({
      router: this.router,
      directory: this.services,
      isStopping: () => this.#state !== "running",
      onFault: (error) => this.#limiter.log("error", "request", { err: error }, "a request of a node failed"),
    });
    new Channels(this.#backplane, {
      maxReplyBytes: config.maxReplyBytes,
      onJoined: (channel) => this.#onNodeJoined(channel),
      onLeft: (channel, reason) => this.#onNodeLeft(channel, reason),
      onFrame: (channel, frame) => this.#onFrame(channel, frame),
      onFault: (channel, error) => this.#onLinkFault(channel, error),
    });
    this.#metrics = createCenterMetrics({
      nodes: () => this.#registry.size,
      suspects: () => this.#registry.channels().filter((channel) => this.#pinger.isSuspect(channel)).length,
      pendingCalls: () => this.#caller.pendingCalls,
    });
    this.#links = this.#createLinkServer();
    this.#http = this.#createHttpServer(parts.middleware ?? []);
  }

  /** Where it listens, once it does: `host:port`. */
  get addresses(): { link: string; http: string } {
    const { host } = this.#config;
    return {
      link: formatAddress({ host, port: this.#ports.link }),
      http: formatAddress({ host, port: this.#ports.http }),
    };
  }

  /** What `GET /nodes` tells of the center itself. `otherCenters`: those that it tells its nodes of. */
  get about(): CenterEntry {
    return {
      id: this.id,
      version,
      startedAt: this.#startedAt.toISOString(),
      addresses: this.addresses,
      otherCenters: [...this.#otherCenters],
    };
  }

  /** The nodes that are linked right now. */
  get nodes(): NodeEntry[] {
    return this.#registry.entries(this.#pinger);
  }

  /** @throws CenterError PORT_TAKEN; then nothing is left listening. */
  async start(): Promise<void> {
    const { host, linkPort, httpPort } = this.#config;
    try {
      this.#ports.link = await this.#links.listen(linkPort, host);
      this.#ports.http = await this.#http.listen(httpPort, host);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#state = "running";
    this.#log.info({ centerId: this.id, ...this.addresses }, "listening");
  }

  /**
   * Takes no new connections and answers the calls that are running; not ready from now on. Calls that would take
   * longer than half of `shutdownGraceMs` are answered then, with what came until then.
   */
  async drain(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "draining";
    const { shutdownGraceMs } = this.#config;
    const timer = setTimeout(() => this.#caller.abort("the center stops"), shutdownGraceMs / 2);
    await this.#http.close(shutdownGraceMs * 0.75);
    clearTimeout(timer);
  }

  /** Ends everything: HTTP connections, links, timers. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    await this.#http.close(0);
    this.#pinger.close();
    await this.#backplane.close();
    await this.#links.close(0);
    this.#metrics.registry.clear();
    this.#limiter.close();
  }

  /** Tells all nodes, those that come later too, to register with these centers: `port` or `host:port`. */
  register(addresses: readonly string[]): void {
    for (const address of addresses) parseAddress(address);
    if (new Set([...this.#otherCenters, ...addresses]).size > MAX_OTHER_CENTERS) {
      throw new CenterError("INVALID_PARAMS", `a center can tell of ${MAX_OTHER_CENTERS} others at most`);
    }
    for (const address of addresses) this.#otherCenters.add(address);
    for (const channel of this.#registry.channels()) channel.send(["register", [...addresses]]);
  }

  /** Tells all nodes to leave these centers, and those that come later nothing of them. */
  remove(addresses: readonly string[]): void {
    for (const address of addresses) parseAddress(address);
    for (const address of addresses) this.#otherCenters.delete(address);
    for (const channel of this.#registry.channels()) channel.send(["remove", [...addresses]]);
  }

  /**
   * Makes the node refuse new clients and close the present ones with 1012, spread over its `closeSpreadMs`; it stays
   * linked and answers calls. Resolves once the node has begun.
   *
   * @param idOrPrefix - the node's id, or enough of its beginning.
   * @returns the node's entry after that.
   * @throws CenterError INVALID_PARAMS, UNKNOWN_NODE, AMBIGUOUS_NODE, NODE_TIMEOUT or NODE_LEFT
   */
  drainNode(idOrPrefix: string): Promise<NodeEntry> {
    return this.#setDraining(idOrPrefix, "drain");
  }

  /**
   * Ends what `drainNode` began, through whichever center.
   *
   * @throws CenterError as `drainNode`, and NODE_DRAINING where the node goes on draining for another reason
   */
  async undrainNode(idOrPrefix: string): Promise<NodeEntry> {
    const entry = await this.#setDraining(idOrPrefix, "undrain");
    if (!entry.draining) return entry;
    throw new CenterError(
      "NODE_DRAINING",
      `node ${entry.id} goes on draining: it is stopping, or its own program asked for it. Wait for its end and start it again`,
    );
  }

  async #setDraining(idOrPrefix: string, frame: "drain" | "undrain"): Promise<NodeEntry> {
    const channel = this.#registry.find(idOrPrefix);
    channel.send([frame]);
    await this.#pinger.ask(channel, this.#config.callTimeoutMs);
    const entry = this.nodes.find(({ id }) => id === channel.member.id);
    if (entry !== undefined) return entry;
    throw new CenterError("NODE_LEFT", `node ${channel.member.id} left meanwhile`);
  }

  #createLinkServer(): HttpServer {
    const { linkTlsCert, linkTlsKey } = this.#config;
    return createHttpServer({
      ...tlsOf(linkTlsCert, linkTlsKey),
      maxHeaderBytes: 16 * 1024,
      headersTimeoutMs: HEADERS_TIMEOUT_MS,
      onRequest: (_request, response) => {
        const body = JSON.stringify(
          classicFailure("this is a link port: nodes register here over WebSocket"),
        );
        response.writeHead(426, { "Content-Type": JSON_TYPE, Upgrade: "websocket", Connection: "close" });
        response.end(body);
      },
      onUpgrade: (request, socket, head) => this.#backplane.accept(request, socket, head),
      onClientError: (error, status) => this.#onClientError("link", error, status),
      log: (message, error) => this.#log.error({ err: error }, `link port: ${message}`),
    });
  }

  #createHttpServer(middleware: readonly Middleware[]): HttpServer {
    const { tlsCert, tlsKey, token, allowedOrigins, maxBodyBytes, maxIdBytes, maxMessageBytes } =
      this.#config;
    const api = createApi({
      tokens: () => token,
      allowedOrigins,
      middleware,
      strict: false,
      limits: { maxBodyBytes, maxIdBytes, maxMessageBytes },
      routes: {
        ...opsRoutes(this.#metrics.registry, () => this.#notReady()),
        ...serviceRoutes(this.services, this.#config.callTimeoutMs),
        ...adminRoutes(this),
      },
      classic: async (request, { callId, signal }) => {
        const timeoutMs = request.timeoutMs ?? this.#config.callTimeoutMs;
        const { body, failures } = await answerClassic(this.router, request, { timeoutMs, signal });
        if (failures.length > 0) this.#onPlaceFailures(callId, failures);
        return body;
      },
      onCall: ({ callId, ms, status, events, outcome }) => {
        this.#metrics.requests.inc({ status, outcome });
        if (events.length > 0) this.#metrics.callSeconds.observe(ms / 1000);
        this.#log.debug({ callId, ms, status, events, outcome }, "call");
      },
      onError: (error, callId) => {
        this.#limiter.log(
          "error",
          "request",
          { callId, err: error },
          `a request failed: ${messageOf(error)}`,
        );
      },
    });
    return createHttpServer({
      ...tlsOf(tlsCert, tlsKey),
      maxHeaderBytes: this.#config.maxHeaderBytes,
      headersTimeoutMs: HEADERS_TIMEOUT_MS,
      onRequest: api.handle,
      onClientError: (error, status) => this.#onClientError("http", error, status),
      log: (message, error) => this.#log.error({ err: error }, `HTTP port: ${message}`),
    });
  }

  #notReady(): string[] {
    if (this.#state === "running") return [];
    return [this.#state === "draining" ? "the center is draining" : "the center is not running"];
  }

  #onPlaceFailures(callId: string, failures: readonly PlaceFailure[]): void {
    for (const { code } of failures) this.#metrics.failures.inc({ code });
    const codes = [...new Set(failures.map(({ code }) => code))];
    const fields = { callId, failures: failures.slice(0, 10), places: failures.length };
    this.#limiter.log(
      "warn",
      `failures ${codes.join()}`,
      fields,
      `a call failed at some nodes: ${codes.join(", ")}`,
    );
  }

  #onNodeJoined(channel: Channel): void {
    const { id, address } = channel.member;
    this.#registry.add(channel);
    this.#pinger.add(channel);
    if (this.#otherCenters.size > 0) channel.send(["register", [...this.#otherCenters]]);
    this.#log.info({ nodeId: id, address }, "a node registered");
  }

  #onNodeLeft(channel: Channel, reason: string): void {
    const { id, address } = channel.member;
    this.#registry.remove(channel);
    this.#pinger.remove(channel);
    this.services.remove(channel);
    this.#caller.onLeft(channel);
    this.#requests.onLeft(channel);
    this.#metrics.nodesLeft.inc();
    this.#log.info({ nodeId: id, address, reason }, "a node left");
  }

  #onFrame(channel: Channel, frame: ChannelFrame): void {
    switch (frame[0]) {
      case "pong":
        this.#pinger.onPong(channel, frame);
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
        this.#onLinkFault(channel, `a node may not send a ${frame[0]} frame`);
        channel.end(`it sent a ${frame[0]} frame`);
    }
  }

  #onLinkFault(channel: Channel, error: unknown): void {
    const { id, address } = channel.member;
    this.#limiter.log(
      "warn",
      "link-fault",
      { nodeId: id, address },
      `a node broke the protocol: ${messageOf(error)}`,
    );
  }

  #onLinkRefused(address: string, { code, message }: CenterError): void {
    this.#metrics.linksRefused.inc({ code });
    this.#limiter.log(
      "warn",
      `refused ${code}`,
      { address, code },
      `a peer was not let in at the link port: ${message}`,
    );
  }

  #onClientError(port: string, error: Error, status: number): void {
    this.#metrics.clientErrors.inc({ status });
    this.#limiter.log("info", `bad-request ${port}`, { port, status }, `no HTTP request: ${error.message}`);
  }
}
