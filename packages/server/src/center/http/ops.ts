import type { OpsState } from "@websocket-center/protocol";
import type { Access } from "../../http/access.js";
import { json, problem } from "../../http/answers.js";
import type { Routes } from "../../http/routes.js";
import type { Operations } from "../operations/operations.js";
import type { OpenStreams } from "./open-streams.js";
import { accessOf } from "./ops-access.js";
import { eventRoutes } from "./ops-events.js";
import { listingRoutes } from "./ops-listings.js";
import { liveRoutes } from "./ops-live.js";
import { watchRoutes } from "./ops-watch.js";

/** `GET /ops/…`: what operators, and the console, see of the cluster. The shapes are in the protocol's ops-api.ts. */
export function operationsRoutes(
  operations: Operations,
  parts: { streams: OpenStreams; access: Access; onFault: (error: unknown) => void },
): Routes {
  const { access, onFault, streams } = parts;
  return {
    ...listingRoutes(operations.nodes),
    ...liveRoutes(operations, streams, access),
    ...eventRoutes(operations.feed, streams),
    ...watchRoutes(operations.nodes, streams, onFault),
    "/ops/state": {
      scope: "read",
      handle: ({ principal }) =>
        json(200, { ...operations.state(), access: accessOf(access, principal) } satisfies OpsState),
    },
    "/ops/history": { scope: "read", handle: () => json(200, operations.history) },
    "/ops/{name}": {
      scope: "read",
      handle: () => problem(404, "NOT_FOUND", "there is no such view: see /openapi.json"),
    },
  };
}
