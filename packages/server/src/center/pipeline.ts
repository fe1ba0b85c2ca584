import { addsInterest, type Command, HUB_SERVICE, utf8Length } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
import type { Caller } from "../rpc/caller.js";
import type { NodeAnswer } from "../rpc/pending-calls.js";
import type { Channel } from "../rpc/channel.js";
import type { Outcome } from "../rpc/outcome.js";
import { Adding } from "./adding.js";
import { counted, outcomeOf } from "./outcomes.js";
import { type Errand, Lane } from "./pipeline-lane.js";
import { groupsQuestion, groupsSending, isGroupsCommand, type Places } from "./plan.js";
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
  /** The numbers of the calls on links that carried it. */
  readonly calls: number[];
}

export interface PipelineParts {
  caller: Caller;
  targets: Targets;
}

export interface PipelineEvents<C> {
  /** Every node that was asked has settled. */
  onSettled: (piped: C) => void;
  /** It was not run at all. */
  onDropped: (piped: C, error: CenterError) => void;
}

/** How often one looks for commands whose time has ended while they waited for others. */
const LOOK_MS = 50;
/** While so many are not answered, whichever node they are at, others wait for more: with fewer there is little to join, */
const MANY = 8;
/** and so many do not wait, */
const ENOUGH = 256;
/** nor do any for longer: a node that takes its time to answer must not hold up what goes to others. */
const GATHER_MS = 5;

/**
 * Sends a stream of commands to the nodes that each concerns, in as few frames as that takes: what is there when `flush`
 * is called goes to each node as one call, or, where many are to be answered, waits up to 5 ms for that and for more. A
 * write and a read cost the same whatever they carry, and mostly an answer is what makes a caller send on: so what waits
 * goes with the first `flush` after the answers, not with the answers. Many are under way at once, and each settles by
 * itself.
 *
 * A node runs the commands that concern it in the order in which they were taken. A command finds the users and groups
 * that those before it make, answered or not. What is taken behind a command in two halves ("the groups of") waits until
 * its second half is sent; several such commands in a row wait together.
 */
export class Pipeline<C extends PipedCommand> {
  readonly #parts: PipelineParts;
  readonly #events: PipelineEvents<C>;
  readonly #lanes = new Map<Channel, Lane<C>>();
  readonly #adding = new Adding();
  #queue: C[] = [];
  /** Commands whose second half is not sent. */
  #halves: C[] = [];
  #openQuestions = 0;
  /** Errands that were sent and are not answered, */
  #underWay = 0;
  /** and those that are not sent. */
  #waiting = 0;
  #looking: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;

  constructor(parts: PipelineParts, events: PipelineEvents<C>) {
    this.#parts = parts;
    this.#events = events;
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
    if (this.#underWay < MANY || this.#waiting >= ENOUGH) this.#runAll();
    else if (this.#waiting > 0) this.#gathering ??= setTimeout(this.#runAll, GATHER_MS);
    this.#lookLater();
  }

  /** Drops what is not sent. What was sent, if only to one of its nodes, runs, and settles as it would have. */
  close(): void {
    clearTimeout(this.#looking);
    clearTimeout(this.#gathering);
    this.#queue = [];
    this.#halves = [];
    this.#waiting = 0;
    for (const lane of this.#lanes.values()) {
      const { channel } = lane;
      const message = `the caller went away before the call was sent to node ${channel.member.id}`;
      const halfSent = lane
        .takeAll()
        .filter(({ isQuestion, piped }) => !isQuestion && piped.calls.length > 0);
      this.#settleUnsent(channel, halfSent, message);
    }
  }

  #ask(piped: C, question: Command): void {
    const nodes = this.#nodesOf(question);
    this.#halves.push(piped);
    this.#openQuestions += 1;
    piped.missing = nodes.length;
    const now = performance.now();
    const endsAt = now + (piped.endsAt - now) / 2;
    for (const node of nodes) {
      this.#add(node, { piped, command: question, bytes: piped.bytes, endsAt, isQuestion: true });
    }
    if (nodes.length === 0) this.#onAnswered();
  }

  /** All nodes have answered one of the questions. With the last one, the second halves go out in their order. */
  #onAnswered(): void {
    this.#openQuestions -= 1;
    if (this.#openQuestions > 0) return;
    const halves = this.#halves;
    this.#halves = [];
    for (const piped of halves) {
      const failed = [...piped.places].filter(([, { ok }]) => !ok).map(([node]) => node);
      const sending = isGroupsCommand(piped.command) ? groupsSending(piped.command, piped.places) : undefined;
      if (sending === undefined) this.#events.onSettled(piped);
      else this.#give(piped, sending, bytesOf(sending, piped.bytes), failed);
    }
  }

  /** @param spared - nodes that are not asked, whatever they hold. */
  #give(piped: C, command: Command, bytes: number, spared: readonly Channel[] = []): void {
    let nodes = this.#nodesOf(command);
    if (spared.length > 0) nodes = nodes.filter((node) => !spared.includes(node));
    piped.missing = nodes.length;
    if (nodes.length === 0) {
      this.#events.onSettled(piped);
      return;
    }
    const { endsAt } = piped;
    for (const node of nodes) this.#add(node, { piped, command, bytes, endsAt, isQuestion: false });
    if (addsInterest(command.name)) this.#adding.begin(command, nodes);
  }

  #nodesOf(command: Command): readonly Channel[] {
    return this.#adding.including(command, this.#parts.targets.ofOne(command));
  }

  #add(channel: Channel, errand: Errand<C>): void {
    this.#laneOf(channel).add(errand);
    this.#waiting += 1;
  }

