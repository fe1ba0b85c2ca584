import type { FrameEvent, OpsWatchLine } from "@websocket-center/protocol";
import type { CenterClient } from "../../api/center-client.ts";
import { Store } from "../../api/store.ts";
import type { Subject } from "../../shared/subject.ts";
import { countsText } from "../../shared/texts.ts";

/** How many events are kept and shown; the oldest go first. */
const MAX_EVENTS = 300;
const SHOW_MS = 100;

export interface WatchTarget extends Subject<"userId" | "connectionId"> {
  seconds: number;
}

/** An event as it is shown. */
export interface WatchEvent {
  key: number;
  /** By the node's clock; undefined where the node names no time. */
  at: number | undefined;
  connectionId: string | undefined;
  type: FrameEvent["type"] | "skipped";
  bytes: number | undefined;
  bufferedBytes: number | undefined;
  detail: string;
}

export interface WatchView {
  state: "running" | "ended" | "stopped" | "failed";
  failure: unknown;
  endsAt: number;
  total: number;
  /** Newest first. */
  events: readonly WatchEvent[];
}

/** One watch, from its start to its end. */
export class WatchRun extends Store<WatchView> {
  readonly #controller = new AbortController();
  #events: WatchEvent[] = [];
  #total = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: CenterClient, target: WatchTarget) {
    super({
      state: "running",
      failure: undefined,
      endsAt: Date.now() + target.seconds * 1000,
      total: 0,
      events: [],
    });
    void this.#run(client, target);
  }

  stop(): void {
    this.#controller.abort();
    if (this.get().state === "running") this.set({ state: "stopped" });
  }

  async #run(client: CenterClient, { kind, id, seconds }: WatchTarget): Promise<void> {
    const query = new URLSearchParams({ [kind]: id, seconds: String(seconds) });
    try {
      for await (const line of client.stream<OpsWatchLine>(`ops/watch?${query}`, this.#controller.signal)) {
        this.#take(line);
      }
      this.#show();
      if (this.get().state === "running") this.set({ state: "ended" });
    } catch (failure) {
      this.#show();
      if (!this.#controller.signal.aborted) this.set({ state: "failed", failure });
    }
  }

  #take(line: OpsWatchLine): void {
    if (line.kind === "end") return;
    if (line.kind === "skipped") {
      this.#add({
        at: undefined,
        type: "skipped",
        connectionId: undefined,
        bytes: undefined,
        bufferedBytes: undefined,
        detail: countsText(line.counts),
      });
      return;
    }
    const { at, bufferedBytes, bytes, closeCode, connectionId, detail, opcode, type } = line.event;
    const parts = [opcode, closeCode, detail].filter((part) => part !== undefined && part !== "");
    this.#add({ at, type, connectionId, bytes, bufferedBytes, detail: parts.join(" ") });
  }

  #add(event: Omit<WatchEvent, "key">): void {
    this.#events.push({ ...event, key: this.#total++ });
    if (this.#events.length > MAX_EVENTS * 2) this.#events = this.#events.slice(-MAX_EVENTS);
    this.#timer ??= setTimeout(() => this.#show(), SHOW_MS);
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.set({ events: this.#events.slice(-MAX_EVENTS).toReversed(), total: this.#total });
  }
}
