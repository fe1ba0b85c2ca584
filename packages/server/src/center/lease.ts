import { LEASE_MS } from "@websocket-center/protocol";
import type { Clock } from "../rpc/clock.js";

/**
 * How long a center may trust what it knows of a node, on one link.
 *
 * A node answers a change once this center has acknowledged it, or SETTLE_MS after receiving the last ping that it had
 * answered before the change. So what this center knows holds for LEASE_MS from *sending* the last ping that was
 * answered, which was before the node received it, provided that everything has taken effect that the node had told
 * when it answered.
 */
export class Lease {
  /** The number of the last interest frame that has taken effect. */
  applied = 0;
  /** Whether everything has been told that the node held when it linked. */
  isWhole = false;
  /** What the node has told was more than could be kept. */
  isCut = false;
  readonly #leaseMs: number;
  #promised = 0;
  #endsAt = -Infinity;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /**
   * The node has answered a ping.
   * @param sentAt - read from the clock before the ping was sent; undefined where that was not kept.
   * @param promised - the number of the last interest frame that the node had sent when it answered.
   */
  onAnswered(sentAt: number | undefined, promised: number): void {
    this.#promised = promised;
    if (sentAt !== undefined) this.#endsAt = sentAt + this.#leaseMs;
  }

  /** Until when the node need not be asked about what it is not known to hold; -Infinity where it must be now. */
  get trustedUntil(): number {
    return this.isWhole && !this.isCut && this.applied >= this.#promised ? this.#endsAt : -Infinity;
  }
}

/** The leases of all nodes, so that finding those who are not trusted does not cost a look at each. */
export class Leases<Node> {
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #leases = new Map<Node, Lease>();
  readonly #untrusted = new Set<Node>();
  /** No lease of a trusted node ends before. */
  #soonestEnd = Infinity;

  constructor({ clock, leaseMs = LEASE_MS }: { clock: Clock; leaseMs?: number | undefined }) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /** Nobody is trusted who has answered no ping. */
  add(node: Node): Lease {
    const lease = new Lease(this.#leaseMs);
    this.#leases.set(node, lease);
    this.#untrusted.add(node);
    return lease;
  }

  remove(node: Node): void {
    this.#leases.delete(node);
    this.#untrusted.delete(node);
  }

  /** The node's lease has changed. */
  review(node: Node): void {
    const lease = this.#leases.get(node);
    if (lease === undefined) return;
    const { trustedUntil } = lease;
    if (trustedUntil <= this.#clock.now()) {
      this.#untrusted.add(node);
    } else {
      this.#untrusted.delete(node);
      this.#soonestEnd = Math.min(this.#soonestEnd, trustedUntil);
    }
  }

  /**
   * Who has to be asked, whatever is known of them. The clock is read now: a timer's word could be late, after a freeze.
   */
  untrusted(): ReadonlySet<Node> {
    const now = this.#clock.now();
    if (now >= this.#soonestEnd) this.#endLeases(now);
    return this.#untrusted;
  }

  #endLeases(now: number): void {
    this.#soonestEnd = Infinity;
    for (const [node, { trustedUntil }] of this.#leases) {
      if (trustedUntil <= now) this.#untrusted.add(node);
      else this.#soonestEnd = Math.min(this.#soonestEnd, trustedUntil);
    }
  }
}
