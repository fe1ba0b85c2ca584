import { Latencies, type Percentiles } from "./latencies.js";
import { waitFor } from "./wait.js";

/** Who shall get messages, which have numbers from 0 on. */
export interface Audience {
  /** Of one message. */
  size: number;
  isFor(number: number, client: number): boolean;
  /** Which message of that client it is, from 0 on. */
  placeOf(number: number): number;
}

export function oneAfterTheOther(clients: number): Audience {
  return {
    size: 1,
    isFor: (number, client) => number % clients === client,
    placeOf: (number) => Math.floor(number / clients),
  };
}

export function everyone(clients: number): Audience {
  return { size: clients, isFor: () => true, placeOf: (number) => number };
}

interface Message {
  readonly dueAt: number;
  received: number;
  lastAt: number;
  /** To how many connections nodes queued it; undefined until the call was answered. */
  queued: number | undefined;
  readonly onComplete: () => void;
}

export interface DeliveryFigures {
  deliveries: number;
  /** Was queued, as the answer said, and did not come. */
  lost: number;
  duplicates: number;
  /** Came to a client that it was not for. */
  strays: number;
  /** Until the last one that a message was queued to has it. */
  lastReceipt: Percentiles | undefined;
}

/** What became of each message: who has it, and when the last one got it. */
export class Deliveries {
  readonly #audience: Audience;
  /** Those of which something is missing. */
  readonly #open = new Map<number, Message>();
  /** A bit for each message, by client. */
  readonly #seen: Uint8Array<ArrayBuffer>[];
  readonly #latencies = new Latencies();
  #deliveries = 0;
  #duplicates = 0;
  #strays = 0;
  #onSettled: () => void = () => {};

  constructor(clients: number, audience: Audience) {
    this.#audience = audience;
    this.#seen = Array.from({ length: clients }, () => new Uint8Array(8));
  }

  /** @param onComplete - called once everybody has it who shall, or the call has failed. */
  begin(number: number, dueAt: number, onComplete: () => void = () => {}): void {
    this.#open.set(number, { dueAt, received: 0, lastAt: dueAt, queued: undefined, onComplete });
  }

  answered(number: number, queued: number): void {
    const message = this.#open.get(number);
    if (message === undefined) return;
    message.queued = queued;
    this.#review(number, message);
  }

  /** Whether it was run is unknown: what comes of it counts, and nothing of it is missed. */
  failed(number: number): void {
    const message = this.#open.get(number);
    if (message !== undefined) this.#close(number, message);
  }

  received(number: number, client: number): void {
    const at = performance.now();
    if (!this.#audience.isFor(number, client)) {
      this.#strays += 1;
      return;
    }
    if (!this.#isFirst(client, this.#audience.placeOf(number))) {
      this.#duplicates += 1;
      return;
    }
    this.#deliveries += 1;
    const message = this.#open.get(number);
    if (message === undefined) return;
    message.received += 1;
    message.lastAt = at;
    this.#review(number, message);
  }

  /** Resolves when nothing is missing, or after `graceMs`. */
  async settle(graceMs: number, signal: AbortSignal): Promise<void> {
    if (this.#open.size === 0) return;
    await waitFor({ ms: graceMs, signal, begin: (done) => (this.#onSettled = done) });
  }

  figures(): DeliveryFigures {
    let lost = 0;
    for (const { queued = 0, received } of this.#open.values()) lost += Math.max(0, queued - received);
    return {
      deliveries: this.#deliveries,
      lost,
      duplicates: this.#duplicates,
      strays: this.#strays,
      lastReceipt: this.#latencies.percentiles(),
    };
  }

  #review(number: number, message: Message): void {
    if (message.queued === undefined || message.received < message.queued) return;
    if (message.received > 0) this.#latencies.add(message.lastAt - message.dueAt);
    this.#close(number, message);
  }

  #close(number: number, message: Message): void {
    this.#open.delete(number);
    message.onComplete();
    if (this.#open.size === 0) this.#onSettled();
  }

  #isFirst(client: number, place: number): boolean {
    let seen = this.#seen[client] ?? new Uint8Array(8);
    const index = place >> 3;
    const bit = 1 << (place & 7);
    if (index >= seen.length) {
      const larger = new Uint8Array(Math.max(index + 1, seen.length * 2));
      larger.set(seen);
      seen = larger;
      this.#seen[client] = seen;
    }
    const before = seen[index] ?? 0;
    seen[index] = before | bit;
    return (before & bit) === 0;
  }
}
