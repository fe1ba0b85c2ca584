import { closeCodes } from "@websocket-center/protocol";
import { CenterError, messageOf } from "../errors.js";
import type { CallInfo } from "../http/exchange.js";
import type { Logger } from "../log.js";
import type { NodeMetrics } from "../metrics.js";
import { ProcessReports } from "../process-reports.js";
import type { ClientPortObserver } from "./client-port.js";
import type { Connection } from "./connection.js";
import type { NodeCounts } from "./counts.js";
import type { NodeEventName } from "./events.js";
import type { Witness } from "./operations/witness.js";
import type { ClientTokensObserver } from "./tokens/client-tokens.js";
import type { Refusal } from "./upgrade.js";

/** What happens at a node, counted and logged: the only place that does either. Floods of equal lines are cut. */
export class NodeReports extends ProcessReports implements ClientPortObserver, ClientTokensObserver {
  readonly #metrics: NodeMetrics;
  readonly #counts: NodeCounts;
  readonly #witness: Witness | undefined;
  /** What was said of each center since its link was up, so that it is said once. */
  readonly #saidOfCenter = new Map<string, Set<string>>();

  /** @param parts.witness - undefined where there are no clients, as in the host of workers. */
  constructor(log: Logger, parts: { metrics: NodeMetrics; counts: NodeCounts; witness?: Witness }) {
    super(log, parts.metrics);
    this.#metrics = parts.metrics;
    this.#counts = parts.counts;
    this.#witness = parts.witness;
  }

  opened(connection: Connection): void {
    const { id, remoteAddress } = connection;
    this.#counts.opened += 1;
    this.#witness?.opened(connection);
    this.log.debug({ connectionId: id, remoteAddress }, "a client connected");
  }

  closed(connection: Connection, code: number): void {
    const { id, userId } = connection;
    this.#counts.closed += 1;
    this.#witness?.closed(connection, code);
    this.#metrics.closed.inc({ code: knownCloseCodes.has(code) ? String(code) : "other" });
    this.log.debug({ connectionId: id, userId, code }, "a client is gone");
  }

  refused(remoteAddress: string, { status, cause, reason }: Refusal): void {
    this.#counts.refused += 1;
    this.#metrics.refused.inc({ cause });
    this.#witness?.refused(remoteAddress, cause);
    const fields = { remoteAddress, status, cause };
    this.limiter.log("info", `refused ${cause}`, fields, `a client was refused: ${reason}`);
  }

  received(connection: Connection, bytes: number, opcode: number): void {
    this.#counts.messagesIn += 1;
    this.#counts.bytesIn += bytes;
    this.#witness?.received(connection, bytes, opcode);
  }

  failed(connection: Connection | undefined, stage: string, error: unknown): void {
    const fields = { connectionId: connection?.id, stage };
    const level = stage === "protocol" ? "info" : "error";
    const text = `a connection failed: ${messageOf(error)}`;
    this.#witness?.happened("error", text, connection);
    this.limiter.log(level, `failed ${stage}`, fields, text);
  }

  slowConsumer(connection: Connection, bufferedBytes: number): void {
    const { id, userId, remoteAddress } = connection;
    this.#counts.slowConsumers += 1;
    this.#witness?.slowConsumer(connection, bufferedBytes);
    const fields = { connectionId: id, userId, remoteAddress, bufferedBytes };
    this.limiter.log("warn", "slow-consumer", fields, "a client does not read fast enough: it is closed");
  }

  handlerFailed(error: unknown, event: NodeEventName, connection: Connection | undefined): void {
    this.#counts.handlerErrors += 1;
    this.#metrics.handlerErrors.inc({ event });
    const fields = { connectionId: connection?.id, event, err: error };
    const message = `a handler of ${event} failed: ${messageOf(error)}`;
    this.#witness?.happened("error", message, connection);
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
    this.#witness?.happened("link", `registered with center ${center}`);
    this.log.info({ centerId, center }, "registered with a center");
  }

  /** Said once for each cause; what follows until the link is back is the same again. */
  linkLost(center: string, { code, message }: CenterError, retryMs: number): void {
    this.#metrics.linksLost.inc({ code });
    this.#witness?.happened("link", `no link to center ${center}: ${message}`);
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

  draining(centerId: string): void {
    this.#witness?.happened("drain", `draining, as center ${centerId} asks`);
    this.log.info({ centerId }, "draining, as a center asks");
  }

  drainEnded(centerId: string): void {
    this.#witness?.happened("drain", `the drain is over, as center ${centerId} asks`);
    this.log.info({ centerId }, "the drain is over, as a center asks");
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
