import {
  type NodeOperation,
  type NodeOperationParams,
  type NodeOperationResult,
  nodeOperations,
  OPERATIONS_SERVICE,
} from "@websocket-center/protocol";
import type { CallSignal } from "../../call-signal.js";
import { CenterError } from "../../errors.js";
import type { Caller } from "../../rpc/caller.js";
import type { NodeAnswer } from "../../rpc/pending-calls.js";
import type { Channel } from "../../rpc/channel.js";
import { outcomeOfWire } from "../../rpc/outcome.js";

/** What a node answered, or why there is nothing. */
export type NodeTold<O extends NodeOperation> =
  | { ok: true; value: NodeOperationResult<O> }
  | { ok: false; error: CenterError };

export interface AskOptions {
  timeoutMs: number;
  signal?: CallSignal | undefined;
}

/** How many nodes are asked at once by `askEach`. */
const MAX_AT_ONCE = 64;

/** A node of an older release does not learn to tell while its link lasts; but one looks. */
const ASK_AGAIN_MS = 60_000;

/** Asks nodes about themselves. What they answer is checked like anything else that comes over a wire. */
export class NodeAsker {
  readonly #caller: Caller;
  /** Those whose release does not tell, and when they may be asked again, by performance.now(). */
  readonly #silentUntil = new WeakMap<Channel, number>();

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Those of the nodes whose release tells of itself, as far as is known: for what is asked again and again. */
  telling(channels: readonly Channel[]): Channel[] {
    const now = performance.now();
    return channels.filter((channel) => (this.#silentUntil.get(channel) ?? 0) <= now);
  }

  async ask<O extends NodeOperation>(
    channel: Channel,
    operation: O,
    params: NodeOperationParams<O>,
    options: AskOptions,
  ): Promise<NodeTold<O>> {
    const told = await this.#askTogether([channel], operation, params, options);
    return told.get(channel) ?? { ok: false, error: new CenterError("INTERNAL", "the node was not settled") };
  }

  /** Asks many nodes the same, some at a time; those to which it did not come within `timeoutMs` are not in the answer. */
  askEach<O extends NodeOperation>(
    channels: readonly Channel[],
    operation: O,
    params: NodeOperationParams<O>,
    options: AskOptions,
  ): Promise<Map<Channel, NodeTold<O>>> {
    return bySome(channels, options, (some, timed) => this.#askTogether(some, operation, params, timed));
  }

  /** As `askEach`, with parameters of its own for each node. */
  askEachOwn<O extends NodeOperation>(
    channels: readonly Channel[],
    operation: O,
    paramsFor: (channel: Channel) => NodeOperationParams<O>,
    options: AskOptions,
  ): Promise<Map<Channel, NodeTold<O>>> {
    return bySome(channels, options, async (some, timed) => {
      const one = async (channel: Channel): Promise<[Channel, NodeTold<O>]> => [
        channel,
        await this.ask(channel, operation, paramsFor(channel), timed),
      ];
      return new Map(await Promise.all(some.map(one)));
    });
  }

  async #askTogether<O extends NodeOperation>(
    channels: readonly Channel[],
    operation: O,
    params: NodeOperationParams<O>,
    options: AskOptions,
  ): Promise<Map<Channel, NodeTold<O>>> {
    const { answers } = await this.#caller.call(
      channels,
      OPERATIONS_SERVICE,
      [{ name: operation, params }],
      options,
    );
    return new Map(
      channels.map((channel, at) => {
        const told = read(operation, channel, answers[at]);
        if (!told.ok && told.error.code === "UNKNOWN_SERVICE")
          this.#silentUntil.set(channel, performance.now() + ASK_AGAIN_MS);
        return [channel, told];
      }),
    );
  }
}

async function bySome<T>(
  channels: readonly Channel[],
  { timeoutMs, signal }: AskOptions,
  ask: (some: readonly Channel[], options: AskOptions) => Promise<Map<Channel, T>>,
): Promise<Map<Channel, T>> {
  const endsAt = performance.now() + timeoutMs;
  const told = new Map<Channel, T>();
  for (let at = 0; at < channels.length; at += MAX_AT_ONCE) {
    const timeLeftMs = endsAt - performance.now();
    if (timeLeftMs <= 0 || signal?.aborted === true) break;
    const answers = await ask(channels.slice(at, at + MAX_AT_ONCE), { timeoutMs: timeLeftMs, signal });
    for (const [channel, answer] of answers) told.set(channel, answer);
  }
  return told;
}

function read<O extends NodeOperation>(
  operation: O,
  { member }: Channel,
  answer: NodeAnswer | undefined,
): NodeTold<O> {
  if (answer === undefined) return failed("INTERNAL", `node ${member.id} was not settled`);
  if (!answer.ok) return failed(answer.code, answer.message);
  const outcome = outcomeOfWire(answer.outcomes[0]);
  if (!outcome.ok) return failed(outcome.code, outcome.message);
  const result = nodeOperations[operation].result.safeParse(outcome.value);
  if (!result.success)
    return failed("INTERNAL", `node ${member.id} answered what ${operation} does not return`);
  return { ok: true, value: result.data as NodeOperationResult<O> };
}

function failed(code: CenterError["code"], message: string): { ok: false; error: CenterError } {
  return { ok: false, error: new CenterError(code, message) };
}
