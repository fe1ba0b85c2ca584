import { Backoff } from "../backplane/backoff.js";
import { formatAddress } from "../config/addresses.js";
import { checkListenRules } from "../config/listen-rules.js";
import type { NodeConfig } from "../config/options.js";
import { CenterError, startRefused } from "../errors.js";
import { AccessControl } from "../http/access-control.js";
import { opsRoutes, readiness } from "../http/ops-routes.js";
import type { HttpServer } from "../http/server.js";
import type { Logger } from "../log.js";
import { createNodeMetrics } from "../metrics.js";
import { createAdminServer } from "../node/http/ports.js";
import { createNodeCounts } from "../node/counts.js";
import { NodeReports } from "../node/reports.js";
import { HostMetrics } from "./host-metrics.js";
import { HostPlaces } from "./host-places.js";
import { SharedPort } from "./shared-port.js";
import { workerConfigs } from "./worker-configs.js";
import { type Listening, type WorkerObserver, WorkerProcess } from "./worker-process.js";

const ADMIN_CLOSE_MS = 1000;
/** One that served for as long did not die of what kills it when it starts. */
const PROVEN_MS = 10_000;

/** One of the host's workers, whichever process it is at the time. */
interface Slot {
  readonly number: number;
  config: NodeConfig;
  readonly backoff: Backoff;
  process: WorkerProcess | undefined;
  servesSince: number | undefined;
  restart: NodeJS.Timeout | undefined;
}

/**
 * Several nodes behind one port, each a process of its own. This one accepts connections and hands them out, replaces
 * workers that end, counts what counts over all of them, and serves the admin port.
 */
export class WorkerHost {
  readonly #config: NodeConfig;
  readonly #log: Logger;
  readonly #entry: URL;
  readonly #slots: Slot[];
  readonly #port: SharedPort;
  readonly #places: HostPlaces<WorkerProcess>;
  readonly #metrics: HostMetrics<WorkerProcess>;
  readonly #reports: NodeReports;
  readonly #accessControl: AccessControl;
  readonly #admin: HttpServer | undefined;
  readonly #observer: WorkerObserver;
  #state: "new" | "starting" | "running" | "draining" | "stopped" = "new";
  /** Whether all workers were ready together, once. */
  #wasReady = false;
  #onStart: { listening: () => void; failed: (error: CenterError) => void } | undefined;
  /** Where this process ends by a fault, workers close their clients in order; where it is stopped, time is up. */
  readonly #onExit = (): void => {
    if (this.#state !== "running") this.#killAll();
  };

