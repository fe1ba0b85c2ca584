import { z } from "zod";
import { ADDRESS_FORM, formatAddress, isAddress, parseAddress } from "../../config/addresses.js";
import { type AuditLog, doneHere, failedHere } from "../../audit.js";
import { json } from "../../http/answers.js";
import type { RouteRequest, Routes } from "../../http/routes.js";
import type { CenterEntry, NodeEntry } from "../registry.js";
import { readBody } from "./read-body.js";

/** What operators can ask of a center at run time. */
export interface AdminCenter {
  readonly id: string;
  readonly about: CenterEntry;
  readonly nodes: NodeEntry[];
  register(addresses: readonly string[]): void;
  remove(addresses: readonly string[]): void;
  drainNode(idOrPrefix: string): Promise<NodeEntry>;
  undrainNode(idOrPrefix: string): Promise<NodeEntry>;
}

const addressesBody = z.strictObject({
  addresses: z
    .array(z.string().max(300).refine(isAddress, `expected ${ADDRESS_FORM}`))
    .min(1)
    .max(1000),
});
const emptyBody = z.strictObject({});

/**
 * `GET /nodes` lists the linked nodes and tells of the center. `POST /centers/register` and `/centers/remove` tell the
 * nodes of other centers; `POST /nodes/{id}/drain` and `/undrain` make one refuse clients, and take them again.
 */
export function adminRoutes(center: AdminCenter, audit: AuditLog): Routes {
  const tell = (change: "register" | "remove") => (request: RouteRequest) => {
    const { addresses } = readBody(addressesBody, request);
    const asked = addresses.map((address) => formatAddress(parseAddress(address)));
    center[change](asked);
    audit.operation(request, change, { addresses: asked }, { outcomes: doneHere });
    const { otherCenters } = center.about;
    return json(200, { centerId: center.id, otherCenters, nodeIds: center.nodes.map(({ id }) => id) });
  };
  const drain = (change: "drainNode" | "undrainNode") => async (request: RouteRequest) => {
    readBody(emptyBody, request);
    const id = request.params["id"] ?? "";
    const node = await center[change](id).catch((error: unknown) => {
      audit.operation(request, change, { nodeId: id }, { outcomes: failedHere(error) });
      throw error;
    });
    audit.operation(request, change, { nodeId: node.id }, { outcomes: doneHere });
    return json(200, { centerId: center.id, node });
  };
  return {
    "/nodes": {
      scope: "read",
      handle: () => json(200, { centerId: center.id, center: center.about, nodes: center.nodes }),
    },
    "/centers/register": { method: "POST", handle: tell("register") },
    "/centers/remove": { method: "POST", handle: tell("remove") },
    "/nodes/{id}/drain": { method: "POST", handle: drain("drainNode") },
    "/nodes/{id}/undrain": { method: "POST", handle: drain("undrainNode") },
  };
}
