import type { NodeEvent, NodeOperationResult } from "@websocket-center/protocol";
import { EventRing } from "./event-ring.js";

const CAPACITY = 4000;
/** Events of one type in a quarter of a second: more than anybody reads. */
const BUDGET = 50;
/** How long events are kept for, after somebody asked last. */
const LEASE_MS = 5000;

export type LiveEvent = Omit<NodeEvent, "number" | "at">;

/** What happens at the node, kept only while somebody asks for it. */
export class LiveEvents {
  #ring: EventRing<Omit<NodeEvent, "number">> | undefined;
  #lease: NodeJS.Timeout | undefined;
  #nextNumber = 0;

  /** Whether anybody looks: who would have to prepare an event asks first. */
  get isWatched(): boolean {
    return this.#ring !== undefined;
  }

  tell(event: LiveEvent): void {
    this.#ring?.push({ ...event, at: Date.now() });
  }

  /** @param after - what `next` was; undefined: from now on. */
  since(after: number | undefined, limit: number): NodeOperationResult<"events"> {
    clearTimeout(this.#lease);
    this.#lease = setTimeout(() => this.close(), LEASE_MS);
    this.#ring ??= new EventRing({ capacity: CAPACITY, first: this.#nextNumber, budget: BUDGET });
    return this.#ring.since(Math.max(after ?? this.#ring.next, this.#nextNumber), limit);
  }

  /** Nothing is kept any more. */
  close(): void {
    clearTimeout(this.#lease);
    this.#nextNumber = this.#ring?.next ?? this.#nextNumber;
    this.#ring = undefined;
  }
}
