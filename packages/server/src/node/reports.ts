import { closeCodes } from "@websocket-center/protocol";
import { CenterError, messageOf } from "../errors.js";
import type { CallInfo } from "../http/api.js";
import type { Logger } from "../log.js";
import type { NodeMetrics } from "../metrics.js";
import { ProcessReports } from "../process-reports.js";
import type { ClientPortObserver } from "./client-port.js";
import type { Connection } from "./connection.js";
import type { NodeEventName } from "./events.js";
import type { ClientTokensObserver } from "./tokens/client-tokens.js";
import type { Refusal } from "./upgrade.js";

/** What happens at a node, counted and logged: the only place that does either. Floods of equal lines are cut. */
export class NodeReports extends ProcessReports implements ClientPortObserver, ClientTokensObserver {
  readonly #metrics: NodeMetrics;
  /** What was said of each center since its link was up, so that it is said once. */
  readonly #saidOfCenter = new Map<string, Set<string>>();

  constructor(log: Logger, metrics: NodeMetrics) {
    super(log, metrics);
    this.#metrics = metrics;
  }

  opened({ id, remoteAddress }: Connection): void {
    this.#metrics.opened.inc();
    this.log.debug({ connectionId: id, remoteAddress }, "a client connected");
  }

  closed({ id, userId }: Connection, code: number): void {
    this.#metrics.closed.inc({ code: knownCloseCodes.has(code) ? String(code) : "other" });
    this.log.debug({ connectionId: id, userId, code }, "a client is gone");
  }

  refused(remoteAddress: string, { status, cause, reason }: Refusal): void {
    this.#metrics.refused.inc({ cause });
    const fields = { remoteAddress, status, cause };
    this.limiter.log("info", `refused ${cause}`, fields, `a client was refused: ${reason}`);
  }

  received(bytes: number): void {
    this.#metrics.messages.inc();
    this.#metrics.receivedBytes.inc(bytes);
  }

  failed(connection: Connection | undefined, stage: string, error: unknown): void {
    const fields = { connectionId: connection?.id, stage };
    const level = stage === "protocol" ? "info" : "error";
    this.limiter.log(level, `failed ${stage}`, fields, `a connection failed: ${messageOf(error)}`);
  }

  slowConsumer({ id, userId, remoteAddress }: Connection, bufferedBytes: number): void {
    this.#metrics.slowConsumers.inc();
    const fields = { connectionId: id, userId, remoteAddress, bufferedBytes };
    this.limiter.log("warn", "slow-consumer", fields, "a client does not read fast enough: it is closed");
  }

  handlerFailed(error: unknown, event: NodeEventName, connection: Connection | undefined): void {
    this.#metrics.handlerErrors.inc({ event });
    const fields = { connectionId: connection?.id, event, err: error };
    const message = `a handler of ${event} failed: ${messageOf(error)}`;
    this.limiter.log("error", `handler ${event}`, fields, message);
  }

  called(info: CallInfo): void {
    this.#metrics.countRequest(info.status, info.outcome);
    this.log.debug(info, "call");
  }

  badRequest(error: Error, status: number): void {
    this.#metrics.clientErrors.inc({ status });
    this.limiter.log("info", "bad-request", { status }, `no HTTP request: ${error.message}`);
  }

  linked(centerId: string, center: string): void {
    this.#saidOfCenter.delete(center);
    this.log.info({ centerId, center }, "registered with a center");
  }

  /** Said once for each cause; what follows until the link is back is the same again. */
  linkLost(center: string, { code, message }: CenterError, retryMs: number): void {
    this.#metrics.linksLost.inc({ code });
    const said = this.#saidOfCenter.get(center) ?? new Set<string>();
    const level = said.has(code) ? "debug" : code === "LINK_LOST" ? "warn" : "error";
    this.#saidOfCenter.set(center, said.add(code));
    this.log[level]({ center, code, retryMs: Math.round(retryMs) }, `no link to the center: ${message}`);
  }

  keysUnavailable({ message }: CenterError): void {
    this.#metrics.tokenKeysErrors.inc();
    this.limiter.log("error", "token-keys", {}, `tokens of clients: ${message}`);
  }

  tokenRenewed({ id, userId }: Connection, problem: string | undefined): void {
    this.#metrics.tokensRenewed.inc({ outcome: problem === undefined ? "ok" : "refused" });
    if (problem === undefined) return;
    const fields = { connectionId: id, userId };
    this.limiter.log("info", "token", fields, `a new token of a client was refused: ${problem}`);
  }

  /** A fault that is nobody's request. */
  fault(stage: string, error: unknown): void {
    const level = error instanceof CenterError ? "warn" : "error";
    this.limiter.log(level, stage, { stage, err: error }, `${stage}: ${messageOf(error)}`);
  }
}

const knownCloseCodes = new Set<number>(Object.values(closeCodes).map(({ code }) => code))
  .add(1005)
  .add(1006);
