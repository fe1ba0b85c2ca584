import { type Answer, json } from "./answers.js";
import type { Routes } from "./routes.js";

/** A registry of prom-client, or several as one. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/**
 * What operators ask: `/livez` (the process serves), `/readyz` (send it work, or why not), `/metrics` (Prometheus).
 * @param notReady - the reasons why it is not ready; none where it is.
 */
export function opsRoutes(metrics: MetricsSource, notReady: () => string[]): Routes {
  return {
    "/livez": { public: true, handle: () => json(200, { live: true }) },
    "/readyz": {
      public: true,
      handle: () => {
        const reasons = notReady();
        return readiness(reasons.length === 0, reasons);
      },
    },
    "/metrics": {
      scope: "read",
      handle: async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.metrics() }),
    },
  };
}

/** The answer of `/readyz`. */
export function readiness(ready: boolean, reasons: readonly string[]): Answer {
  return json(ready ? 200 : 503, { ready, reasons });
}
