import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CenterAbout } from "@websocket-center/protocol";
import { canonicalAddress, formatAddress, parseAddress } from "../config/addresses.js";
import { checkListenRules } from "../config/listen-rules.js";
import type { CenterConfig, CenterOptions } from "../config/options.js";
import { resolveCenterOptions } from "../config/resolve.js";
import { DescriptorWatch } from "../descriptor-watch.js";
import { CenterError, startOvertaken, startRefused } from "../errors.js";
import { AccessControl } from "../http/access-control.js";
import type { Api } from "../http/api.js";
import type { Middleware, Next } from "../http/middleware.js";
import type { HttpServer } from "../http/server.js";
import { createLogger, type Logger } from "../log.js";
import { type CenterMetrics, createCenterMetrics } from "../metrics.js";
import type { Cluster } from "../services/cluster.js";
import { type Assignment, Steering } from "../steering/steering.js";
import { version } from "../version.js";
import type { AdminCenter } from "./http/admin.js";
import { Batches } from "./http/batch.js";
import { OpenStreams } from "./http/open-streams.js";
import { createApiServer, createCenterApi, createLinkServer } from "./http/ports.js";
import { createLocalCluster } from "./local-cluster.js";
import { httpUrlOf } from "./http-url.js";
import { NodeLinks } from "./node-links.js";
import { CallTraces } from "./operations/call-traces.js";
import { CenterEvents } from "./operations/center-events.js";
import { Operations } from "./operations/operations.js";
import type { CenterEntry, NodeEntry } from "./registry.js";
import { CenterReports } from "./reports.js";
import { Running } from "./running.js";
import type { ServiceDirectory } from "./service-directory.js";

/** As many as fit a frame. */
const MAX_OTHER_CENTERS = 1000;

export interface CenterParts {
  /** Default: one of its own, to stdout. */
  log?: Logger;
  /** Ordinary `(req, res, next)` functions, run before every HTTP request is answered. */
  middleware?: readonly Middleware[];
  /**
   * The center has no HTTP port of its own: the application hands it requests of a server that it has. It still
   * listens on its link port. Default: false.
   */
  mounted?: boolean;
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
  /** Services of the linked nodes, and the way to call them. */
  readonly services: ServiceDirectory;
  /** The commands of the table, on the whole cluster. */
  readonly cluster: Cluster;
  readonly #config: CenterConfig;
  readonly #log: Logger;
  readonly #metrics: CenterMetrics;
  readonly #reports: CenterReports;
  readonly #accessControl: AccessControl;
  readonly #nodeLinks: NodeLinks;
  readonly #steering: Steering;
  readonly #batches: Batches;
  readonly #operations: Operations;
  readonly #streams: OpenStreams;
  readonly #api: Api;
  /** Undefined where the center is mounted into a server of the application. */
  readonly #http: HttpServer | undefined;
  readonly #links: HttpServer;
  /** As they were given, by their canonical form. */
  readonly #otherCenters: Map<string, string>;
  readonly #startedAt = new Date();
  readonly #running = new Running();
  readonly #descriptors = new DescriptorWatch(() => this.#reports.outOfDescriptors());
  #state: "new" | "starting" | "running" | "draining" | "stopped" = "new";
  /** Set while it is under way: a server that is closed before it listens would listen all the same. */
  #listening: Promise<void> | undefined;
  #ports = { link: 0, http: 0 };

