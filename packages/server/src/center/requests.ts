import { type FrameOf, nodeKeyOf } from "@websocket-center/protocol";
import type { Channel } from "../rpc/channel.js";
import { checkCommand } from "../rpc/check-command.js";
import { failureToWire, outcomeToWire } from "../rpc/outcome.js";
import { Intake } from "../rpc/intake.js";
import { replyFault } from "../rpc/reply-fault.js";
import { encodeLinkFrame } from "../wire/codec.js";
import type { CallOrigin } from "./operations/call-traces.js";
import type { Router } from "./router.js";
import type { Running } from "./running.js";
import type { ServiceDirectory } from "./service-directory.js";

/** Requests of one node that may run at once; more are refused as CENTER_BUSY, and were not run. */
const MAX_REQUESTS = 1000;

/** Runs on the cluster what nodes ask for, and answers them. */
export class Requests {
  readonly #router: Router;
  readonly #directory: ServiceDirectory;
  readonly #isStopping: () => boolean;
  readonly #maxQueuedBytes: number;
  readonly #onFault: (error: unknown) => void;
  readonly #all: Running;
  readonly #intake: Intake;

  constructor(parts: {
    router: Router;
    directory: ServiceDirectory;
    isStopping: () => boolean;
    running: Running;
    /** Bytes that may wait for a node; an empty queue takes any answer. */
    maxQueuedBytes: number;
    onFault: (error: unknown) => void;
  }) {
    this.#router = parts.router;
    this.#directory = parts.directory;
    this.#isStopping = parts.isStopping;
    this.#all = parts.running;
    this.#intake = new Intake(parts.onFault);
    this.#maxQueuedBytes = parts.maxQueuedBytes;
    this.#onFault = parts.onFault;
  }

  onRequest(channel: Channel, request: FrameOf<"request">): void {
    this.#intake.take(channel, request[1], () => this.#begin(channel, request));
  }

  #begin(channel: Channel, request: FrameOf<"request">): void {
    const [, id] = request;
    const running = this.#intake.runningOf(channel);
    if (this.#isStopping() || running >= MAX_REQUESTS) {
      const why = this.#isStopping() ? "the center stops" : `${running} requests of this node run already`;
      channel.send(["answer", id, [false, "CENTER_BUSY", `${why}; the request was not run`]]);
      return;
    }
    const { signal } = this.#intake.begin(channel, id);
    const end = this.#all.begin();
    const origin = {
      callId: `${nodeKeyOf(channel.member.id)}-${id}`,
      via: "node",
      principal: channel.member.id,
    } as const;
    this.#run(request, signal, origin)
      .catch((error: unknown) => failureToWire(error, this.#onFault))
      .then((answer) => {
        this.#intake.end(channel, id);
        this.#answer(channel, id, answer, end);
      })
      .catch((error: unknown) => {
        end();
        this.#onFault(error);
      });
  }

  /** @param end - told when the answer has left, or never will. */
  #answer(channel: Channel, id: number, answer: FrameOf<"answer">[2], end: () => void): void {
    const frame = encodeLinkFrame(["answer", id, answer]);
    const limits = { maxReplyBytes: Infinity, maxQueuedBytes: this.#maxQueuedBytes };
    const fault = replyFault(channel, frame.length, limits);
    if (fault === undefined) channel.sendEncoded(frame, answerKey(id), end);
    else channel.send(["answer", id, [false, fault.code, fault.message]], answerKey(id), end);
  }

  /** The node does not wait any more: what has not begun is not run. */
  onCancel(channel: Channel, [, id]: FrameOf<"cancel">): void {
    this.#intake.cancel(channel, id);
    channel.abandon(answerKey(id));
  }

  onLeft(channel: Channel): void {
    this.#intake.onLeft(channel);
  }

  async #run(
    [, , timeoutMs, what]: FrameOf<"request">,
    signal: AbortSignal,
    origin: CallOrigin,
  ): Promise<FrameOf<"answer">[2]> {
    if (what.kind === "commands") {
      const commands = what.commands.map(([name, params]) => checkCommand(name, params));
      const { nodeIds, outcomes } = await this.#router.execute(commands, { timeoutMs, signal, origin });
      return [true, nodeIds, outcomes.map((places) => places.map(outcomeToWire))];
    }
    const { service, method, params, mode, nodeId } = what;
    const call = { service, method, params, mode, nodeId, timeoutMs, signal };
    const results = await this.#directory.call(call, origin);
    return [true, results.map((result) => result.nodeId), [results.map(outcomeToWire)]];
  }
}

function answerKey(id: number): string {
  return `answer:${id}`;
}
