import type { Registry } from "prom-client";
import { json } from "./answers.js";
import type { Routes } from "./routes.js";

/**
 * What operators ask: `/livez` (the process serves), `/readyz` (send it work, or why not), `/metrics` (Prometheus).
 * @param notReady - the reasons why it is not ready; none where it is.
 */
export function opsRoutes(metrics: Registry, notReady: () => string[]): Routes {
  return {
    "/livez": { public: true, handle: () => json(200, { live: true }) },
    "/readyz": {
      public: true,
      handle: () => {
        const reasons = notReady();
        return json(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
      },
    },
    "/metrics": {
      scope: "read",
      handle: async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.metrics() }),
    },
  };
}
