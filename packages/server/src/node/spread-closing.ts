import { closeCodes } from "@websocket-center/protocol";
import type { Connection } from "./connection.js";

const STEP_MS = 10;

/** Closes connections with 1012, spread over a time, so that not all of them come back at once. */
export class SpreadClosing {
  #running: { timer: NodeJS.Timeout; endsAt: number } | undefined;

  /** Of this and one that is under way, the one that would end first sets the pace. */
  begin(connections: readonly Connection[], spreadMs: number): void {
    if (connections.length === 0) return;
    const startedAt = performance.now();
    const endsAt = Math.min(startedAt + spreadMs, this.#running?.endsAt ?? Infinity);
    this.stop();
    const { code, reason } = closeCodes.SERVICE_RESTART;
    let next = 0;
    const timer = setInterval(() => {
      const now = performance.now();
      const share = now >= endsAt ? 1 : (now - startedAt) / (endsAt - startedAt);
      const until = Math.ceil(connections.length * share);
      for (; next < until; next += 1) connections[next]?.close(code, reason);
      if (next === connections.length) this.stop();
    }, STEP_MS);
    this.#running = { timer, endsAt };
  }

  /** Leaves alone those that were not closed yet. */
  stop(): void {
    clearInterval(this.#running?.timer);
    this.#running = undefined;
  }
}
