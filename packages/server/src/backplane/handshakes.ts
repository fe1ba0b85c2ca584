import type { LinkSocket } from "./link-socket.js";

/**
 * The handshakes that are under way, a bounded number of them. Where there are too many, the oldest one of the address
 * that has most is dropped for the newest: a handshake takes a few round trips, so that a flood from one address keeps
 * nobody out, neither at others nor for long at its own.
 */
export class Handshakes {
  readonly #max: number;
  readonly #byAddress = new Map<string, Set<LinkSocket>>();
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** @returns the one that has to end for it. */
  add(address: string, link: LinkSocket): LinkSocket | undefined {
    const superfluous = this.#size >= this.#max ? this.#oldestOfMost() : undefined;
    const links = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, links.add(link));
    this.#size += 1;
    return superfluous;
  }

  /** @returns false where it was not among them. */
  remove(address: string, link: LinkSocket): boolean {
    const links = this.#byAddress.get(address);
    if (links?.delete(link) !== true) return false;
    if (links.size === 0) this.#byAddress.delete(address);
    this.#size -= 1;
    return true;
  }

  all(): LinkSocket[] {
    return [...this.#byAddress.values()].flatMap((links) => [...links]);
  }

  #oldestOfMost(): LinkSocket | undefined {
    let most = new Set<LinkSocket>();
    for (const links of this.#byAddress.values()) if (links.size > most.size) most = links;
    const [oldest] = most;
    return oldest;
  }
}
