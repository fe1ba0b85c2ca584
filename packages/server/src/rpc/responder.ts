import { HUB_SERVICE, type FrameOf, type WireOutcome } from "@websocket-center/protocol";
import { CenterError, messageOf } from "../errors.js";
import type { Channel } from "./channel.js";
import { encodeLinkFrame } from "./codec.js";

/**
 * Answers calls that come over links: the commands of a call in order, each with an outcome of its own.
 */
export class Responder {
  readonly #execute: (name: string, params: unknown) => unknown;
  readonly #maxReplyBytes: number;
  readonly #maxQueuedBytes: number;
  readonly #onFault: (error: unknown, command: string) => void;

  constructor(options: {
    /** Runs one command; see `execute` of node/handlers.ts. */
    execute: (name: string, params: unknown) => unknown;
    maxReplyBytes: number;
    maxQueuedBytes: number;
    /** Told of faults of ours, never of wrong calls. */
    onFault: (error: unknown, command: string) => void;
  }) {
    this.#execute = options.execute;
    this.#maxReplyBytes = options.maxReplyBytes;
    this.#maxQueuedBytes = options.maxQueuedBytes;
    this.#onFault = options.onFault;
  }

  onCall(channel: Channel, [, id, hub, , commands]: FrameOf<"call">): void {
    const outcomes = commands.map(([name, params]) => this.#run(hub, name, params));
    const reply = encodeLinkFrame(["reply", id, outcomes]);
    const fault = this.#faultOf(channel, reply.length);
    if (fault === undefined) channel.sendEncoded(reply, replyKey(id));
    else channel.send(["reply", id, commands.map((): WireOutcome => [false, fault.code, fault.message])]);
  }

  /** Nobody waits for that reply: what is left of it need not go out. */
  onCancel(channel: Channel, [, id]: FrameOf<"cancel">): void {
    channel.abandon(replyKey(id));
  }

  #run(hub: string, name: string, params: unknown): WireOutcome {
    if (hub !== HUB_SERVICE) return [false, "UNKNOWN_SERVICE", "this node has no service of that name"];
    try {
      return [true, this.#execute(name, params)];
    } catch (error) {
      if (error instanceof CenterError) return [false, error.code, error.message.slice(0, 2000)];
      this.#onFault(error, name);
      return [false, "INTERNAL", messageOf(error).slice(0, 2000)];
    }
  }

  #faultOf(channel: Channel, replyBytes: number): CenterError | undefined {
    if (replyBytes > this.#maxReplyBytes) {
      const text = `the result has ${replyBytes} bytes, over the limit of ${this.#maxReplyBytes}; the commands were run`;
      return new CenterError("REPLY_TOO_LARGE", text);
    }
    const queued = channel.queuedBytes;
    if (queued > 0 && queued + replyBytes > this.#maxQueuedBytes) {
      return new CenterError("REPLY_DROPPED", `${queued} bytes wait for this center; the commands were run`);
    }
    return undefined;
  }
}

function replyKey(id: number): string {
  return `reply:${id}`;
}
