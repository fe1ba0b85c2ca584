import { addsInterest, type FrameOf, HUB_SERVICE, type WireOutcome } from "@websocket-center/protocol";
import type { Channel } from "./channel.js";
import { encodeLinkFrame } from "../wire/codec.js";
import { Intake } from "./intake.js";
import { isDeeperThan, MAX_RESULT_DEPTH } from "./json.js";
import { failureToWire } from "./outcome.js";
import { replyFault } from "./reply-fault.js";

export interface ResponderOptions {
  /** Runs one command on the hub, at once; see `execute` of node/handlers.ts. */
  execute: (command: string, params: unknown) => unknown;
  /** Runs the commands of a call, each by `execute`. */
  during: <T>(asker: { centerId: string; call: number }, run: () => T) => T;
  /** Runs a method of another service. */
  invoke: (service: string, method: string, params: unknown, signal: AbortSignal) => Promise<unknown>;
  /** Runs it once any center may be relied upon to know of the users and groups that the hub holds now. */
  whenKnown: (run: () => void) => void;
  maxReplyBytes: number;
  maxQueuedBytes: number;
  /** Told of faults of ours, never of wrong calls. */
  onFault: (error: unknown, method: string) => void;
}

/**
 * Answers calls that come over links: the methods of a call in order, each with an outcome of its own. The hub answers
 * at once, so that calls take effect in the order in which they came; other services may take their time. What is taken
 * back by a `cancel` that was there to be read is not run. The reply to a call that may have added a user or group waits
 * until centers know, and holds up no other.
 */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #intake: Intake;

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#intake = new Intake((error) => options.onFault(error, "call"));
  }

  onCall(channel: Channel, call: FrameOf<"call">): void {
    this.#intake.take(channel, call[1], () => this.#run(channel, call));
  }

  #run(channel: Channel, call: FrameOf<"call">): void {
    const [, id, service, , methods] = call;
    if (service === HUB_SERVICE) {
      const outcomes = this.#options.during({ centerId: channel.member.id, call: id }, () =>
        methods.map(([command, params]) => this.#execute(command, params)),
      );
      if (methods.some(([command]) => addsInterest(command))) this.#replyOnceKnown(channel, id, outcomes);
      else this.#reply(channel, id, outcomes);
    } else {
      this.#invokeAll(channel, call).catch((error: unknown) => this.#options.onFault(error, service));
    }
  }

  /** Nobody waits for that reply: what has not begun is not run, what runs is told so, and the rest need not go out. */
  onCancel(channel: Channel, [, id]: FrameOf<"cancel">): void {
    this.#intake.cancel(channel, id);
    channel.abandon(replyKey(id));
  }

  /** The link ended: nobody waits for what it asked. */
  onLeft(channel: Channel): void {
    this.#intake.onLeft(channel);
  }

  #execute(command: string, params: unknown): WireOutcome {
    try {
      return [true, this.#options.execute(command, params)];
    } catch (error) {
      return this.#failure(error, command);
    }
  }

  #replyOnceKnown(channel: Channel, id: number, outcomes: WireOutcome[]): void {
    this.#options.whenKnown(() => {
      if (channel.leftReason === undefined) this.#reply(channel, id, outcomes);
    });
  }

  async #invokeAll(channel: Channel, [, id, service, remainingMs, methods]: FrameOf<"call">): Promise<void> {
    const controller = this.#intake.begin(channel, id);
    const deadline = setTimeout(() => controller.abort(), remainingMs);
    const outcomes: WireOutcome[] = [];
    for (const [method, params] of methods) {
      outcomes.push(await this.#invoke(service, method, params, controller.signal));
    }
    clearTimeout(deadline);
    this.#intake.end(channel, id);
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
    return failureToWire(error, (fault) => this.#options.onFault(fault, method));
  }

  #reply(channel: Channel, id: number, outcomes: WireOutcome[]): void {
    const reply = encodeLinkFrame(["reply", id, outcomes.map(bounded)]);
    const fault = replyFault(channel, reply.length, this.#options);
    if (fault === undefined) channel.sendEncoded(reply, replyKey(id));
    else channel.send(["reply", id, outcomes.map((): WireOutcome => [false, fault.code, fault.message])]);
  }
}

/** A result that no frame has room for fails alone, and neither the reply nor the link with it. */
function bounded(outcome: WireOutcome): WireOutcome {
  if (!outcome[0] || !isDeeperThan(outcome[1], MAX_RESULT_DEPTH)) return outcome;
  return [false, "INVALID_RESULT", `the result nests deeper than ${MAX_RESULT_DEPTH} levels`];
}

function replyKey(id: number): string {
  return `reply:${id}`;
}
