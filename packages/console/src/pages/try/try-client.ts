import { type Client, createClient, type Gap, type Status } from "@websocket-center/client";
import { messageOf } from "../../shared/texts.ts";

/** How many entries of its log a client keeps. */
const MAX_ENTRIES = 500;

/** Where a client connects: a node's address, any of the nodes, or the one that the cluster assigns to its user. */
export type Place = { kind: "node"; url: string } | { kind: "any" } | { kind: "assigned" };

export interface TrySettings {
  place: Place;
  userId: string;
  /** A query, without the `?`. */
  params: string;
  token: string;
}

/** What happened to a client, for people to read. */
export type TryEntry = { number: number; at: number } & (
  | { kind: "in"; text: string }
  | { kind: "binary"; bytes: number }
  | { kind: "out"; text: string }
  | { kind: "status"; status: Status }
  | { kind: "gap"; gap: Gap }
  | { kind: "undelivered"; count: number }
  | { kind: "error"; text: string }
);
type NewEntry = TryEntry extends infer E ? (E extends TryEntry ? Omit<E, "number" | "at"> : never) : never;

/** What a client needs of the cluster. */
export interface TryCluster {
  nodeUrls: () => readonly string[];
  assign: (userId: string, signal: AbortSignal) => Promise<string>;
  /** Told when the client is open, with its connection id. */
  bind: (userId: string, connectionId: string) => Promise<unknown>;
}

/** A client in the page, what is known of it, and what happened. Each change makes a new `view`. */
export class TryClient {
  readonly number: number;
  readonly settings: TrySettings;
  readonly #client: Client<string>;
  readonly #cluster: TryCluster;
  readonly #onChange: () => void;
  #nextEntry = 0;
  #entries: readonly TryEntry[] = [];
  #at = -1;

  constructor(number: number, settings: TrySettings, cluster: TryCluster, onChange: () => void) {
    this.number = number;
    this.settings = settings;
    this.#cluster = cluster;
    this.#onChange = onChange;
    const { token } = settings;
    this.#client = createClient({
      url: ({ avoid, signal }) => this.#address(avoid, signal),
      ...(token === "" ? {} : { token: () => Promise.resolve(token) }),
    });
    this.#client.on("status", (status) => {
      this.#note({ kind: "status", status });
      if (status.state === "open" && status.connectionId !== undefined) this.#bind(status.connectionId);
    });
    this.#client.on("message", (text) => this.#note({ kind: "in", text }));
    this.#client.on("binary", (data) => this.#note({ kind: "binary", bytes: data.byteLength }));
    this.#client.on("gap", (gap) => this.#note({ kind: "gap", gap }));
    this.#client.on("undelivered", (lost) =>
      this.#note({ kind: "undelivered", count: lost.uncertain.length + lost.unsent.length + lost.forgotten }),
    );
    this.#client.on("error", (error) => this.#note({ kind: "error", text: error.message }));
  }

  get status(): Status {
    return this.#client.status;
  }

  get entries(): readonly TryEntry[] {
    return this.#entries;
  }

  connect(): void {
    // What becomes of it is told as its status.
    this.#client.connect().catch(() => {});
  }

  reconnect(): void {
    if (this.status.state === "closed" || this.status.state === "idle") this.connect();
    else this.#client.reconnect();
  }

  close(): void {
    this.#client.close();
  }

  send(text: string): void {
    try {
      this.#client.send(text);
      this.#note({ kind: "out", text });
    } catch (error) {
      this.#note({ kind: "error", text: messageOf(error) });
    }
  }

  clear(): void {
    this.#entries = [];
    this.#onChange();
  }

  async #address(avoid: string | undefined, signal: AbortSignal): Promise<string> {
    return withQuery(await this.#node(avoid, signal), this.settings.params);
  }

  #node(avoid: string | undefined, signal: AbortSignal): Promise<string> {
    const { place, userId } = this.settings;
    if (place.kind === "node") return Promise.resolve(place.url);
    if (place.kind === "assigned") return this.#cluster.assign(userId, signal);
    const urls = this.#cluster.nodeUrls();
    const others = urls.filter((url) => avoid === undefined || !avoid.startsWith(url));
    const choice = others.length > 0 ? others : urls;
    this.#at += 1;
    const url = choice[(this.number + this.#at) % Math.max(choice.length, 1)];
    return url === undefined ? Promise.reject(new Error("no node is linked")) : Promise.resolve(url);
  }

  #bind(connectionId: string): void {
    const { userId } = this.settings;
    if (userId === "") return;
    this.#cluster.bind(userId, connectionId).catch((error: unknown) => {
      this.#note({ kind: "error", text: messageOf(error) });
    });
  }

  #note(entry: NewEntry): void {
    const noted = { ...entry, number: this.#nextEntry++, at: Date.now() };
    this.#entries = [...this.#entries.slice(1 - MAX_ENTRIES), noted];
    this.#onChange();
  }
}

function withQuery(url: string, query: string): string {
  if (query === "") return url;
  return `${url}${url.includes("?") ? "&" : "?"}${query.replace(/^\?/, "")}`;
}
