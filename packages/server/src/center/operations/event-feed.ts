import type { OpsEventLine } from "@websocket-center/protocol";
import type { Channel } from "../../rpc/channel.js";
import type { CenterEvents } from "./center-events.js";
import { fairSample } from "./fair-sample.js";
import type { OperatedNodes } from "./operations.js";
import { Poll } from "./poll.js";

export type EventLine = Extract<OpsEventLine, { kind: "event" }>;
export type SkippedLine = Extract<OpsEventLine, { kind: "skipped" }>;

/** Everything that was told in a turn, in order of time. `skipped`: what nodes, and this center, left out. */
export interface EventTurn {
  events: readonly EventLine[];
  skipped: readonly SkippedLine[];
}

const POLL_MS = 500;
const POLL_TIMEOUT_MS = 2000;
/** What a reader gets in one turn: more than a person can read. */
export const EVENTS_A_TURN = 100;
/** Nodes are asked for little more than that together, but each for some. */
const MIN_LIMIT = 20;
const MAX_LIMIT = 400;

/** Events of all nodes and of this center, fetched twice a second while somebody reads them, and not otherwise. */
export class EventFeed {
  readonly #nodes: OperatedNodes;
  readonly #own: CenterEvents;
  readonly #readers = new Set<(turn: EventTurn) => void>();
  readonly #poll: Poll;
  /** What to ask each node for next. */
  #next = new Map<Channel, number>();

  constructor(nodes: OperatedNodes, own: CenterEvents, onFault: (error: unknown) => void) {
    this.#nodes = nodes;
    this.#own = own;
    this.#poll = new Poll(
      () => POLL_MS,
      () => this.#turn(),
      onFault,
    );
  }

  /** Hands over each turn, until the function that it returns is called. */
  read(onTurn: (turn: EventTurn) => void): () => void {
    const reader = (turn: EventTurn): void => onTurn(turn);
    this.#readers.add(reader);
    this.#own.isHeard = true;
    this.#poll.start();
    return () => {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.close();
    };
  }

  close(): void {
    this.#poll.close();
    this.#own.isHeard = false;
    this.#own.take();
    this.#next = new Map();
  }

  async #turn(): Promise<void> {
    const events: EventLine[] = [];
    const skipped: SkippedLine[] = [];
    await this.#askNodes(events, skipped);
    const own = this.#own.take();
    for (const event of own.events) events.push({ kind: "event", source: "center", event });
    if (Object.keys(own.dropped).length > 0) skipped.push(skippedLine(own.dropped));
    if (events.length === 0 && skipped.length === 0) return;
    events.sort((one, other) => one.event.at - other.event.at);
    for (const tell of this.#readers) tell({ events, skipped });
  }

  async #askNodes(events: EventLine[], skipped: SkippedLine[]): Promise<void> {
    const channels = this.#nodes.asker.telling(this.#nodes.channels());
    for (const channel of this.#next.keys()) if (channel.leftReason !== undefined) this.#next.delete(channel);
    const share = Math.ceil((EVENTS_A_TURN * 2) / Math.max(1, channels.length));
    const limit = Math.min(MAX_LIMIT, Math.max(MIN_LIMIT, share));
    const next = this.#next;
    const told = await this.#nodes.asker.askEachOwn(
      channels,
      "events",
      (channel) => ({ limit, ...afterOf(next.get(channel)) }),
      { timeoutMs: POLL_TIMEOUT_MS },
    );
    for (const [channel, answer] of told) {
      const { id: nodeId } = channel.member;
      if (!answer.ok) continue;
      next.set(channel, answer.value.next);
      for (const event of answer.value.items) events.push({ kind: "event", source: "node", nodeId, event });
      const { dropped } = answer.value;
      if (Object.keys(dropped).length > 0) skipped.push(skippedLine(dropped, nodeId));
    }
  }
}

/** What one reader is shown of a turn: those types, as many as there is room for, and what was left out. */
export function shownOf(
  { events, skipped }: EventTurn,
  types: ReadonlySet<string> | undefined,
  budget: number,
): OpsEventLine[] {
  const isWanted = (type: string): boolean => types === undefined || types.has(type);
  const wanted = events.filter(({ event }) => isWanted(event.type));
  const { kept, left } = fairSample(wanted, ({ event }) => event.type, budget);
  const lines: OpsEventLine[] = [...kept];
  for (const line of skipped) {
    const counts = Object.fromEntries(Object.entries(line.counts).filter(([type]) => isWanted(type)));
    if (Object.keys(counts).length > 0) lines.push({ ...line, counts });
  }
  if (Object.keys(left).length > 0) lines.push(skippedLine(left));
  return lines;
}

export function skippedLine(counts: Record<string, number>, nodeId?: string): SkippedLine {
  return { kind: "skipped", at: Date.now(), ...(nodeId === undefined ? {} : { nodeId }), counts };
}

function afterOf(after: number | undefined): { after?: number } {
  return after === undefined ? {} : { after };
}