  #laneOf(channel: Channel): Lane<C> {
    let lane = this.#lanes.get(channel);
    if (lane === undefined) {
      lane = new Lane(channel);
      this.#lanes.set(channel, lane);
    }
    return lane;
  }

  /** Sends what waits, but for what a frame in pieces holds up. */
  readonly #runAll = (): void => {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    for (const lane of this.#lanes.values()) this.#run(lane);
  };

  #run(lane: Lane<C>): void {
    for (let frame = lane.next(); frame !== undefined; frame = lane.next()) this.#send(lane, frame);
    if (lane.isIdle) this.#lanes.delete(lane.channel);
  }

  #send(lane: Lane<C>, errands: readonly Errand<C>[]): void {
    const { channel } = lane;
    const commands = errands.map(({ command }) => command);
    const timeoutMs = Math.max(0, (errands[0]?.endsAt ?? 0) - performance.now());
    this.#waiting -= errands.length;
    this.#underWay += errands.length;
    const call = this.#parts.caller.begin([channel], HUB_SERVICE, commands, { timeoutMs }, ([answer]) => {
      this.#underWay -= errands.length;
      const wasHeld = lane.answered(errands);
      this.#onAnswer(channel, errands, answer);
      if (wasHeld) this.#run(lane);
      else if (lane.isIdle) this.#lanes.delete(lane.channel);
    });
    for (const { piped } of errands) piped.calls.push(call);
  }

  #onAnswer(channel: Channel, errands: readonly Errand<C>[], answer: NodeAnswer | undefined): void {
    const wasWaiting = this.#halves.length > 0;
    const { id } = channel.member;
    const settled = counted(answer, errands.length, id);
    for (const [at, errand] of errands.entries()) {
      this.#settle(channel, errand, outcomeOf(errand.command, id, settled, at));
    }
    if (wasWaiting && this.#halves.length === 0) this.flush();
  }

  #settle(channel: Channel, { piped, command, isQuestion }: Errand<C>, outcome: Outcome): void {
    piped.places.set(channel, outcome);
    if (addsInterest(command.name)) this.#adding.end(command, channel);
    piped.missing -= 1;
    if (piped.missing > 0) return;
    if (isQuestion) this.#onAnswered();
    else this.#events.onSettled(piped);
  }

  #settleUnsent(channel: Channel, errands: readonly Errand<C>[], message: string): void {
    for (const errand of errands)
      this.#settle(channel, errand, { ok: false, code: "NODE_OVERLOADED", message });
  }

  #lookLater(): void {
    if (this.#looking !== undefined || (this.#queue.length === 0 && this.#lanes.size === 0)) return;
    this.#looking = setTimeout(() => {
      this.#looking = undefined;
      this.#dropLate(performance.now());
      this.#lookLater();
    }, LOOK_MS);
  }

  /** Gives up those that have waited until their time ended. */
  #dropLate(now: number): void {
    const late = this.#queue.filter(({ endsAt }) => endsAt <= now);
    if (late.length > 0) this.#queue = this.#queue.filter(({ endsAt }) => endsAt > now);
    for (const piped of late) {
      const message = "its time ended while it waited for commands before it; it was not run";
      this.#events.onDropped(piped, new CenterError("CENTER_BUSY", message));
    }
    const wasWaiting = this.#halves.length > 0;
    for (const lane of this.#lanes.values()) {
      const { channel } = lane;
      const message = `node ${channel.member.id} was busy with what was sent before; the call was not sent`;
      const late = lane.takeLate(now);
      this.#waiting -= late.length;
      this.#settleUnsent(channel, late, message);
    }
    if (wasWaiting && this.#halves.length === 0) this.flush();
  }
}

/** A second half names groups that the line did not. */
function bytesOf(sending: Command, headBytes: number): number {
  if (!("groupIds" in sending.params)) return headBytes;
  return sending.params.groupIds.reduce((bytes, id) => bytes + utf8Length(id) + 5, headBytes);
}
