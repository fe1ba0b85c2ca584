import type { Change, NodeOperationParams, NodeTrace } from "@websocket-center/protocol";
import { named, Recent } from "../../recent.js";

/** How much is remembered in all, for each entry that there is room for. */
const BYTES_PER_ENTRY = 200;
/** For more parts than these, looking for them takes longer than looking at each entry. */
const MANY_PARTS = 8;

/** Who asked for the command that runs: a center, with its number for the call. */
export interface Asker {
  readonly centerId: string;
  readonly call: number;
}

/** What is added: as it is found later, or with every field, of which those that it has not are undefined. */
export type Noted = Pick<NodeTrace, "at" | "what"> & {
  [Name in keyof NodeTrace]?: NodeTrace[Name] | undefined;
};

type Ask = NodeOperationParams<"trace">;

/**
 * What was done on the hub, and how connections came and went, for those who ask afterwards. Bounded: the oldest entries
 * make room. No message is kept, only whom it was for and what became of it.
 */
export class Traces {
  readonly #recent: Recent<NodeTrace, Noted>;

  /** @param maxEntries - 0: nothing is remembered. */
  constructor(maxEntries: number) {
    this.#recent = new Recent({ maxEntries, maxBytes: maxEntries * BYTES_PER_ENTRY, pack, unpack });
  }

  get isOn(): boolean {
    return this.#recent.isOn;
  }

  /** Nothing of `entry` is kept but its values. */
  add(entry: Noted): void {
    this.#recent.add(entry.at, entry);
  }

  /**
   * Newest first.
   * @param connectionsOf - the user's connections right now: what was sent to one of them was for the user.
   */
  find(
    ask: Ask,
    connectionsOf: (userId: string) => Iterable<string>,
  ): { items: NodeTrace[]; since: number | null } {
    const { parts, isMeant } = this.#sought(ask, connectionsOf);
    const items: NodeTrace[] = [];
    for (const entry of this.#recent.newestFirst(parts.length > MANY_PARTS ? [] : parts)) {
      if (items.length === ask.limit) break;
      if (isMeant(entry)) items.push(entry);
    }
    return { items, since: this.#recent.forgottenAt };
  }

  /** `parts`: as they are packed, one of them is in whatever is meant. */
  #sought(
    { calls, connectionId, userId, groupId }: Ask,
    connectionsOf: (userId: string) => Iterable<string>,
  ): { parts: (string | number)[][]; isMeant: (entry: NodeTrace) => boolean } {
    if (calls !== undefined) {
      const { centerId } = calls;
      const numbers = new Set(calls.numbers);
      const isMeant = ({ centerId: asker, call }: NodeTrace): boolean =>
        asker === centerId && call !== undefined && numbers.has(call);
      return { parts: calls.numbers.map((call) => [centerId, call]), isMeant };
    }
    if (connectionId !== undefined)
      return { parts: [[connectionId]], isMeant: (entry) => entry.connectionId === connectionId };
    if (userId !== undefined) {
      const connections = new Set(connectionsOf(userId));
      for (const entry of this.#recent.newestFirst([[userId]])) {
        if (entry.userId === userId && entry.connectionId !== undefined) connections.add(entry.connectionId);
      }
      const isMeant = (entry: NodeTrace): boolean =>
        entry.userId === userId || (entry.connectionId !== undefined && connections.has(entry.connectionId));
      return { parts: [userId, ...connections].map((id) => [id]), isMeant };
    }
    if (groupId === undefined) return { parts: [], isMeant: () => false };
    return { parts: [[groupId]], isMeant: (entry) => entry.groupId === groupId };
  }
}

/** What is packed, in its order; a call is found by its center and number behind each other. */
const fields = [
  ...["what", "centerId", "call", "connectionId", "userId", "groupId", "matched", "queued", "change"],
  ...["failures", "closeCode", "error"],
] as const;

/** One list for all: a command would otherwise leave more garbage here than where it is carried out. */
const packed: unknown[] = fields.map(() => undefined);

function pack(entry: Noted): readonly unknown[] {
  let at = 0;
  for (const name of fields) {
    packed[at] = entry[name];
    at += 1;
  }
  return packed;
}

function unpack(at: number, values: readonly unknown[]): NodeTrace {
  return { at, ...named(fields, values) } as unknown as NodeTrace;
}

/** Whether a command's result is what a change came to. */
export function isChange(result: unknown): result is Change {
  return result === "done" || result === "unchanged" || result === "absent";
}
