import type { ConnectionPlaces, Refusal } from "../node/upgrade.js";
import type { HostMessage, WorkerMessage } from "./messages.js";

const gone: Refusal = { status: 503, cause: "draining", reason: "this node is going away" };
const silent: Refusal = { status: 503, cause: "full", reason: "this host is too busy to take connections" };

/** Places that the host counts, for all of its workers. */
export class RemotePlaces implements ConnectionPlaces {
  readonly #send: (message: WorkerMessage) => void;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, (refusal: Refusal | undefined) => void>();
  /** Those that were given up: a place that is granted later goes back. */
  readonly #late = new Map<number, string>();
  #lastId = 0;
  #isEnded = false;
  isFull = false;

  constructor(send: (message: WorkerMessage) => void, { timeoutMs }: { timeoutMs: number }) {
    this.#send = send;
    this.#timeoutMs = timeoutMs;
  }

  take(address: string): Refusal | Promise<Refusal | undefined> {
    if (this.#isEnded) return gone;
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#late.set(id, address);
        settle(silent);
      }, this.#timeoutMs);
      const settle = (refusal: Refusal | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(refusal);
      };
      this.#waiting.set(id, settle);
      this.#send({ type: "take", id, address });
    });
  }

  release(address: string): void {
    this.#send({ type: "release", address });
  }

  /** The host has decided. */
  placed({ id, refusal }: Extract<HostMessage, { type: "placed" }>): void {
    const late = this.#late.get(id);
    this.#late.delete(id);
    if (late !== undefined && refusal === undefined) this.release(late);
    this.#waiting.get(id)?.(refusal);
  }

  /** The host is gone: nobody gets a place any more. */
  end(): void {
    this.#isEnded = true;
    for (const settle of this.#waiting.values()) settle(gone);
  }
}