  /**
   * @param parts.entry - the module that worker processes run.
   * @throws CenterError CONFIG_INVALID or LISTEN_REFUSED
   */
  constructor(config: NodeConfig, parts: { count: number; entry: URL; log: Logger }) {
    const { count, entry, log } = parts;
    checkListenRules("node", config);
    this.#config = config;
    this.#log = log;
    this.#entry = entry;
    this.#slots = workerConfigs(config, count).map((own, index) => ({
      number: index + 1,
      config: own,
      backoff: new Backoff({ baseMs: 200, maxMs: 30_000 }),
      process: undefined,
      servesSince: undefined,
      restart: undefined,
    }));
    const none = (): number => 0;
    const counts = createNodeCounts();
    const metrics = createNodeMetrics({
      counts,
      connections: none,
      users: none,
      groups: none,
      links: none,
      queuedFrames: none,
      queuedBytes: none,
      waitingBytes: none,
    });
    this.#metrics = new HostMetrics(metrics.registry, () => this.#serving());
    const reports = new NodeReports(log, { metrics, counts });
    this.#reports = reports;
    this.#accessControl = new AccessControl(config, {
      log,
      onTokensFault: (error) => reports.tokensFileUnusable(error),
      onAuditFault: (error) => reports.fault("audit log", error),
    });
    this.#port = new SharedPort({
      patienceMs: config.handshakeTimeoutMs,
      onError: (error) => reports.fault("client port", error),
    });
    this.#places = new HostPlaces(config, (isFull) => {
      for (const worker of this.#processes()) worker.send({ type: "full", isFull });
    });
    this.#observer = {
      onListening: (...listening) => this.#onListening(...listening),
      onTook: (worker) => this.#port.took(worker),
      onNotTaken: (worker) => this.#port.remove(worker),
      onTake: (worker, id, address) => {
        worker.send({ type: "placed", id, refusal: this.#places.take(worker, address) });
      },
      onRelease: (worker, address) => this.#places.release(worker, address),
      onEnded: (...ended) => this.#onEnded(...ended),
    };
    this.#admin =
      config.adminPort === undefined
        ? undefined
        : createAdminServer(config, {
            accessControl: this.#accessControl,
            reports,
            routes: {
              ...opsRoutes(this.#metrics, () => []),
              "/readyz": { public: true, handle: () => this.#readiness() },
            },
          });
  }

  /**
   * Resolves once all workers serve.
   *
   * @throws CenterError what kept one of them from it; then `stop` ends the others.
   */
  async start(): Promise<void> {
    if (this.#state !== "new") throw startRefused("node");
    this.#state = "starting";
    const { host, port, adminHost, adminPort } = this.#config;
    this.#accessControl.start();
    const client = formatAddress({ host, port: await this.#port.listen(port, host) });
    const admin =
      this.#admin === undefined
        ? {}
        : {
            admin: formatAddress({
              host: adminHost,
              port: await this.#admin.listen(adminPort ?? 0, adminHost),
            }),
          };
    process.on("exit", this.#onExit);
    await new Promise<void>((resolve, reject) => {
      this.#onStart = { listening: resolve, failed: reject };
      for (const slot of this.#slots) this.#startWorker(slot);
    });
    this.#state = "running";
    this.#log.info({ client, ...admin, workers: this.#slots.length }, "listening for all workers");
  }

  /** Has all workers drain and end; clients are closed with 1012. Not ready from now on. */
  async drain(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "draining";
    for (const { restart } of this.#slots) clearTimeout(restart);
    const codes = await Promise.all(
      [...this.#processes()].map((worker) => {
        worker.send({ type: "stop" });
        return worker.ended;
      }),
    );
    const failed = codes.filter((code) => code !== 0).length;
    if (failed > 0) throw new Error(`${failed} of ${codes.length} workers did not stop in order`);
  }

  /** Ends everything that is left. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    for (const { restart } of this.#slots) clearTimeout(restart);
    this.#port.close();
    this.#killAll();
    await Promise.all([
      ...[...this.#processes()].map(({ ended }) => ended),
      this.#admin?.close(ADMIN_CLOSE_MS),
    ]);
    process.off("exit", this.#onExit);
    this.#accessControl.stop();
    this.#reports.close();
  }

  #killAll(): void {
    for (const worker of this.#processes()) worker.kill();
  }

  #startWorker(slot: Slot): void {
    slot.process = new WorkerProcess(this.#entry, slot.number, slot.config, this.#observer);
  }

  #onListening(worker: WorkerProcess, listening: Listening): void {
    const slot = this.#slotOf(worker);
    if (slot === undefined) return;
    slot.servesSince = performance.now();
    // The one that replaces it shall have the same address, also where any free port was asked for.
    slot.config = { ...slot.config, port: listening.port };
    if (this.#places.isFull) worker.send({ type: "full", isFull: true });
    this.#port.add(worker);
    const { nodeId, publicUrl } = listening;
    this.#log.info({ worker: worker.number, pid: worker.pid, nodeId, publicUrl }, "a worker serves");
    if (this.#serving().length === this.#slots.length) this.#onStart?.listening();
  }

  #onEnded(worker: WorkerProcess, how: string, why: CenterError | undefined): void {
    this.#port.remove(worker);
    this.#places.releaseAll(worker);
    this.#metrics.keep(worker);
    const slot = this.#slotOf(worker);
    if (slot === undefined) return;
    const { servesSince } = slot;
    slot.process = undefined;
    slot.servesSince = undefined;
    const reason = why === undefined ? how : `${how}: ${why.message}`;
    if (this.#state === "starting") this.#onStart?.failed(startFailure(slot.number, how, why));
    if (this.#state !== "running") return;
    this.#metrics.countEnd();
    if (servesSince !== undefined && performance.now() - servesSince > PROVEN_MS) slot.backoff.reset();
    if (why?.code === "PORT_TAKEN" && this.#config.workerPort === undefined && this.#config.port === 0) {
      slot.config = { ...slot.config, port: 0 };
    }
    const retryMs = slot.backoff.next();
    slot.restart = setTimeout(() => this.#startWorker(slot), retryMs);
    const fields = { worker: slot.number, retryMs: Math.round(retryMs) };
    this.#log.error(fields, `a worker ended (${reason}): it is replaced`);
  }

  async #readiness(): Promise<ReturnType<typeof readiness>> {
    if (this.#state !== "running") {
      return readiness(false, [`the host is ${this.#state === "new" ? "not started" : this.#state}`]);
    }
    const reasons = await Promise.all(this.#slots.map((slot) => this.#reasonsOf(slot)));
    const notReady = reasons.filter(({ length }) => length > 0).length;
    if (notReady === 0) this.#wasReady = true;
    // A worker that is being replaced is no reason to send the host's clients away from all others.
    return readiness(this.#wasReady ? notReady < reasons.length : notReady === 0, reasons.flat());
  }

  async #reasonsOf({ number, process: worker }: Slot): Promise<string[]> {
    if (worker?.listening === undefined) return [`worker ${number}: is being replaced`];
    const reasons = (await worker.ask("readiness")) ?? ["does not answer"];
    return reasons.map((reason) => `worker ${number}: ${reason}`);
  }

  #slotOf(worker: WorkerProcess): Slot | undefined {
    return this.#slots.find((slot) => slot.process === worker);
  }

  #processes(): WorkerProcess[] {
    return this.#slots.flatMap((slot) => slot.process ?? []);
  }

  #serving(): WorkerProcess[] {
    return this.#processes().filter(({ listening }) => listening !== undefined);
  }
}

function startFailure(number: number, how: string, why: CenterError | undefined): CenterError {
  if (why === undefined)
    return new CenterError("INTERNAL", `worker ${number} ended (${how}) before it served`);
  const advice =
    why.code === "PORT_TAKEN" ? "; WSC_WORKER_PORT (--worker-port) sets the first of the workers' ports" : "";
  return new CenterError(why.code, `worker ${number}: ${why.message}${advice}`, { cause: why });
}
