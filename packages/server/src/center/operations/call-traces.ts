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
type Asked = CenterTrace["asked"][number];

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
  readonly #recent: Recent<Entry>;
  #count = 0;

  constructor(maxEntries: number, events: CenterEvents) {
    this.#recent = new Recent({ maxEntries, maxBytes: MAX_BYTES, pack, unpack });
    this.#events = events;
  }

  /** Calls since the process began. */
  get count(): number {
    return this.#count;
  }

  record({ origin, name, params, startedAt, linkedNodes, places, calls }: SettledCall): void {
    this.#count += 1;
    if (!this.#recent.isOn && !this.#events.isHeard) return;
    const asked: Asked[] = [];
    const call = calls.length === 1 ? calls[0] : undefined;
    for (const [channel, outcome] of places) {
      if (outcome.ok && asked.length >= MAX_ASKED) continue;
      asked.push(askedOf(channel.member.id, call, outcome));
    }
    const { callId, via, principal } = origin;
    const entry: Entry = {
      at: Date.now(),
      callId,
      via,
      principal,
      command: name,
      ...subjectOf({ name, params }),
      ms: Math.round((performance.now() - startedAt) * 1000) / 1000,
      linkedNodes,
      calls,
      asked,
    };
    if (this.#events.isHeard) this.#tell(entry);
    this.#recent.add(entry.at, entry);
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

  #tell({ callId, command, connectionId, userId, groupId, ms, asked }: Entry): void {
    const failed = asked.filter(({ ok }) => !ok);
    const codes = [...new Set(failed.map(({ code }) => code))].join(", ");
    this.#events.tell(failed.length === 0 ? "call" : "call-failed", {
      callId,
      ...(connectionId === undefined ? {} : { connectionId }),
      ...(userId === undefined ? {} : { userId }),
      ...(groupId === undefined ? {} : { groupId }),
      value: ms,
      detail:
        failed.length === 0 ? command : `${command}: ${codes} at ${failed.length} of ${asked.length} nodes`,
    });
  }
}

function askedOf(nodeId: string, call: number | undefined, outcome: Outcome): Asked {
  if (!outcome.ok) {
    const { code, message } = outcome;
    return {
      nodeId,
      ...(call === undefined ? {} : { call }),
      ok: false,
      code,
      message: message.slice(0, MAX_TEXT),
    };
  }
  const value = shownValue(outcome.value);
  if (call === undefined) return value === undefined ? { nodeId, ok: true } : { nodeId, ok: true, value };
  return value === undefined ? { nodeId, call, ok: true } : { nodeId, call, ok: true, value };
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

function pack(entry: Entry): readonly unknown[] {
  const places = entry.asked.map((place) => askedFields.map((name) => place[name]));
  return [...fields.map((name) => entry[name]), ...places];
}

function unpack(at: number, values: readonly unknown[]): Entry {
  const asked = values.slice(fields.length) as unknown[][];
  return {
    at,
    ...named(fields, values),
    asked: asked.map((place) => named(askedFields, place)),
  } as unknown as Entry;
}
