import type { Change, NodeOperationParams, NodeTrace } from "@websocket-center/protocol";

/** How many characters of ids are remembered in all, for each entry that there is room for. */
const ID_CHARS_PER_ENTRY = 200;

/** Who asked for the command that runs: a center, with its number for the call. */
export interface Asker {
  readonly centerId: string;
  readonly call: number;
}

type Ask = NodeOperationParams<"trace">;

/**
 * What was done on the hub, and how connections came and went, for those who ask afterwards. Bounded: the oldest entries
 * make room. No message is kept, only whom it was for and what became of it.
 */
export class Traces {
  readonly #capacity: number;
  #entries: NodeTrace[] = [];
  /** Entries before it have been dropped, and await to be cut off. */
  #start = 0;
  #idChars = 0;
  /** When the youngest of the entries that were dropped was made. */
  #forgottenAt: number | null = null;

  /** @param capacity - 0: nothing is remembered. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get isOn(): boolean {
    return this.#capacity > 0;
  }

  add(entry: NodeTrace): void {
    if (this.#capacity === 0) return;
    this.#entries.push(entry);
    this.#idChars += idChars(entry);
    const maxIdChars = this.#capacity * ID_CHARS_PER_ENTRY;
    while (this.#entries.length - this.#start > this.#capacity || this.#idChars > maxIdChars) this.#drop();
    if (this.#start <= this.#capacity / 4) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#start = 0;
  }

  /**
   * Newest first.
   * @param connectionsOf - the user's connections right now: what was sent to one of them was for the user.
   */
  find(
    ask: Ask,
    connectionsOf: (userId: string) => Iterable<string>,
  ): { items: NodeTrace[]; since: number | null } {
    const isMeant = this.#matcher(ask, connectionsOf);
    const items: NodeTrace[] = [];
    for (let at = this.#entries.length - 1; at >= this.#start && items.length < ask.limit; at -= 1) {
      const entry = this.#entries[at];
      if (entry !== undefined && isMeant(entry)) items.push(entry);
    }
    return { items, since: this.#forgottenAt };
  }

  #drop(): void {
    const entry = this.#entries[this.#start];
    this.#start += 1;
    if (entry === undefined) return;
    this.#idChars -= idChars(entry);
    this.#forgottenAt = entry.at;
  }

  #matcher(
    { calls, connectionId, userId, groupId }: Ask,
    connectionsOf: (userId: string) => Iterable<string>,
  ): (entry: NodeTrace) => boolean {
    const numbers = new Set(calls?.numbers);
    const connections = new Set(userId === undefined ? [] : connectionsOf(userId));
    if (userId !== undefined) {
      for (const entry of this.#entries) {
        if (entry.userId === userId && entry.connectionId !== undefined) connections.add(entry.connectionId);
      }
    }
    return (entry) => {
      if (calls !== undefined)
        return entry.centerId === calls.centerId && entry.call !== undefined && numbers.has(entry.call);
      if (connectionId !== undefined) return entry.connectionId === connectionId;
      if (userId !== undefined) {
        return (
          entry.userId === userId || (entry.connectionId !== undefined && connections.has(entry.connectionId))
        );
      }
      return groupId !== undefined && entry.groupId === groupId;
    };
  }
}

function idChars({ connectionId = "", userId = "", groupId = "" }: NodeTrace): number {
  return connectionId.length + userId.length + groupId.length;
}

/** Whether a command's result is what a change came to. */
export function isChange(result: unknown): result is Change {
  return result === "done" || result === "unchanged" || result === "absent";
}
