import { type CenterTrace, subjectOf } from "@websocket-center/protocol";
import type { Channel } from "../../rpc/channel.js";
import { named, Recent } from "../../recent.js";
import type { Outcome } from "../../rpc/outcome.js";
import type { CenterEvents } from "./center-events.js";

/** Where a command came from, as those who look for it later know it. */
export interface CallOrigin {
  readonly callId: string;
  readonly via: CenterTrace["via"];
  /** The token's name, or the id of the node that asked. */
  readonly principal: string;
}

/** A command, or a method of a service, that has settled at every node that was asked. */
export interface SettledCall {
  readonly origin: CallOrigin;
  readonly name: string;
  readonly params: unknown;
  /** By performance.now(). */
  readonly startedAt: number;
  readonly linkedNodes: number;
  readonly places: ReadonlyMap<Channel, Outcome>;
  /** The numbers of the calls on links that carried it. */
  readonly calls: readonly number[];
}

type Entry = Omit<CenterTrace, "calls"> & { readonly calls: readonly number[] };

export type TraceSubject = "callId" | "connectionId" | "userId" | "groupId";

const MAX_BYTES = 16 * 1024 * 1024;
/** Of calls that went to more nodes, those that failed and the first of the others are kept. */
const MAX_ASKED = 200;
const MAX_TEXT = 256;

/**
 * The calls that this center took last: a bounded number in bounded memory, without messages. The oldest go first.
 */
export class CallTraces {
  readonly #events: CenterEvents;
  readonly #recent: Recent<Entry, SettledCall>;
  #count = 0;

  constructor(maxEntries: number, events: CenterEvents) {
    this.#recent = new Recent({ maxEntries, maxBytes: MAX_BYTES, pack, unpack });
    this.#events = events;
  }

  /** Calls since the process began. */
  get count(): number {
    return this.#count;
  }

  record(call: SettledCall): void {
    this.#count += 1;
    this.#recent.add(Date.now(), call);
    if (this.#events.isHeard) this.#tell(call);
  }

  /** What is remembered of that call, or for that subject, newest first. `since`: nothing older is remembered. */
  find(subject: TraceSubject, value: string, limit: number): { since: number | null; items: CenterTrace[] } {
    const items: CenterTrace[] = [];
    for (const entry of this.#recent.newestFirst([[value]])) {
      if (items.length === limit) break;
      if (entry[subject] === value) items.push({ ...entry, calls: [...entry.calls] });
    }
    const { forgottenAt, oldestAt } = this.#recent;
    return { since: forgottenAt === null ? null : oldestAt, items };
  }

  #tell(call: SettledCall): void {
    const outcomes = [...call.places.values()];
    const codes = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.code]));
    const { name } = call;
    this.#events.tell(codes.length === 0 ? "call" : "call-failed", {
      callId: call.origin.callId,
      ...subjectOf(call),
      value: lasted(call),
      detail:
        codes.length === 0
          ? name
          : `${name}: ${[...new Set(codes)].join(", ")} at ${codes.length} of ${outcomes.length} nodes`,
    });
  }
}

/** Milliseconds until now, in thousandths. */
function lasted({ startedAt }: SettledCall): number {
  return Math.round((performance.now() - startedAt) * 1000) / 1000;
}

/** Numbers and booleans as they are; of a list its length, and of anything else nothing: it may be a message. */
function shownValue(value: unknown): number | boolean | undefined {
  if (typeof value === "number" || typeof value === "boolean") return value;
  return Array.isArray(value) ? value.length : undefined;
}

/** What is packed, in its order. */
const fields = [
  ...["callId", "via", "principal", "command", "connectionId", "userId", "groupId"],
  ...["ms", "linkedNodes", "calls"],
] as const;
const askedFields = ["nodeId", "call", "ok", "value", "code", "message"] as const;

/** One list for all, and one for each place: calls come and go too fast to leave lists behind. */
const packed: unknown[] = [];
const packedPlaces: unknown[][] = [];

function pack(call: SettledCall): readonly unknown[] {
  const { callId, via, principal } = call.origin;
  const { connectionId, userId, groupId } = subjectOf(call);
  packed[0] = callId;
  packed[1] = via;
  packed[2] = principal;
  packed[3] = call.name;
  packed[4] = connectionId;
  packed[5] = userId;
  packed[6] = groupId;
  packed[7] = lasted(call);
  packed[8] = call.linkedNodes;
  packed[9] = call.calls;
  let asked = 0;
  const number = call.calls.length === 1 ? call.calls[0] : undefined;
  for (const [channel, outcome] of call.places) {
    if (outcome.ok && asked >= MAX_ASKED) continue;
    packed[fields.length + asked] = packPlace(
      (packedPlaces[asked] ??= []),
      channel.member.id,
      number,
      outcome,
    );
    asked += 1;
  }
  packed.length = fields.length + asked;
  return packed;
}

function packPlace(place: unknown[], nodeId: string, call: number | undefined, outcome: Outcome): unknown[] {
  place[0] = nodeId;
  place[1] = call;
  place[2] = outcome.ok;
  place[3] = outcome.ok ? shownValue(outcome.value) : undefined;
  place[4] = outcome.ok ? undefined : outcome.code;
  place[5] = outcome.ok ? undefined : outcome.message.slice(0, MAX_TEXT);
  return place;
}

function unpack(at: number, values: readonly unknown[]): Entry {
  const asked = values.slice(fields.length) as unknown[][];
  return {
    at,
    ...named(fields, values),
    asked: asked.map((place) => named(askedFields, place)),
  } as unknown as Entry;
}
