import { randomBytes } from "node:crypto";
import type { OpsWatchLine } from "@websocket-center/protocol";
import type { Channel } from "../../rpc/channel.js";
import type { OperatedNodes } from "./operations.js";
import { Poll } from "./poll.js";

/** Whose frames. */
export type Watched = { connectionId: string } | { userId: string };

const POLL_MS = 500;
const POLL_TIMEOUT_MS = 2000;
const LIMIT = 500;
/**
 * Nodes that do not hold the user are asked so rarely: often enough for the watch to live there, so that the first frame
 * of a connection that comes later is seen too.
 */
const TURNS_BETWEEN_OTHERS = 4;

/** Fetches what happens to frames of one connection, or of a user's, from `start()` until `close()`. */
export class Watch {
  readonly #watchId = randomBytes(16).toString("hex");
  readonly #nodes: OperatedNodes;
  readonly #watched: Watched;
  readonly #onLine: (line: OpsWatchLine) => void;
  readonly #poll: Poll;
  readonly #next = new Map<Channel, number>();
  /** Told something in the turn before, so that more may come. */
  readonly #busy = new Set<Channel>();
  #turns = 0;
  #isClosed = false;

  constructor(
    nodes: OperatedNodes,
    watched: Watched,
    options: { onLine: (line: OpsWatchLine) => void; onFault: (error: unknown) => void },
  ) {
    this.#nodes = nodes;
    this.#watched = watched;
    this.#onLine = options.onLine;
    this.#poll = new Poll(
      () => POLL_MS,
      () => this.#turn(),
      options.onFault,
    );
  }

  start(): void {
    this.#poll.start();
  }

  close(): void {
    this.#isClosed = true;
    this.#poll.close();
  }

  async #turn(): Promise<void> {
    const watchId = this.#watchId;
    const told = await this.#nodes.asker.askEachOwn(
      this.#asked(),
      "watch",
      (channel) => {
        const after = this.#next.get(channel);
        return { watchId, ...this.#watched, limit: LIMIT, ...(after === undefined ? {} : { after }) };
      },
      { timeoutMs: POLL_TIMEOUT_MS },
    );
    if (this.#isClosed) return;
    const lines: Extract<OpsWatchLine, { kind: "frame" }>[] = [];
    this.#busy.clear();
    for (const [channel, answer] of told) {
      if (!answer.ok) continue;
      const { items, next, dropped } = answer.value;
      const { id: nodeId } = channel.member;
      this.#next.set(channel, next);
      if (items.length > 0) this.#busy.add(channel);
      for (const event of items) lines.push({ kind: "frame", nodeId, event });
      if (Object.keys(dropped).length > 0) this.#onLine({ kind: "skipped", nodeId, counts: dropped });
    }
    lines.sort((one, other) => one.event.at - other.event.at);
    for (const line of lines) this.#onLine(line);
  }

  #asked(): readonly Channel[] {
    const turn = this.#turns++;
    if ("connectionId" in this.#watched) {
      const node = this.#nodes.nodeOf(this.#watched.connectionId);
      return node === undefined ? [] : [node];
    }
    const all = this.#nodes.asker.telling(this.#nodes.channels());
    if (turn % TURNS_BETWEEN_OTHERS === 0) return all;
    const holders = this.#nodes.holders("user", this.#watched.userId);
    return all.filter((channel) => holders.has(channel) || this.#busy.has(channel));
  }
}
