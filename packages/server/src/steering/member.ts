import type { MemberInfo } from "@websocket-center/protocol";

/** A node as clients find it. */
export interface SteeringMember {
  readonly id: string;
  /** As `publicAddressOf` gives it. */
  readonly address: string;
  /** Neither full, nor draining, nor suspect. */
  readonly takesClients: boolean;
  readonly connections: number;
}

export function toMemberInfo({ id, address, takesClients, connections }: SteeringMember): MemberInfo {
  return [id, address, takesClients, connections];
}

export function fromMemberInfo([id, address, takesClients, connections]: MemberInfo): SteeringMember {
  return { id, address, takesClients, connections };
}
