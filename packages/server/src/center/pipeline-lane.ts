import { type Command, commands as commandTable } from "@websocket-center/protocol";
import type { Channel } from "../rpc/channel.js";
import type { PipedCommand } from "./pipeline.js";

/** What one node is asked for a piped command: all of it, or a half of it. */
export interface Errand<C extends PipedCommand> {
  readonly piped: C;
  readonly command: Command;
  readonly bytes: number;
  readonly endsAt: number;
  /** The first half of a command in two. */
  readonly isQuestion: boolean;
}

/** Frames up to this, and so calls with some room, are sent whole and in order; larger ones go in pieces. */
const WHOLE_BYTES = 24 * 1024;
/** What goes in pieces anyway takes so much along. */
const PIECES_BYTES = 512 * 1024;
/** Commands that end so near to each other share a frame, and the end of the first in it. */
const SAME_END_MS = 10;
/** What lists in answers count for: a frame has few of them, since a reply that is too large fails whole. */
const WHOLE_LIST_BYTES = 256 * 1024;
const LIST_BYTES = WHOLE_BYTES / 16;

/** About what a command takes in frames, given what it takes in a call. */
export function weightOf({ name }: Command, bytes: number): number {
  const { merge, target } = commandTable[name];
  if (merge !== "union") return bytes;
  return bytes + (target === "all" ? WHOLE_LIST_BYTES : LIST_BYTES);
}

/**
 * What goes to one node, in order. While a frame goes in pieces, which others would overtake, nothing follows it until
 * it is answered.
 */
export class Lane<C extends PipedCommand> {
  readonly channel: Channel;
  #errands: Errand<C>[] = [];
  #holder: readonly Errand<C>[] | undefined;
  /** Errands that were sent and are not answered. */
  #underWay = 0;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** Nothing waits, and nothing is under way. */
  get isIdle(): boolean {
    return this.#underWay === 0 && this.#errands.length === 0;
  }

  add(errand: Errand<C>): void {
    this.#errands.push(errand);
  }

  /** What goes as the next frame; undefined where nothing does now. */
  next(): readonly Errand<C>[] | undefined {
    const errands = this.#errands;
    const first = errands[0];
    if (first === undefined || this.#holder !== undefined) return undefined;
    const isLarge = first.bytes > WHOLE_BYTES;
    const maxWeight = isLarge ? PIECES_BYTES : WHOLE_BYTES;
    let weight = 0;
    let count = 0;
    for (const { command, bytes, endsAt } of errands) {
      weight += weightOf(command, bytes);
      if (count > 0 && (weight > maxWeight || Math.abs(endsAt - first.endsAt) > SAME_END_MS)) break;
      count += 1;
    }
    const frame = count === errands.length ? errands : errands.splice(0, count);
    if (frame === errands) this.#errands = [];
    if (isLarge) this.#holder = frame;
    this.#underWay += frame.length;
    return frame;
  }

  /** That frame is answered. @returns whether it held up those that wait. */
  answered(frame: readonly Errand<C>[]): boolean {
    this.#underWay -= frame.length;
    if (this.#holder !== frame) return false;
    this.#holder = undefined;
    return true;
  }

  /** Takes out what has waited until its time ended. */
  takeLate(now: number): Errand<C>[] {
    const late = this.#errands.filter(({ endsAt }) => endsAt <= now);
    if (late.length > 0) this.#errands = this.#errands.filter(({ endsAt }) => endsAt > now);
    return late;
  }

  /** Takes out all that waits. */
  takeAll(): readonly Errand<C>[] {
    return this.#errands.splice(0);
  }
}
