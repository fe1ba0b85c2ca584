import {
  type Command,
  commands as commandTable,
  HUB_SERVICE,
  nodeKeyOf,
  type WireOutcome,
} from "@websocket-center/protocol";
import type { Caller, NodeAnswer } from "../rpc/caller.js";
import type { Channel } from "../rpc/channel.js";
import { type Outcome, outcomeOfWire } from "../rpc/outcome.js";
import { planSteps, type Step, type StepItem } from "./plan.js";
import type { Registry } from "./registry.js";

/** The answer to a batch: for each command an outcome at each node, in the order of `nodeIds`. */
export interface RoutedAnswer {
  /** The nodes that were linked when the call was routed, those that left since included. */
  nodeIds: string[];
  outcomes: Outcome[][];
}

/** Finds the nodes that commands concern, calls them, and puts together what every node has to say. */
export class Router {
  readonly #registry: Registry;
  readonly #caller: Caller;

  constructor(registry: Registry, caller: Caller) {
    this.#registry = registry;
    this.#caller = caller;
  }

  /**
   * Runs a batch of checked commands, in order, on every node that one of them concerns; what a node was not asked
   * it answers with the table's absent value. Never rejects, and takes at most `timeoutMs`.
   *
   * Where a command needs an answer of all nodes before it can go on, the batch is split there, and what comes
   * before has half of the time that is left.
   */
  async execute(
    batch: readonly Command[],
    options: {
      timeoutMs: number;
      signal?: AbortSignal | undefined;
      /** Default: all that are linked. */
      nodes?: readonly Channel[] | undefined;
    },
  ): Promise<RoutedAnswer> {
    const nodes = options.nodes ?? this.#registry.channels();
    const nodeIds = nodes.map(({ member }) => member.id);
    const outcomes = batch.map(({ name }) =>
      nodes.map((): Outcome => ({ ok: true, value: commandTable[name].absent })),
    );
    const answer: RoutedAnswer = { nodeIds, outcomes };
    const endsAt = performance.now() + options.timeoutMs;
    const steps = planSteps(batch);
    for (const [at, step] of steps.entries()) {
      const timeLeftMs = Math.max(0, endsAt - performance.now());
      const timeoutMs = at === steps.length - 1 ? timeLeftMs : timeLeftMs / 2;
      await this.#runStep(step, nodes, outcomes, { timeoutMs, signal: options.signal });
    }
    return answer;
  }

  async #runStep(
    step: Step,
    nodes: readonly Channel[],
    outcomes: Outcome[][],
    options: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<void> {
    const items = step.items(outcomes);
    const targets = targetsOf(items, nodes);
    // A node whose first half of a split command failed keeps that failure: it is not sent the second half.
    const isSpared = (item: StepItem, node: number): boolean =>
      item.isSecondHalf && outcomes[item.index]?.[node]?.ok === false;
    const spared = targets.filter((node) => items.some((item) => isSpared(item, node)));
    const unspared = targets.filter((node) => !spared.includes(node));
    const call = async (at: readonly number[], asked: readonly StepItem[]): Promise<void> => {
      const channels = at.map((node) => nodes[node]).filter((channel) => channel !== undefined);
      const commands = asked.map(({ command }) => command);
      if (commands.length === 0) return;
      const answers = await this.#caller.call(channels, HUB_SERVICE, commands, options);
      for (const node of at) {
        const channel = nodes[node];
        if (channel !== undefined) record(outcomes, asked, node, channel, answers.get(channel.member));
      }
    };
    await Promise.all([
      call(unspared, items),
      call(
        spared,
        items.filter((item) => !item.isSecondHalf),
      ),
    ]);
  }
}

/** The places in `nodes` of those that at least one of the commands concerns. A batch goes whole to each of them. */
function targetsOf(items: readonly StepItem[], nodes: readonly Channel[]): number[] {
  const everyNode = [...nodes.keys()];
  const targets = new Set<number>();
  for (const { command } of items) {
    const place = placeOf(command, nodes);
    if (place === "every") return everyNode;
    if (place !== undefined) targets.add(place);
  }
  return everyNode.filter((node) => targets.has(node));
}

/**
 * The place of the one node that the command concerns, undefined for none of those that were linked, or every node.
 * One that has left since is still asked, and answers NODE_LEFT: what it held is unknown, not absent.
 */
function placeOf(command: Command, nodes: readonly Channel[]): number | undefined | "every" {
  if (!("connectionId" in command.params) || commandTable[command.name].target !== "connection")
    return "every";
  const key = nodeKeyOf(command.params.connectionId);
  const place = nodes.findIndex(({ member }) => nodeKeyOf(member.id) === key);
  return place < 0 ? undefined : place;
}

/** Where the number of outcomes is not that of the commands, which belongs to which is unknown. */
function counted(answer: NodeAnswer | undefined, count: number, nodeId: string): NodeAnswer | undefined {
  if (answer?.ok !== true || answer.outcomes.length === count) return answer;
  const message = `node ${nodeId} answered ${answer.outcomes.length} outcomes to ${count} commands`;
  return { ok: false, code: "INTERNAL", message };
}

function record(
  outcomes: Outcome[][],
  items: readonly StepItem[],
  node: number,
  channel: Channel,
  answer: NodeAnswer | undefined,
): void {
  const { id } = channel.member;
  const settled = counted(answer, items.length, id);
  for (const [at, { index, command }] of items.entries()) {
    const places = outcomes[index];
    if (places !== undefined) places[node] = outcomeOf(command, id, settled, at);
  }
}

function outcomeOf(command: Command, nodeId: string, answer: NodeAnswer | undefined, at: number): Outcome {
  if (answer === undefined) return { ok: false, code: "INTERNAL", message: `node ${nodeId} was not settled` };
  if (!answer.ok) return answer;
  return checked(command, nodeId, answer.outcomes[at]);
}

/** What a node sends is checked like anything else that comes over a wire. */
function checked(command: Command, nodeId: string, wire: WireOutcome | undefined): Outcome {
  const outcome = outcomeOfWire(wire);
  if (!outcome.ok) return outcome;
  const result = commandTable[command.name].result.safeParse(outcome.value);
  if (result.success) return { ok: true, value: result.data };
  const message = `node ${nodeId} answered what ${command.name} does not return`;
  return { ok: false, code: "INTERNAL", message };
}
