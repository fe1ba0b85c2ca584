import type { OpsHistory, OpsLiveLine, OpsPoint, OpsState } from "@websocket-center/protocol";
import type { CenterClient } from "./center-client.ts";
import { pause } from "./pause.ts";
import { CallFailure } from "./problem.ts";
import { Store } from "./store.ts";

/** What is known of the cluster now. `state` and `points` stay while a center is looked for. */
export interface Live {
  status: "connecting" | "live" | "lost" | "token-needed";
  /** Why it is not live. */
  failure: CallFailure | undefined;
  state: OpsState | undefined;
  /** The last 15 minutes, oldest first. The last one may be newer than an interval. */
  points: readonly OpsPoint[];
  /** The time between kept points. */
  intervalMs: number;
}

const HISTORY_MS = 15 * 60_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5000;

/** Follows `/ops/live` of whichever center answers, for as long as it is started. */
export class LiveFeed extends Store<Live> {
  readonly #client: CenterClient;
  #kept: OpsPoint[] = [];
  #controller: AbortController | undefined;

  constructor(client: CenterClient) {
    super({ status: "connecting", failure: undefined, state: undefined, points: [], intervalMs: 5000 });
    this.#client = client;
  }

  start(): void {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    void this.#run(controller.signal);
  }

  close(): void {
    this.#controller?.abort();
    this.#controller = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.#follow(signal, () => {
          retryMs = FIRST_RETRY_MS;
        });
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
      }
      if (signal.aborted || this.get().status === "token-needed") return;
      await pause(retryMs, signal);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
  }

  async #follow(signal: AbortSignal, onLine: () => void): Promise<void> {
    const history = await this.#client.get<OpsHistory>("ops/history", signal);
    this.#kept = history.points;
    this.set({ intervalMs: history.intervalMs, points: this.#kept });
    for await (const line of this.#client.stream<OpsLiveLine>("ops/live", signal)) {
      onLine();
      this.#take(line);
    }
    if (!signal.aborted) throw new CallFailure("UNREACHABLE", 0, "the center ended the stream");
  }

  #take({ state, point, isKept }: OpsLiveLine): void {
    const since = point.at - HISTORY_MS;
    if (isKept) this.#kept = [...this.#kept.filter(({ at }) => at >= since && at < point.at), point];
    const points = isKept ? this.#kept : [...this.#kept, point];
    this.#client.session.learn(
      state.centers.flatMap(({ about }) => (about === undefined ? [] : [about.url])),
    );
    this.set({ status: "live", failure: undefined, state, points });
  }

  #failed(error: unknown): void {
    const failure =
      error instanceof CallFailure ? error : new CallFailure("INTERNAL", 0, String(error), { cause: error });
    this.set({ status: failure.status === 401 ? "token-needed" : "lost", failure });
  }
}
