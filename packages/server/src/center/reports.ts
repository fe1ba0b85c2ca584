import { type CenterError, messageOf } from "../errors.js";
import type { CallInfo } from "../http/exchange.js";
import type { Logger } from "../log.js";
import type { CenterMetrics } from "../metrics.js";
import { ProcessReports } from "../process-reports.js";
import type { Member } from "../backplane/backplane.js";
import type { CenterEvents } from "./operations/center-events.js";
import type { BatchCounts } from "./http/batch-stream.js";
import type { PlaceFailure } from "./http/classic.js";

/** What happens at a center, counted, logged and told to those who watch: the only place that does. Floods of equal lines are cut. */
export class CenterReports extends ProcessReports {
  readonly #metrics: CenterMetrics;
  readonly #events: CenterEvents;

  constructor(log: Logger, metrics: CenterMetrics, events: CenterEvents) {
    super(log, metrics);
    this.#events = events;
    this.#metrics = metrics;
  }

  called(info: CallInfo): void {
    const { ms, status, events, outcome } = info;
    this.#metrics.countRequest(status, outcome);
    if (events.length > 0) this.#metrics.callSeconds.observe(ms / 1000);
    this.log.debug(info, "call");
  }

  placesFailed(callId: string, failures: readonly PlaceFailure[]): void {
    for (const { code } of failures) this.#metrics.failures.inc({ code });
    const codes = [...new Set(failures.map(({ code }) => code))].join(", ");
    const fields = { callId, failures: failures.slice(0, 10), places: failures.length };
    this.limiter.log("warn", `failures ${codes}`, fields, `a call failed at some nodes: ${codes}`);
  }

  batchEnded(callId: string, counts: BatchCounts): void {
    this.log.debug({ callId, ...counts }, "batch");
  }

  badRequest(port: string, error: Error, status: number): void {
    this.#metrics.clientErrors.inc({ status });
    this.limiter.log("info", `bad-request ${port}`, { port, status }, `no HTTP request: ${error.message}`);
  }

  nodeJoined({ id, address, certificate }: Member): void {
    const fields = certificate === undefined ? {} : { certificate };
    this.log.info({ nodeId: id, address, ...fields }, "a node registered");
    this.#events.tell("node-joined", { nodeId: id, detail: address });
  }

  nodeLeft({ id, address }: Member, reason: string): void {
    this.#metrics.nodesLeft.inc();
    this.log.info({ nodeId: id, address, reason }, "a node left");
    this.#events.tell("node-left", { nodeId: id, detail: reason });
  }

  nodeSuspect({ id }: Member): void {
    this.log.warn({ nodeId: id }, "the node has answered no ping for a second: it is suspect");
    this.#events.tell("node-suspect", { nodeId: id });
  }

  linkFault({ id, address }: Member, error: unknown): void {
    const message = `a node broke the protocol: ${messageOf(error)}`;
    this.limiter.log("warn", "link-fault", { nodeId: id, address }, message);
  }

  linkRefused(address: string, { code, message }: CenterError): void {
    this.#metrics.linksRefused.inc({ code });
    const text = `a peer was not let in at the link port: ${message}`;
    this.limiter.log("warn", `refused ${code}`, { address, code }, text);
    this.#events.tell("link-refused", { detail: `${address}: ${code}: ${message}` });
  }

  /** A fault that is nobody's request. */
  fault(stage: string, error: unknown): void {
    this.limiter.log("error", stage, { stage, err: error }, `${stage}: ${messageOf(error)}`);
  }
}
