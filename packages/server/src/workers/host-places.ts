import { ConnectionLimits, type Refusal } from "../node/upgrade.js";
import type { NodeConfig } from "../config/options.js";

/** Counts connections over all workers, and knows which worker has which, so that those of a dead one come back. */
export class HostPlaces<W> {
  readonly #limits: ConnectionLimits;
  readonly #onFull: (isFull: boolean) => void;
  readonly #taken = new Map<W, Map<string, number>>();
  #wasFull = false;

  /** @param onFull - told when the host becomes full, and when it no longer is. */
  constructor(
    config: Pick<NodeConfig, "maxConnections" | "maxConnectionsPerAddress">,
    onFull: (isFull: boolean) => void,
  ) {
    this.#limits = new ConnectionLimits(config);
    this.#onFull = onFull;
  }

  get isFull(): boolean {
    return this.#limits.isFull;
  }

  take(worker: W, address: string): Refusal | undefined {
    const refusal = this.#limits.take(address);
    if (refusal !== undefined) return refusal;
    const addresses = this.#taken.get(worker) ?? new Map<string, number>();
    this.#taken.set(worker, addresses.set(address, (addresses.get(address) ?? 0) + 1));
    this.#tellFull();
    return undefined;
  }

  release(worker: W, address: string): void {
    const addresses = this.#taken.get(worker);
    const count = addresses?.get(address);
    if (addresses === undefined || count === undefined) return;
    if (count === 1) addresses.delete(address);
    else addresses.set(address, count - 1);
    this.#limits.release(address);
    this.#tellFull();
  }

  /** Gives back everything that the worker had. */
  releaseAll(worker: W): void {
    for (const [address, count] of this.#taken.get(worker) ?? []) {
      for (let left = count; left > 0; left -= 1) this.#limits.release(address);
    }
    this.#taken.delete(worker);
    this.#tellFull();
  }

  #tellFull(): void {
    if (this.isFull === this.#wasFull) return;
    this.#wasFull = this.isFull;
    this.#onFull(this.isFull);
  }
}
