import type { Change, NodeOperationParams, NodeTrace } from "@websocket-center/protocol";
import { Recent } from "../../recent.js";

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
  readonly #recent: Recent<NodeTrace>;

  /** @param maxEntries - 0: nothing is remembered. */
  constructor(maxEntries: number) {
    this.#recent = new Recent({ maxEntries, maxCost: maxEntries * ID_CHARS_PER_ENTRY, costOf: idChars });
  }

  get isOn(): boolean {
    return this.#recent.isOn;
  }

  add(entry: NodeTrace): void {
    this.#recent.add(entry);
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
    for (const entry of this.#recent.newestFirst()) {
      if (items.length === ask.limit) break;
      if (isMeant(entry)) items.push(entry);
    }
    return { items, since: this.#recent.forgottenAt };
  }

  #matcher(
    { calls, connectionId, userId, groupId }: Ask,
    connectionsOf: (userId: string) => Iterable<string>,
  ): (entry: NodeTrace) => boolean {
    const numbers = new Set(calls?.numbers);
    const connections = new Set(userId === undefined ? [] : connectionsOf(userId));
    if (userId !== undefined) {
      for (const entry of this.#recent.newestFirst()) {
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
