import { type Command, commands as commandTable, HUB_SERVICE } from "@websocket-center/protocol";
import type { Caller, NodeAnswer } from "../rpc/caller.js";
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

interface StepOptions {
  timeoutMs: number;
  signal: CallSignal | undefined;
  /** Gets the numbers of the calls on links. */
  calls: number[];
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
  async ask(batch: readonly Command[], options: RouteOptions): Promise<AskedAnswer> {
    const { timeoutMs, signal, nodes = this.#registry.channels(), origin } = options;
    const startedAt = performance.now();
    const places = batch.map((): Places => new Map());
    const calls: number[] = [];
    if (batch.some(isGroupsCommand))
      await this.#askInSteps(batch, nodes, places, { timeoutMs, signal, calls });
    else await this.#askOnce(batch, nodes, places, { timeoutMs, signal, calls });
    if (origin !== undefined) {
      const linkedNodes = nodes.length;
      for (const [at, { name, params }] of batch.entries()) {
        const settled = places[at] ?? new Map();
        this.#onSettled({ origin, name, params, startedAt, linkedNodes, places: settled, calls });
      }
    }
    return { nodes, places };
  }

  async #askInSteps(
    batch: readonly Command[],
    nodes: readonly Channel[],
    places: readonly Places[],
    { timeoutMs, signal, calls }: StepOptions,
  ): Promise<void> {
    const endsAt = performance.now() + timeoutMs;
    const steps = planSteps(batch);
    for (const [at, step] of steps.entries()) {
      const timeLeftMs = Math.max(0, endsAt - performance.now());
      const isLast = at === steps.length - 1;
      const stepMs = isLast ? timeLeftMs : timeLeftMs / 2;
      await this.#runStep(step, nodes, places, { timeoutMs: stepMs, signal, calls });
    }
  }

  /** The way of nearly every batch: one round trip. */
  async #askOnce(
    batch: readonly Command[],
    nodes: readonly Channel[],
    places: readonly Places[],
    options: StepOptions,
  ): Promise<void> {
    const targets = this.#targets.of(batch, nodes);
    if (targets.length === 0 || batch.length === 0) return;
    const answering = this.#caller.call(targets, HUB_SERVICE, batch, options);
    options.calls.push(this.#caller.latestCall);
    const answers = await answering;
    for (const channel of targets) {
      const { member } = channel;
      const settled = counted(answers.get(member), batch.length, member.id);
      for (const [at, command] of batch.entries()) {
        places[at]?.set(channel, outcomeOf(command, member.id, settled, at));
      }
    }
  }

  async #runStep(
    step: Step,
    nodes: readonly Channel[],
    places: readonly Places[],
    options: StepOptions,
  ): Promise<void> {
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
      const answering = this.#caller.call(channels, HUB_SERVICE, commands, options);
      options.calls.push(this.#caller.latestCall);
      const answers = await answering;
      for (const channel of channels) record(places, asked, channel, answers.get(channel.member));
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

function record(
  places: readonly Places[],
  items: readonly StepItem[],
  channel: Channel,
  answer: NodeAnswer | undefined,
): void {
  const { id } = channel.member;
  const settled = counted(answer, items.length, id);
  for (const [at, { index, command }] of items.entries()) {
    places[index]?.set(channel, outcomeOf(command, id, settled, at));
  }
}
