import type { OpsEventLine } from "@websocket-center/protocol";
import type { CenterClient } from "../../api/center-client.ts";
import { pause } from "../../api/pause.ts";
import { Store } from "../../api/store.ts";
import { countsText } from "../../shared/texts.ts";

const MAX_LINES = 10_000;
const RETRY_MS = 1000;
/** Lines are shown together: no more often than this, however many come. */
const SHOW_MS = 250;

/** A line of the log. `nodeId` is undefined where it is the center's. */
export interface LogLine {
  number: number;
  at: number;
  type: string;
  nodeId: string | undefined;
  subjects: { connectionId?: string; userId?: string; groupId?: string; callId?: string };
  value: number | undefined;
  detail: string;
  /** All of it in one text, in lower case, to search in. */
  search: string;
}

/** What one wants to see of it. Empty: everything. */
export interface LogFilter {
  types: readonly string[];
  nodeId: string | null;
  text: string;
}

const noFilter: LogFilter = { types: [], nodeId: null, text: "" };

export interface EventLogView {
  state: "connecting" | "live" | "lost";
  isPaused: boolean;
  filter: LogFilter;
  /** All that may be shown, the newest last. */
  lines: readonly LogLine[];
  /** Those of them that the filter lets through. */
  shown: readonly LogLine[];
  /** What came since it was paused. */
  waiting: number;
}

/** Follows `/ops/events` while it is started; begins again when a stream breaks, and marks the gap. */
export class EventLog extends Store<EventLogView> {
  readonly #client: CenterClient;
  /** What came, shown or not. */
  #lines: LogLine[] = [];
  #nextNumber = 0;
  /** The number of the first line that was neither shown nor cleared. */
  #shownUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #controller: AbortController | undefined;

  constructor(client: CenterClient) {
    super({ state: "connecting", isPaused: false, filter: noFilter, lines: [], shown: [], waiting: 0 });
    this.#client = client;
  }

  start(): void {
    this.#controller = new AbortController();
    void this.#run(this.#controller.signal);
  }

  close(): void {
    this.#controller?.abort();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  pause(isPaused: boolean): void {
    this.set({ isPaused });
    this.#show();
  }

  clear(): void {
    this.#lines = [];
    this.#shownUntil = this.#nextNumber;
    this.set({ lines: [], shown: [], waiting: 0 });
  }

  filter(filter: LogFilter): void {
    this.set({ filter, shown: filterLines(this.get().lines, filter) });
  }

  async #run(signal: AbortSignal): Promise<void> {
    let wasLive = false;
    const onOpen = (): void => {
      this.set({ state: "live" });
      if (wasLive) this.#add({ type: "gap", at: Date.now() });
      wasLive = true;
    };
    while (!signal.aborted) {
      this.set({ state: "connecting" });
      try {
        for await (const line of this.#client.stream<OpsEventLine>("ops/events", signal, onOpen))
          this.#take(line);
      } catch {
        // What is wrong with the centers is told by the page's frame.
      }
      if (signal.aborted) return;
      this.set({ state: "lost" });
      await pause(RETRY_MS, signal);
    }
  }

  #take(line: OpsEventLine): void {
    if (line.kind === "skipped") {
      this.#add({ type: "skipped", at: line.at, nodeId: line.nodeId, detail: countsText(line.counts) });
      return;
    }
    const { type, at, value, detail, connectionId, userId, groupId } = line.event;
    const callId = "callId" in line.event ? line.event.callId : undefined;
    const nodeId =
      line.source === "node" ? line.nodeId : "nodeId" in line.event ? line.event.nodeId : undefined;
    this.#add({
      type,
      at,
      nodeId,
      value,
      detail,
      subjects: defined({ connectionId, userId, groupId, callId }),
    });
  }

  #add(given: {
    type: string;
    at: number;
    nodeId?: string | undefined;
    value?: number | undefined;
    detail?: string | undefined;
    subjects?: LogLine["subjects"];
  }): void {
    const { type, at, nodeId, value, detail = "", subjects = {} } = given;
    const search = [type, nodeId, value, detail, ...Object.values(subjects)].join(" ").toLowerCase();
    this.#lines.push({ number: this.#nextNumber++, at, type, nodeId, value, detail, subjects, search });
    if (this.#lines.length > MAX_LINES * 1.1) this.#lines = this.#lines.slice(-MAX_LINES);
    this.#timer ??= setTimeout(() => this.#show(), SHOW_MS);
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { isPaused, filter } = this.get();
    if (!isPaused) {
      this.#shownUntil = this.#nextNumber;
      const lines = this.#lines.slice(-MAX_LINES);
      this.set({ lines, shown: filterLines(lines, filter), waiting: 0 });
      return;
    }
    this.set({ waiting: this.#nextNumber - this.#shownUntil });
  }
}

function defined(subjects: { [K in keyof LogLine["subjects"]]: string | undefined }): LogLine["subjects"] {
  return Object.fromEntries(Object.entries(subjects).filter(([, id]) => id !== undefined));
}

export function filterLines(
  lines: readonly LogLine[],
  { types, nodeId, text }: LogFilter,
): readonly LogLine[] {
  if (types.length === 0 && nodeId === null && text === "") return lines;
  const wanted = text.toLowerCase();
  // That something is missing is said whatever one looks for: else the log would look complete.
  return lines.filter(
    (line) =>
      line.type === "skipped" ||
      line.type === "gap" ||
      ((types.length === 0 || types.includes(line.type)) &&
        (nodeId === null || line.nodeId === nodeId) &&
        line.search.includes(wanted)),
  );
}

/** One JSON object a line. */
export function asNdjson(lines: readonly LogLine[]): string {
  return lines
    .map(({ at, type, nodeId, value, detail, subjects }) =>
      JSON.stringify({ at: new Date(at).toISOString(), type, nodeId, ...subjects, value, detail }),
    )
    .join("\n");
}
