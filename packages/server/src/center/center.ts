import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { formatAddress, parseAddress } from "../config/addresses.js";
import { checkListenRules } from "../config/listen-rules.js";
import type { CenterConfig, CenterOptions } from "../config/options.js";
import { resolveCenterOptions } from "../config/resolve.js";
import { CenterError } from "../errors.js";
import { AccessControl } from "../http/access-control.js";
import type { Api } from "../http/api.js";
import type { Middleware, Next } from "../http/middleware.js";
import type { HttpServer } from "../http/server.js";
import { createLogger, type Logger } from "../log.js";
import { type CenterMetrics, createCenterMetrics } from "../metrics.js";
import type { Cluster } from "../services/cluster.js";
import { version } from "../version.js";
import type { AdminCenter } from "./http/admin.js";
import { createApiServer, createCenterApi, createLinkServer } from "./http/ports.js";
import { createLocalCluster } from "./local-cluster.js";
import { NodeLinks } from "./node-links.js";
import type { CenterEntry, NodeEntry } from "./registry.js";
import { CenterReports } from "./reports.js";
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
  readonly #api: Api;
  /** Undefined where the center is mounted into a server of the application. */
  readonly #http: HttpServer | undefined;
  readonly #links: HttpServer;
  readonly #otherCenters: Set<string>;
  readonly #startedAt = new Date();
  #state: "new" | "running" | "draining" | "stopped" = "new";
  #ports = { link: 0, http: 0 };

  constructor(config: CenterConfig, parts: CenterParts) {
    this.#config = config;
    this.#log =
      parts.log ?? createLogger({ level: config.logLevel, format: config.logFormat, name: "center" });
    this.#otherCenters = new Set(config.otherCenters);
    this.#metrics = createCenterMetrics({
      nodes: () => this.#nodeLinks.size,
      suspects: () => this.#nodeLinks.suspects,
      pendingCalls: () => this.#nodeLinks.pendingCalls,
    });
    const reports = new CenterReports(this.#log, this.#metrics);
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
      isStopping: () => this.#state !== "running",
      otherCenters: () => [...this.#otherCenters],
    });
    this.#nodeLinks = links;
    this.services = links.services;
    this.cluster = createLocalCluster(links.router, links.services);
    this.#links = createLinkServer(config, { links, reports });
    this.#api = createCenterApi(config, {
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
    this.#api.handle(request, response, next);
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
      otherCenters: [...this.#otherCenters],
    };
  }

  /** The nodes that are linked right now. */
  get nodes(): NodeEntry[] {
    return this.#nodeLinks.entries;
  }

  /** @throws CenterError PORT_TAKEN; then nothing is left listening. */
  async start(): Promise<void> {
    const { host, linkPort, httpPort } = this.#config;
    try {
      this.#accessControl.start();
      this.#ports.link = await this.#links.listen(linkPort, host);
      if (this.#http !== undefined) this.#ports.http = await this.#http.listen(httpPort, host);
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
    const timer = setTimeout(() => this.#nodeLinks.abortCalls("the center stops"), shutdownGraceMs / 2);
    await this.#http?.close(shutdownGraceMs * 0.75);
    clearTimeout(timer);
  }

  /** Ends everything: HTTP connections, links, timers. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    await this.#http?.close(0);
    await this.#nodeLinks.close();
    await this.#links.close(0);
    this.#accessControl.stop();
    this.#metrics.registry.clear();
    this.#reports.close();
  }

  /** Tells all nodes, those that come later too, to register with these centers: `port` or `host:port`. */
  register(addresses: readonly string[]): void {
    for (const address of addresses) parseAddress(address);
    if (new Set([...this.#otherCenters, ...addresses]).size > MAX_OTHER_CENTERS) {
      throw new CenterError("INVALID_PARAMS", `a center can tell of ${MAX_OTHER_CENTERS} others at most`);
    }
    for (const address of addresses) this.#otherCenters.add(address);
    this.#nodeLinks.tellOfCenters("register", addresses);
  }

  /** Tells all nodes to leave these centers, and those that come later nothing of them. */
  remove(addresses: readonly string[]): void {
    for (const address of addresses) parseAddress(address);
    for (const address of addresses) this.#otherCenters.delete(address);
    this.#nodeLinks.tellOfCenters("remove", addresses);
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
