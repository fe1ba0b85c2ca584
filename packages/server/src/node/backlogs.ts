/** Something that several connections may have to write, and that is in memory once. */
export interface SharedMemory {
  readonly bytes: number;
  /** How many connections still have bytes of it to write; only `Backlogs` sets it. */
  holders: number;
}

/** What the backlogs need of a connection. */
export interface Backlogged {
  /** Bytes that were handed to the socket and not yet to the kernel. */
  readonly writtenBytes: number;
  /** Ends at once, without writing what waits: memory is short. */
  dropAsSlow(): void;
}

/** What a write that waits takes beside its bytes: its places in Node.js's queue and in this one. */
export const WRITE_OVERHEAD_BYTES = 256;

/** What one connection has given to its socket and the kernel has not taken, oldest first. */
class Backlog {
  readonly #writes: SharedMemory[] = [];
  #next = 0;
  #bytes = 0;

  /** @returns by how many bytes of memory the node has more. */
  push(write: SharedMemory): number {
    this.#writes.push(write);
    this.#bytes += write.bytes;
    write.holders += 1;
    return WRITE_OVERHEAD_BYTES + (write.holders === 1 ? write.bytes : 0);
  }

  /** Forgets what is written, where `left` bytes still wait. @returns by how many bytes of memory the node has less. */
  trim(left: number): number {
    let freed = 0;
    for (let first = this.#writes[this.#next]; first !== undefined; first = this.#writes[this.#next]) {
      if (left > 0 && this.#bytes - first.bytes < left) break;
      this.#next += 1;
      this.#bytes -= first.bytes;
      first.holders -= 1;
      freed += WRITE_OVERHEAD_BYTES + (first.holders === 0 ? first.bytes : 0);
    }
    if (this.#next > this.#writes.length / 2) {
      this.#writes.splice(0, this.#next);
      this.#next = 0;
    }
    return freed;
  }
}

/**
 * How much memory the slow consumers of a node take together, and its bound.
 *
 * A buffer that many of them have still to write counts once, as it is in memory once. When the bound is reached, those
 * for whom most waits are dropped first, until an eighth of it is free: so looking at all of them stays rare.
 */
export class Backlogs {
  readonly #maxBytes: number;
  readonly #backlogs = new Map<Backlogged, Backlog>();
  #bytes = 0;
  #isRelieving = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Memory that waits for clients, as far as it was looked at: what they have read since may still count. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The connection's socket did not take all of what was just written to it. Nobody is dropped before the callers are
   * done, who may be in the middle of a list of connections: what they write meanwhile was in memory before.
   */
  add(connection: Backlogged, write: SharedMemory): void {
    let backlog = this.#backlogs.get(connection);
    if (backlog === undefined) this.#backlogs.set(connection, (backlog = new Backlog()));
    this.#bytes += backlog.push(write) - backlog.trim(connection.writtenBytes);
    if (this.#bytes <= this.#maxBytes || this.#isRelieving) return;
    this.#isRelieving = true;
    queueMicrotask(() => this.#relieve());
  }

  /** Everything of the connection was written, or never will be. */
  remove(connection: Backlogged): void {
    const backlog = this.#backlogs.get(connection);
    if (backlog === undefined) return;
    this.#backlogs.delete(connection);
    this.#bytes -= backlog.trim(0);
  }

  /** Counts anew. Those that have read everything are forgotten. */
  look(): void {
    for (const [connection, backlog] of this.#backlogs) {
      const left = connection.writtenBytes;
      if (left === 0) this.remove(connection);
      else this.#bytes -= backlog.trim(left);
    }
  }

  #relieve(): void {
    this.#isRelieving = false;
    this.look();
    const enough = this.#maxBytes - this.#maxBytes / 8;
    if (this.#bytes <= enough) return;
    const fattestFirst = [...this.#backlogs.keys()].toSorted((a, b) => b.writtenBytes - a.writtenBytes);
    for (const connection of fattestFirst) {
      if (this.#bytes <= enough) return;
      this.remove(connection);
      connection.dropAsSlow();
    }
  }
}
