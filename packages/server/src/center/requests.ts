import type { FrameOf } from "@websocket-center/protocol";
import { CenterError, messageOf } from "../errors.js";
import type { Channel } from "../rpc/channel.js";
import { checkCommand } from "../rpc/check-command.js";
import { outcomeToWire } from "../rpc/outcome.js";
import type { Router } from "./router.js";
import type { ServiceDirectory } from "./service-directory.js";

/** Requests of one node that may run at once; more are refused as CENTER_BUSY, and were not run. */
const MAX_REQUESTS = 1000;

/** Runs on the cluster what nodes ask for, and answers them. */
export class Requests {
  readonly #router: Router;
  readonly #directory: ServiceDirectory;
  readonly #isStopping: () => boolean;
  readonly #onFault: (error: unknown) => void;
  readonly #running = new Map<Channel, Map<number, AbortController>>();

  constructor(parts: {
    router: Router;
    directory: ServiceDirectory;
    isStopping: () => boolean;
    onFault: (error: unknown) => void;
  }) {
    this.#router = parts.router;
    this.#directory = parts.directory;
    this.#isStopping = parts.isStopping;
    this.#onFault = parts.onFault;
  }

  onRequest(channel: Channel, request: FrameOf<"request">): void {
    const [, id] = request;
    const running = this.#running.get(channel) ?? new Map<number, AbortController>();
    if (this.#isStopping() || running.size >= MAX_REQUESTS) {
      const why = this.#isStopping()
        ? "the center stops"
        : `${running.size} requests of this node run already`;
      channel.send(["answer", id, [false, "CENTER_BUSY", `${why}; the request was not run`]]);
      return;
    }
    const controller = new AbortController();
    this.#running.set(channel, running.set(id, controller));
    this.#run(request, controller.signal)
      .catch((error: unknown) => this.#failure(error))
      .then((answer) => {
        running.delete(id);
        if (channel.leftReason === undefined) channel.send(["answer", id, answer], answerKey(id));
      })
      .catch(this.#onFault);
  }

  /** The node does not wait any more. */
  onCancel(channel: Channel, [, id]: FrameOf<"cancel">): void {
    this.#running.get(channel)?.get(id)?.abort();
    channel.abandon(answerKey(id));
  }

  onLeft(channel: Channel): void {
    for (const controller of this.#running.get(channel)?.values() ?? []) controller.abort();
    this.#running.delete(channel);
  }

  async #run([, , timeoutMs, what]: FrameOf<"request">, signal: AbortSignal): Promise<FrameOf<"answer">[2]> {
    if (what.kind === "commands") {
      const commands = what.commands.map(([name, params]) => checkCommand(name, params));
      const { nodeIds, outcomes } = await this.#router.execute(commands, { timeoutMs, signal });
      return [true, nodeIds, outcomes.map((places) => places.map(outcomeToWire))];
    }
    const { service, method, params, mode, nodeId } = what;
    const results = await this.#directory.call({ service, method, params, mode, nodeId, timeoutMs, signal });
    return [true, results.map((result) => result.nodeId), [results.map(outcomeToWire)]];
  }

  #failure(error: unknown): FrameOf<"answer">[2] {
    if (error instanceof CenterError) return [false, error.code, error.message.slice(0, 2000)];
    this.#onFault(error);
    return [false, "INTERNAL", messageOf(error).slice(0, 2000)];
  }
}

function answerKey(id: number): string {
  return `answer:${id}`;
}
