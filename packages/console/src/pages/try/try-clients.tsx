import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { useConsoleApi } from "../../api/console-api.tsx";
import type { CenterClient } from "../../api/center-client.ts";
import { runOnHub } from "../../api/hub.ts";
import type { LiveFeed } from "../../api/live.ts";
import { TryClient, type TrySettings } from "./try-client.ts";

/** The clients of the page. They outlive the page that shows them. A store for useSyncExternalStore. */
class TryClients {
  readonly #center: CenterClient;
  readonly #feed: LiveFeed;
  readonly #listeners = new Set<() => void>();
  #clients: readonly TryClient[] = [];
  #version = 0;
  #nextNumber = 1;

  constructor(center: CenterClient, feed: LiveFeed) {
    this.#center = center;
    this.#feed = feed;
  }

  get clients(): readonly TryClient[] {
    return this.#clients;
  }

  /** Another one after each change of any client. */
  readonly version = (): number => this.#version;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add(settings: TrySettings): void {
    const client = new TryClient(this.#nextNumber++, settings, this.#cluster, () => this.#changed());
    this.#clients = [...this.#clients, client];
    client.connect();
    this.#changed();
  }

  remove(client: TryClient): void {
    client.close();
    this.#clients = this.#clients.filter((other) => other !== client);
    this.#changed();
  }

  close(): void {
    for (const client of this.#clients) client.close();
    this.#clients = [];
  }

  readonly #cluster = {
    nodeUrls: () => this.nodeUrls(),
    assign: async (userId: string, signal: AbortSignal): Promise<string> => {
      const query = new URLSearchParams({ id: userId }).toString();
      return (await this.#center.get<{ url: string }>(`assign?${query}`, signal)).url;
    },
    bind: (userId: string, connectionId: string) =>
      runOnHub(this.#center, "bindUser", { userId, connectionId }),
  };

  nodeUrls(): string[] {
    const nodes = this.#feed.get().state?.nodes ?? [];
    return nodes.filter(({ draining, full }) => !draining && !full).map(({ publicUrl }) => publicUrl);
  }

  #changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}

const Context = createContext<TryClients | undefined>(undefined);

export function TryClientsProvider({ children }: { children: ReactNode }) {
  const { client, feed } = useConsoleApi();
  const clients = useMemo(() => new TryClients(client, feed), [client, feed]);
  useEffect(() => () => clients.close(), [clients]);
  return <Context value={clients}>{children}</Context>;
}

/** The clients, shown anew after each change. */
export function useTryClients(): TryClients {
  const clients = useContext(Context);
  if (clients === undefined) throw new Error("there is no TryClientsProvider");
  useSyncExternalStore(clients.subscribe, clients.version);
  return clients;
}
