import { closeCodes } from "@websocket-center/protocol";
import type { Connection } from "./connection.js";
import { pingFrame } from "./frame.js";

const MAX_TICK_MS = 1000;

/**
 * Pings every connection in turn and closes those that do not answer.
 *
 * The connections are spread over slots; each tick one slot is pinged, and those that were to have answered by now
 * are checked. Time is counted in ticks that this process has lived through: after it was stopped itself, answers
 * that wait in the kernel are read before anybody is given up.
 */
export class Heartbeat {
  readonly #slots: Set<Connection>[];
  readonly #tickMs: number;
  readonly #timeoutTicks: number;
  readonly #timer: NodeJS.Timeout;
  /** Who must have answered, by tick. */
  readonly #due = new Map<number, Connection[]>();
  #tick = 0;
  #nextSlot = 0;

  constructor(options: { intervalMs: number; timeoutMs: number }) {
    const tickMs = Math.min(MAX_TICK_MS, options.intervalMs, options.timeoutMs);
    this.#tickMs = tickMs;
    this.#slots = Array.from({ length: Math.round(options.intervalMs / tickMs) }, () => new Set());
    this.#timeoutTicks = Math.ceil(options.timeoutMs / tickMs);
    // After the I/O of this turn of the event loop: what came meanwhile has been read.
    this.#timer = setInterval(() => setImmediate(this.#beat), tickMs);
    this.#timer.unref();
  }

  /** The time that this process has lived through since the start, in whole ticks. */
  get livedMs(): number {
    return this.#tick * this.#tickMs;
  }

  add(connection: Connection): void {
    this.#nextSlot = (this.#nextSlot + 1) % this.#slots.length;
    connection.heartbeatSlot = this.#nextSlot;
    this.#slots[this.#nextSlot]?.add(connection);
  }

  remove(connection: Connection): void {
    this.#slots[connection.heartbeatSlot]?.delete(connection);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  readonly #beat = (): void => {
    this.#tick += 1;
    this.#closeSilent();
    this.#ping(this.#slots[this.#tick % this.#slots.length] ?? new Set());
  };

  #closeSilent(): void {
    const due = this.#due.get(this.#tick) ?? [];
    this.#due.delete(this.#tick);
    for (const connection of due) {
      if (connection.answerDueTick !== this.#tick) continue;
      const { code, reason } = closeCodes.HEARTBEAT_TIMEOUT;
      connection.close(code, reason);
    }
  }

  #ping(slot: Set<Connection>): void {
    const dueTick = this.#tick + this.#timeoutTicks;
    const pinged: Connection[] = [];
    for (const connection of slot) {
      if (connection.answerDueTick !== undefined || !connection.enqueue(pingFrame)) continue;
      connection.answerDueTick = dueTick;
      pinged.push(connection);
    }
    if (pinged.length > 0) this.#due.set(dueTick, pinged);
  }
}
