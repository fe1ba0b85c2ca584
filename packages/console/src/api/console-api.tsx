import type { Scope } from "@websocket-center/protocol";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { CenterClient } from "./center-client.ts";
import { type Live, LiveFeed } from "./live.ts";
import { Session } from "./session.ts";

interface ConsoleApi {
  session: Session;
  client: CenterClient;
  feed: LiveFeed;
}

const Context = createContext<ConsoleApi | undefined>(undefined);

/** The API of the center that served this page lies one folder above it. */
export function ConsoleApiProvider({ children }: { children: ReactNode }) {
  const api = useMemo(() => {
    const session = new Session(new URL("..", new URL(".", location.href)).href, sessionStorage);
    const client = new CenterClient(session);
    return { session, client, feed: new LiveFeed(client) };
  }, []);
  useEffect(() => {
    api.feed.start();
    return () => api.feed.close();
  }, [api]);
  return <Context value={api}>{children}</Context>;
}

export function useConsoleApi(): ConsoleApi {
  const api = useContext(Context);
  if (api === undefined) throw new Error("there is no ConsoleApiProvider");
  return api;
}

export function useClient(): CenterClient {
  return useConsoleApi().client;
}

/** What is known of the cluster, renewed each second. */
export function useLive(): Live {
  const { feed } = useConsoleApi();
  return useSyncExternalStore(feed.subscribe, feed.get);
}

/** The base URL of the center that is asked now. */
export function useCenter(): string {
  const { session } = useConsoleApi();
  return useSyncExternalStore(session.subscribe, () => session.center);
}

/** The base URLs of all centers that are known. */
export function useCenters(): readonly string[] {
  const { session } = useConsoleApi();
  return useSyncExternalStore(session.subscribe, () => session.centers);
}

/** Whether the token allows that; true until it is known. */
export function useMay(scope: Scope): boolean {
  const { state } = useLive();
  return state === undefined || state.access.scopes.includes(scope);
}
