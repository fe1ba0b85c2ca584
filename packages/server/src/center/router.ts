import { type Command, commands as commandTable, HUB_SERVICE } from "@websocket-center/protocol";
import type { Caller } from "../rpc/caller.js";
import type { CallOptions, NodeAnswer } from "../rpc/pending-calls.js";
import type { CallSignal } from "../call-signal.js";
import type { Channel } from "../rpc/channel.js";
import type { Outcome } from "../rpc/outcome.js";
import type { CallOrigin, SettledCall } from "./operations/call-traces.js";
import { counted, outcomeOf } from "./outcomes.js";
import { isGroupsCommand, type Places, planSteps, type Step, type StepItem } from "./plan.js";
import type { Registry } from "./registry.js";
import type { Targets } from "./targets.js";

/** The answer to a batch: for each command an outcome at each node, in the order of `nodeIds`. */
export interface RoutedAnswer {
  /** The nodes that were linked when the call was routed, those that left since included. */
  nodeIds: string[];
  outcomes: Outcome[][];
}

/** The answer to a batch of those who were asked. */
export interface AskedAnswer {
  /** The nodes that were linked when the call was routed, those that left since included. Not to be changed. */
  nodes: readonly Channel[];
  /** For each command, its outcomes; who has none in it was not asked. */
  places: readonly Places[];
}

export interface RouteOptions {
  timeoutMs: number;
  signal?: CallSignal | undefined;
  /** Default: all that are linked. */
  nodes?: readonly Channel[] | undefined;
  /** Where it comes from, to be remembered; a batch without is not. */
  origin?: CallOrigin | undefined;
}

/** A batch while it is asked. */
interface Asked extends AskedAnswer {
  readonly batch: readonly Command[];
  /** Gets the numbers of the calls on links. */
  readonly calls: number[];
  /** By `performance.now()`. */
  readonly startedAt: number;
  readonly origin: CallOrigin | undefined;
}

/** Calls the nodes that commands concern, and puts together what every node has to say. */
export class Router {
  readonly #registry: Registry;
  readonly #caller: Caller;
  readonly #targets: Targets;
  readonly #onSettled: (call: SettledCall) => void;

  /** @param onSettled - told of each command whose origin is known, with what came of it. */
  constructor(
    registry: Registry,
    caller: Caller,
    targets: Targets,
    onSettled: (call: SettledCall) => void = () => {},
  ) {
    this.#onSettled = onSettled;
    this.#registry = registry;
    this.#caller = caller;
    this.#targets = targets;
  }

  /**
   * As `ask`, with an outcome of every node: what a node was not asked it answers with the table's absent value.
   */
  async execute(batch: readonly Command[], options: RouteOptions): Promise<RoutedAnswer> {
    const { nodes, places } = await this.ask(batch, options);
    const outcomes = batch.map(({ name }, at) => {
      const absent: Outcome = { ok: true, value: commandTable[name].absent };
      return nodes.map((node) => places[at]?.get(node) ?? absent);
    });
    return { nodeIds: nodes.map(({ member }) => member.id), outcomes };
  }

  /**
   * Runs a batch of checked commands, in order, on every node that one of them concerns. Never rejects, takes at most
   * `timeoutMs`, and costs what is asked, not what is linked.
   *
   * Where a command needs an answer of other nodes before it can go on, the batch is split there, and what comes
   * before has half of the time that is left.
   */
  ask(batch: readonly Command[], options: RouteOptions): Promise<AskedAnswer> {
    const { nodes = this.#registry.channels(), origin } = options;
    const asked: Asked = {
      batch,
      nodes,
      places: batch.map((): Places => new Map()),
      calls: [],
      startedAt: performance.now(),
      origin,
    };
    return batch.some(isGroupsCommand) ? this.#askInSteps(asked, options) : this.#askOnce(asked, options);
  }

  async #askInSteps(asked: Asked, { timeoutMs, signal }: CallOptions): Promise<AskedAnswer> {
    const endsAt = performance.now() + timeoutMs;
    const steps = planSteps(asked.batch);
    for (const [at, step] of steps.entries()) {
      const timeLeftMs = Math.max(0, endsAt - performance.now());
      const isLast = at === steps.length - 1;
      const stepMs = isLast ? timeLeftMs : timeLeftMs / 2;
      await this.#runStep(step, asked, { timeoutMs: stepMs, signal });
    }
    return this.#settled(asked);
  }

  /** The way of nearly every batch: one round trip, and one promise. */
  #askOnce(asked: Asked, options: CallOptions): Promise<AskedAnswer> {
    const { batch, nodes, places, calls } = asked;
    return new Promise((resolve, reject) => {
      const targets = this.#targets.of(batch, nodes);
      if (targets.length === 0 || batch.length === 0) {
        resolve(this.#settled(asked));
        return;
      }
      const onAnswers = (answers: readonly NodeAnswer[]): void => {
        try {
          let at = 0;
          for (const channel of targets) record(places, batch, channel, answers[at++]);
          resolve(this.#settled(asked));
        } catch (error) {
          reject(error);
        }
      };
      calls.push(this.#caller.begin(targets, HUB_SERVICE, batch, options, onAnswers));
    });
  }

  #settled({ batch, nodes, places, calls, startedAt, origin }: Asked): AskedAnswer {
    if (origin !== undefined) {
      const linkedNodes = nodes.length;
      let at = 0;
      for (const { name, params } of batch) {
        const settled = places[at++] ?? new Map();
        this.#onSettled({ origin, name, params, startedAt, linkedNodes, places: settled, calls });
      }
    }
    return { nodes, places };
  }

  async #runStep(step: Step, { nodes, places, calls }: Asked, options: CallOptions): Promise<void> {
    const items = step.items(places);
    const targets = this.#targets.of(
      items.map(({ command }) => command),
      nodes,
    );
    // A node whose first half of a split command failed keeps that failure: it is not sent the second half.
    const isSpared = (node: Channel): boolean =>
      items.some(({ isSecondHalf, index }) => isSecondHalf && places[index]?.get(node)?.ok === false);
    const call = async (channels: readonly Channel[], asked: readonly StepItem[]): Promise<void> => {
      if (channels.length === 0 || asked.length === 0) return;
      const commands = asked.map(({ command }) => command);
      const { answers, number } = await this.#caller.call(channels, HUB_SERVICE, commands, options);
      calls.push(number);
      const placesOf = asked.map(({ index }) => places[index]);
      for (const [at, channel] of channels.entries()) record(placesOf, commands, channel, answers[at]);
    };
    await Promise.all([
      call(
        targets.filter((node) => !isSpared(node)),
        items,
      ),
      call(
        targets.filter(isSpared),
        items.filter(({ isSecondHalf }) => !isSecondHalf),
      ),
    ]);
  }
}

/** @param places - of each of the commands. */
function record(
  places: readonly (Places | undefined)[],
  commands: readonly Command[],
  channel: Channel,
  answer: NodeAnswer | undefined,
): void {
  const { id } = channel.member;
  const settled = counted(answer, commands.length, id);
  let at = 0;
  for (const command of commands) {
    places[at]?.set(channel, outcomeOf(command, id, settled, at));
    at += 1;
  }
}
