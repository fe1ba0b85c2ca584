import { useQuery } from "@tanstack/react-query";
import type { ServiceInfo } from "@websocket-center/protocol";
import { useClient } from "./console-api.tsx";

/** As `GET /services?details=1` lists it: a service at one node. */
export type ServiceEntry = ServiceInfo & { nodeId: string };

const RENEW_MS = 10_000;

/** The services of all nodes, renewed every ten seconds. */
export function useServices() {
  const client = useClient();
  return useQuery({
    queryKey: ["services"],
    queryFn: ({ signal }) => client.get<{ services: ServiceEntry[] }>("services?details=1", signal),
    refetchInterval: RENEW_MS,
  });
}
