import type { Counter } from "prom-client";
import { type CenterError, messageOf } from "./errors.js";
import type { Logger } from "./log.js";
import { createLogLimiter, type LogLimiter } from "./log-limiter.js";

/** What happens at a center as at a node, counted and logged. Floods of equal lines are cut. */
export class ProcessReports {
  protected readonly log: Logger;
  protected readonly limiter: LogLimiter;
  readonly #metrics: { tokensFileErrors: Counter; descriptorsExhausted: Counter };

  constructor(log: Logger, metrics: { tokensFileErrors: Counter; descriptorsExhausted: Counter }) {
    this.log = log;
    this.limiter = createLogLimiter(log);
    this.#metrics = metrics;
  }

  close(): void {
    this.limiter.close();
  }

  requestFailed(error: unknown, callId: string): void {
    const message = `a request failed: ${messageOf(error)}`;
    this.limiter.log("error", "request", { callId, err: error }, message);
  }

  tokensFileUnusable({ message }: CenterError): void {
    this.#metrics.tokensFileErrors.inc();
    this.log.error(`${message}. The tokens that were read before still count`);
  }

  /** No file descriptor is left. */
  outOfDescriptors(): void {
    this.#metrics.descriptorsExhausted.inc();
    const message =
      "no file descriptor is left: new connections are refused, the present ones live (ulimit -n)";
    this.limiter.log("error", "descriptors", {}, message);
  }
}