  constructor(config: CenterConfig, parts: CenterParts) {
    this.#config = config;
    this.#log =
      parts.log ?? createLogger({ level: config.logLevel, format: config.logFormat, name: "center" });
    this.#otherCenters = byCanonical(config.otherCenters);
    if (this.#otherCenters.size > MAX_OTHER_CENTERS) {
      throw new CenterError("CONFIG_INVALID", `otherCenters: ${MAX_OTHER_CENTERS} at most`);
    }
    this.#metrics = createCenterMetrics({
      nodes: () => this.#nodeLinks.size,
      suspects: () => this.#nodeLinks.suspects,
      pendingCalls: () => this.#nodeLinks.pendingCalls,
      routing: () => this.#nodeLinks.routing,
      batches: () => this.#batches,
    });
    const events = new CenterEvents();
    const traces = new CallTraces(config.traceEntries, events);
    const reports = new CenterReports(this.#log, this.#metrics, events);
    this.#reports = reports;
    this.#accessControl = new AccessControl(config, {
      log: this.#log,
      onTokensFault: (error) => reports.tokensFileUnusable(error),
      onAuditFault: (error) => reports.fault("audit log", error),
    });
    const links = new NodeLinks({
      centerId: this.id,
      config,
      reports,
      onSettled: (call) => traces.record(call),
      isStopping: () => this.#state !== "running",
      running: this.#running,
      otherCenters: () => [...this.#otherCenters.values()],
    });
    this.#nodeLinks = links;
    this.services = links.services;
    this.cluster = createLocalCluster(links.router, links.services, this.#running);
    this.#steering = new Steering(config, () => links.members.list());
    this.#links = createLinkServer(config, { links, reports });
    this.#batches = new Batches({
      pipeline: links.pipelineParts,
      onSettled: (call) => traces.record(call),
      linkedNodes: () => links.size,
      audit: this.#accessControl.audit,
      limits: config,
      defaultTimeoutMs: config.callTimeoutMs,
      reports,
    });
    this.#operations = new Operations({
      nodes: links,
      events,
      traces,
      about: () => this.#toldToNodes,
      linkAddress: () => this.addresses.link,
      onFault: (error) => reports.fault("operations", error),
    });
    this.#streams = new OpenStreams((error, callId) => reports.requestFailed(error, callId));
    this.#api = createCenterApi(config, {
      streams: this.#streams,
      batches: this.#batches,
      operations: this.#operations,
      center: this,
      accessControl: this.#accessControl,
      links,
      metrics: this.#metrics.registry,
      notReady: () => this.#notReady(),
      middleware: parts.middleware ?? [],
      reports,
    });
    this.#http = parts.mounted === true ? undefined : createApiServer(config, { api: this.#api, reports });
  }

  /** Answers a request to the HTTP API: an ordinary `(req, res, next)` function, for a server that you have. */
  readonly handleRequest = (request: IncomingMessage, response: ServerResponse, next?: Next): void => {
    const end = this.#running.begin();
    response.once("close", end);
    const toNext = (error?: unknown): void => {
      end();
      next?.(error);
    };
    this.#api.handle(request, response, next === undefined ? undefined : toNext);
  };

  /** Where it listens, once it does: `host:port`; `http` is empty where the center is mounted. */
  get addresses(): { link: string; http: string } {
    const { host } = this.#config;
    return {
      link: formatAddress({ host, port: this.#ports.link }),
      http: this.#http === undefined ? "" : formatAddress({ host, port: this.#ports.http }),
    };
  }

  /** What `GET /nodes` tells of the center itself. `otherCenters`: those that it tells its nodes of. */
  get about(): CenterEntry {
    return {
      id: this.id,
      version,
      startedAt: this.#startedAt.toISOString(),
      addresses: this.addresses,
      otherCenters: [...this.#otherCenters.values()],
    };
  }

  /** How browsers reach the HTTP API, as `httpUrl` says or as far as it is known. */
  get httpUrl(): string {
    return httpUrlOf(this.#config, this.#ports.http);
  }

  get #toldToNodes(): CenterAbout {
    return { id: this.id, version, startedAt: this.#startedAt.getTime(), url: this.httpUrl };
  }

  /** The nodes that are linked right now. */
  get nodes(): NodeEntry[] {
    return this.#nodeLinks.entries;
  }

  /**
   * Where the user shall connect, by `assignStrategy`; nobody is asked.
   *
   * @throws CenterError INVALID_PARAMS, or NO_NODE where no node takes clients
   */
  assign(userId: string): Assignment {
    return this.#steering.assign(userId);
  }

  /**
   * @throws CenterError PORT_TAKEN; then nothing is left listening. START_REFUSED where it was started before; then that
   *   changes nothing. START_REFUSED too where it is drained or stopped meanwhile.
   */
  async start(): Promise<void> {
    if (this.#state !== "new") throw startRefused("center");
    this.#state = "starting";
    this.#listening = this.#listen();
    try {
      await this.#listening;
      this.#listening = undefined;
      if (this.#state !== "starting") throw startOvertaken("center");
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#state = "running";
    this.#descriptors.start();
    this.#operations.start();
    this.#log.info({ centerId: this.id, ...this.addresses }, "listening");
  }

  async #listen(): Promise<void> {
    const { host, linkPort, httpPort } = this.#config;
    this.#accessControl.start();
    this.#ports.link = await this.#links.listen(linkPort, host);
    if (this.#http !== undefined) this.#ports.http = await this.#http.listen(httpPort, host);
  }

  /**
   * Takes no new connections, and answers the calls that are running, of back ends, of nodes and of this process; not ready from now on. Calls that would take
   * longer than half of `shutdownGraceMs` are answered then, with what came until then.
   */
  async drain(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "draining";
    if (this.#listening !== undefined) await Promise.allSettled([this.#listening]);
    const { shutdownGraceMs } = this.#config;
    const timer = setTimeout(() => this.#nodeLinks.abortCalls("the center stops"), shutdownGraceMs / 2);
    const maxMs = shutdownGraceMs * 0.75;
    this.#batches.stop();
    this.#streams.stop();
    await Promise.all([this.#http?.close(maxMs), this.#running.settled(maxMs)]);
    clearTimeout(timer);
  }

  /** Ends everything: HTTP connections, links, timers. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    if (this.#listening !== undefined) await Promise.allSettled([this.#listening]);
    this.#streams.stop();
    this.#operations.close();
    await this.#http?.close(0);
    await this.#nodeLinks.close();
    await this.#links.close(0);
    this.#accessControl.stop();
    this.#descriptors.close();
    this.#metrics.registry.clear();
    this.#reports.close();
  }

  /** Tells all nodes, those that come later too, to register with these centers: `port` or `host:port`. */
  register(addresses: readonly string[]): void {
    const added = byCanonical(addresses);
    const others = new Map([...added, ...this.#otherCenters]);
    if (others.size > MAX_OTHER_CENTERS) {
      throw new CenterError("INVALID_PARAMS", `a center can tell of ${MAX_OTHER_CENTERS} others at most`);
    }
    for (const [key, address] of others) this.#otherCenters.set(key, address);
    this.#nodeLinks.tellOfCenters("register", [...added.values()]);
  }

  /** Tells all nodes to leave these centers, and those that come later nothing of them. */
  remove(addresses: readonly string[]): void {
    const removed = byCanonical(addresses);
    if (removed.size > MAX_OTHER_CENTERS) {
      throw new CenterError("INVALID_PARAMS", `expected ${MAX_OTHER_CENTERS} addresses at most`);
    }
    for (const key of removed.keys()) this.#otherCenters.delete(key);
    this.#nodeLinks.tellOfCenters("remove", [...removed.values()]);
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
    return this.#nodeLinks.setDraining(idOrPrefix, "drain");
  }

  /**
   * Ends what `drainNode` began, through whichever center.
   *
   * @throws CenterError as `drainNode`, and NODE_DRAINING where the node goes on draining for another reason
   */
  async undrainNode(idOrPrefix: string): Promise<NodeEntry> {
    const entry = await this.#nodeLinks.setDraining(idOrPrefix, "undrain");
    if (!entry.draining) return entry;
    throw new CenterError(
      "NODE_DRAINING",
      `node ${entry.id} goes on draining: it is stopping, or its own program asked for it. Wait for its end and start it again`,
    );
  }

  #notReady(): string[] {
    if (this.#state === "running") return [];
    return [this.#state === "draining" ? "the center is draining" : "the center is not running"];
  }
}

/** @throws CenterError CONFIG_INVALID for what is no address. */
function byCanonical(addresses: readonly string[]): Map<string, string> {
  return new Map(addresses.map((address) => [canonicalAddress(parseAddress(address)), address]));
}
