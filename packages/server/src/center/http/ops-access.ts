import type { OpsState } from "@websocket-center/protocol";
import type { Access, Principal } from "../../http/access.js";

/** What the caller may do here, as the state of the cluster tells it. */
export function accessOf(access: Access, { name, scopes }: Principal): OpsState["access"] {
  return { needsToken: access.needsToken(), name, scopes: [...scopes] };
}
