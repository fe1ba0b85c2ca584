import { randomBytes } from "node:crypto";

/**
 * Who this node is: 32 hex characters, whose first 12 are its key and begin every connection id it gives.
 *
 * The id is settled by the first center that accepts it and by the first connection: from then on others may know
 * it, and it stays while the process lives.
 */
export class NodeIdentity {
  #id: string;
  #settled = false;

  constructor(id: string = randomBytes(16).toString("hex")) {
    this.#id = id;
  }

  get id(): string {
    return this.#id;
  }

  settle(): void {
    this.#settled = true;
  }

  /**
   * Takes another id, because another node has the same key.
   * @returns false where the id is settled, and stays.
   */
  renew(): boolean {
    if (this.#settled) return false;
    this.#id = randomBytes(16).toString("hex");
    return true;
  }
}
