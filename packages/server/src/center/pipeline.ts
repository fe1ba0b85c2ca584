import { addsInterest, type Command, HUB_SERVICE, utf8Length } from "@websocket-center/protocol";
import type { Caller, NodeAnswer } from "../rpc/caller.js";
import type { Channel } from "../rpc/channel.js";
import { outcomesOf } from "./outcomes.js";
import { groupsQuestion, groupsSending, isGroupsCommand, type Places } from "./plan.js";
import type { Registry } from "./registry.js";
import { Adding } from "./adding.js";
import type { Targets } from "./targets.js";

/** A command on its way through a pipeline. */
export interface PipedCommand {
  readonly command: Command;
  /** About what it takes in a frame. */
  readonly bytes: number;
  /** By `performance.now()`. */
  readonly endsAt: number;
  /** What came of it at the nodes that were asked, so far. */
  readonly places: Places;
  /** How many nodes have not settled. */
  missing: number;
}

export interface PipelineParts {
  registry: Registry;
  caller: Caller;
  targets: Targets;
}

/** What one node is asked for a piped command: all of it, or the first or second half of a split one. */
interface Errand<C extends PipedCommand> {
  readonly piped: C;
  readonly command: Command;
  readonly bytes: number;
  readonly endsAt: number;
  readonly isQuestion: boolean;
}

/** What goes to one node, in order. */
interface Lane<C extends PipedCommand> {
  readonly channel: Channel;
  errands: Errand<C>[];
  /** A frame is under way that others could overtake, since it goes in pieces. */
  isHeld: boolean;
}

/** Frames up to this are sent whole, and so in order. */
const FRAME_BYTES = 24 * 1024;
/** Frames that go in pieces anyway. */
const PIECES_FRAME_BYTES = 512 * 1024;
/** Commands whose times end so near to each other share a frame, and the end that comes first. */
const SAME_END_MS = 10;

/**
 * Sends a stream of commands to the nodes that each concerns, as few frames: what is there when `flush` is called goes
 * to a node as one call. Many are under way at once, and each settles by itself.
 *
 * Every node runs the commands that concern it in the order in which they were taken. A command finds the users and
 * groups of those before it, answered or not. What is taken behind a command in two halves waits until the second half
 * is sent, but for more such commands.
 */
export class Pipeline<C extends PipedCommand> {
  readonly #parts: PipelineParts;
  readonly #onSettled: (piped: C) => void;
  readonly #lanes = new Map<Channel, Lane<C>>();
  readonly #adding = new Adding();
  #queue: C[] = [];
  /** Split commands whose second half is not sent. */
  #halves: C[] = [];
  #openQuestions = 0;

  constructor(parts: PipelineParts, onSettled: (piped: C) => void) {
    this.#parts = parts;
    this.#onSettled = onSettled;
  }

  /** Takes a command, which goes with the next `flush`. */
  take(piped: C): void {
    this.#queue.push(piped);
  }

  /** Sends what was taken, as far as nothing before it has to be waited for. */
  flush(): void {
    let at = 0;
    for (const piped of this.#queue) {
      const { command } = piped;
      if (isGroupsCommand(command)) this.#ask(piped, groupsQuestion(command));
      else if (this.#halves.length > 0) break;
      else this.#give(piped, command, piped.bytes);
      at += 1;
    }
    this.#queue = at === this.#queue.length ? [] : this.#queue.slice(at);
    for (const lane of this.#lanes.values()) this.#run(lane);
  }

  /** Drops what is not sent. What was sent runs, and settles unless a part of it was not sent. */
  drop(): void {
    this.#queue = [];
    this.#halves = [];
    for (const lane of this.#lanes.values()) lane.errands = [];
  }

  #ask(piped: C, question: Command): void {
    this.#halves.push(piped);
    this.#openQuestions += 1;
    const now = performance.now();
    const endsAt = now + (piped.endsAt - now) / 2;
    const nodes = this.#nodesOf(question);
    piped.missing = nodes.length;
    for (const node of nodes) {
      this.#laneOf(node).errands.push({
        piped,
        command: question,
        bytes: piped.bytes,
        endsAt,
        isQuestion: true,
      });
    }
    if (nodes.length === 0) this.#onAnswered();
  }

