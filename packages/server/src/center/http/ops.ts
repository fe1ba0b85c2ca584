import type { OpsState } from "@websocket-center/protocol";
import type { Access, Principal } from "../../http/access.js";
import { json } from "../../http/answers.js";
import type { Routes } from "../../http/routes.js";
import type { Operations } from "../operations/operations.js";

/** What the caller may do here, as the state of the cluster tells it. */
export function accessOf(access: Access, { name, scopes }: Principal): OpsState["access"] {
  return { needsToken: access.needsToken(), name, scopes: [...scopes] };
}

/** `GET /ops/…`: what operators, and the console, see of the cluster. The shapes are in the protocol's ops-api.ts. */
export function operationsRoutes(operations: Operations, access: Access): Routes {
  return {
    "/ops/state": {
      scope: "read",
      handle: ({ principal }) =>
        json(200, { ...operations.state(), access: accessOf(access, principal) } satisfies OpsState),
    },
    "/ops/history": { scope: "read", handle: () => json(200, operations.history) },
  };
}
