import { type FrameOf, HUB_SERVICE, type WireOutcome } from "@websocket-center/protocol";
import { CenterError, messageOf } from "../errors.js";
import type { Channel } from "./channel.js";
import { encodeLinkFrame } from "./codec.js";

export interface ResponderOptions {
  /** Runs one command on the hub, at once; see `execute` of node/handlers.ts. */
  execute: (command: string, params: unknown) => unknown;
  /** Runs a method of another service. */
  invoke: (service: string, method: string, params: unknown, signal: AbortSignal) => Promise<unknown>;
  maxReplyBytes: number;
  maxQueuedBytes: number;
  /** Told of faults of ours, never of wrong calls. */
  onFault: (error: unknown, method: string) => void;
}

/**
 * Answers calls that come over links: the methods of a call in order, each with an outcome of its own. The hub answers
 * at once, so that calls take effect in the order in which they came; other services may take their time.
 */
export class Responder {
  readonly #options: ResponderOptions;
  /** Calls of services that run, by the link that they came over. */
  readonly #running = new Map<Channel, Map<number, AbortController>>();

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  onCall(channel: Channel, call: FrameOf<"call">): void {
    const [, id, service, , methods] = call;
    if (service === HUB_SERVICE) {
      this.#reply(
        channel,
        id,
        methods.map(([command, params]) => this.#execute(command, params)),
      );
    } else {
      this.#invokeAll(channel, call).catch((error: unknown) => this.#options.onFault(error, service));
    }
  }

  /** Nobody waits for that reply: what runs for it is told so, and what is left of it need not go out. */
  onCancel(channel: Channel, [, id]: FrameOf<"cancel">): void {
    this.#running.get(channel)?.get(id)?.abort();
    channel.abandon(replyKey(id));
  }

  /** The link ended: nobody waits for what it asked. */
  onLeft(channel: Channel): void {
    for (const controller of this.#running.get(channel)?.values() ?? []) controller.abort();
  }

  #execute(command: string, params: unknown): WireOutcome {
    try {
      return [true, this.#options.execute(command, params)];
    } catch (error) {
      return this.#failure(error, command);
    }
  }

  async #invokeAll(channel: Channel, [, id, service, remainingMs, methods]: FrameOf<"call">): Promise<void> {
    const controller = new AbortController();
    const deadline = setTimeout(() => controller.abort(), remainingMs);
    const running = this.#running.get(channel) ?? new Map<number, AbortController>();
    this.#running.set(channel, running.set(id, controller));
    const outcomes: WireOutcome[] = [];
    for (const [method, params] of methods) {
      outcomes.push(await this.#invoke(service, method, params, controller.signal));
    }
    clearTimeout(deadline);
    running.delete(id);
    if (running.size === 0) this.#running.delete(channel);
    if (channel.leftReason === undefined) this.#reply(channel, id, outcomes);
  }

  async #invoke(service: string, method: string, params: unknown, signal: AbortSignal): Promise<WireOutcome> {
    try {
      return [true, await this.#options.invoke(service, method, params, signal)];
    } catch (error) {
      return this.#failure(error, `${service}.${method}`);
    }
  }

  #failure(error: unknown, method: string): WireOutcome {
    if (error instanceof CenterError) return [false, error.code, error.message.slice(0, 2000)];
    this.#options.onFault(error, method);
    return [false, "INTERNAL", messageOf(error).slice(0, 2000)];
  }

  #reply(channel: Channel, id: number, outcomes: WireOutcome[]): void {
    const reply = encodeLinkFrame(["reply", id, outcomes]);
    const fault = this.#faultOf(channel, reply.length);
    if (fault === undefined) channel.sendEncoded(reply, replyKey(id));
    else channel.send(["reply", id, outcomes.map((): WireOutcome => [false, fault.code, fault.message])]);
  }

  #faultOf(channel: Channel, replyBytes: number): CenterError | undefined {
    const { maxReplyBytes, maxQueuedBytes } = this.#options;
    if (replyBytes > maxReplyBytes) {
      const text = `the result has ${replyBytes} bytes, over the limit of ${maxReplyBytes}; the commands were run`;
      return new CenterError("REPLY_TOO_LARGE", text);
    }
    const queued = channel.queuedBytes;
    if (queued > 0 && queued + replyBytes > maxQueuedBytes) {
      return new CenterError("REPLY_DROPPED", `${queued} bytes wait for this center; the commands were run`);
    }
    return undefined;
  }
}

function replyKey(id: number): string {
  return `reply:${id}`;
}