  #onAnswered(): void {
    this.#openQuestions -= 1;
    if (this.#openQuestions > 0) return;
    const halves = this.#halves;
    this.#halves = [];
    for (const piped of halves) {
      const failed = [...piped.places].filter(([, { ok }]) => !ok).map(([node]) => node);
      const sending = isGroupsCommand(piped.command) ? groupsSending(piped.command, piped.places) : undefined;
      if (sending === undefined) this.#onSettled(piped);
      else this.#give(piped, sending, bytesOf(sending, piped.bytes), failed);
    }
  }

  /** @param spared - nodes that are not asked, whatever they hold. */
  #give(piped: C, command: Command, bytes: number, spared: readonly Channel[] = []): void {
    let nodes = this.#nodesOf(command);
    if (spared.length > 0) nodes = nodes.filter((node) => !spared.includes(node));
    piped.missing = nodes.length;
    if (nodes.length === 0) {
      this.#onSettled(piped);
      return;
    }
    const { endsAt } = piped;
    for (const node of nodes) {
      this.#laneOf(node).errands.push({ piped, command, bytes, endsAt, isQuestion: false });
    }
    if (addsInterest(command.name)) this.#adding.begin(command, nodes);
  }

  #nodesOf(command: Command): readonly Channel[] {
    const { registry, targets } = this.#parts;
    return this.#adding.including(command, targets.of([command], registry.channels()));
  }

  #laneOf(channel: Channel): Lane<C> {
    let lane = this.#lanes.get(channel);
    if (lane === undefined) {
      lane = { channel, errands: [], isHeld: false };
      this.#lanes.set(channel, lane);
    }
    return lane;
  }

  #run(lane: Lane<C>): void {
    while (!lane.isHeld && lane.errands.length > 0) {
      const frame = takeFrame(lane);
      this.#send(lane, frame);
    }
    if (!lane.isHeld) this.#lanes.delete(lane.channel);
  }

  #send(lane: Lane<C>, errands: Errand<C>[]): void {
    const { channel } = lane;
    const first = errands[0];
    if (first === undefined) return;
    const commands = errands.map(({ command }) => command);
    const timeoutMs = Math.max(0, first.endsAt - performance.now());
    lane.isHeld = first.bytes > FRAME_BYTES;
    void this.#parts.caller.call([channel], HUB_SERVICE, commands, { timeoutMs }).then((answers) => {
      this.#settle(channel, errands, commands, answers.get(channel.member));
      if (!lane.isHeld) return;
      lane.isHeld = false;
      this.#run(lane);
    });
  }

  #settle(
    channel: Channel,
    errands: readonly Errand<C>[],
    commands: readonly Command[],
    answer: NodeAnswer | undefined,
  ): void {
    const wasWaiting = this.#halves.length > 0;
    const outcomes = outcomesOf(commands, channel.member.id, answer);
    for (const [at, outcome] of outcomes.entries()) {
      const errand = errands[at];
      if (errand === undefined) continue;
      const { piped, command, isQuestion } = errand;
      piped.places.set(channel, outcome);
      if (addsInterest(command.name)) this.#adding.end(command, channel);
      piped.missing -= 1;
      if (piped.missing > 0) continue;
      if (isQuestion) this.#onAnswered();
      else this.#onSettled(piped);
    }
    if (wasWaiting && this.#halves.length === 0) this.flush();
  }
}

/** What of a lane goes as one frame. */
function takeFrame<C extends PipedCommand>(lane: Lane<C>): Errand<C>[] {
  const { errands } = lane;
  const first = errands[0];
  if (first === undefined) return [];
  const maxBytes = first.bytes > FRAME_BYTES ? PIECES_FRAME_BYTES : FRAME_BYTES;
  let bytes = first.bytes;
  let count = 1;
  for (; count < errands.length; count += 1) {
    const next = errands[count];
    if (next === undefined || Math.abs(next.endsAt - first.endsAt) > SAME_END_MS) break;
    bytes += next.bytes;
    if (bytes > maxBytes) break;
  }
  if (count === errands.length) {
    lane.errands = [];
    return errands;
  }
  return errands.splice(0, count);
}

function bytesOf(sending: Command, headBytes: number): number {
  if (!("groupIds" in sending.params)) return headBytes;
  return sending.params.groupIds.reduce((bytes, id) => bytes + utf8Length(id) + 5, headBytes);
}
