import type { ErrorCode, WireOutcome } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
import type { Channel } from "./channel.js";
import {
  type CallOptions,
  CallTable,
  type NodeAnswer,
  type OnSettled,
  PendingCall,
} from "./pending-calls.js";
import { encodeLinkFrame } from "../wire/codec.js";

/** How long calls wait for a suspect. */
export const SUSPECT_WAIT_MS = 100;

/** What a call to no node comes to; given to none. */
const nobody: NodeAnswer = { ok: true, outcomes: [] };

type Method = { name: string; params: unknown };

/**
 * Calls to nodes, many in flight at once. Each settles for each expected node id, as its reply, the deadline, or the
 * node's leaving; never by counting replies.
 */
export class Caller {
  readonly #maxQueuedBytes: number;
  readonly #isSuspect: (channel: Channel) => boolean;
  readonly #calls = new CallTable();
  #nextId = 1;
  /** Why calls are not sent any more. */
  #aborted: string | undefined;

  constructor(options: { maxQueuedBytes: number; isSuspect: (channel: Channel) => boolean }) {
    this.#maxQueuedBytes = options.maxQueuedBytes;
    this.#isSuspect = options.isSuspect;
  }

  get pendingCalls(): number {
    return this.#calls.size;
  }

  /** As `begin`, for those who wait. Never rejects. */
  call(
    channels: readonly Channel[],
    service: string,
    methods: readonly Method[],
    options: CallOptions,
  ): Promise<{ answers: readonly NodeAnswer[]; number: number }> {
    return new Promise((resolve) => {
      const number = this.begin(channels, service, methods, options, (answers) =>
        resolve({ answers, number }),
      );
    });
  }

  /**
   * Runs methods of a service, in order, at each of the nodes.
   *
   * Settles when every node has, at the latest after `timeoutMs`; the caller's `signal` settles it at once, as
   * ABORTED for the nodes that are missing then.
   * @param channels - each once.
   * @param onSettled - gets the answers in the order of `channels`, after this has returned.
   * @returns the number of the call on links.
   */
  begin(
    channels: readonly Channel[],
    service: string,
    methods: readonly Method[],
    options: CallOptions,
    onSettled: OnSettled,
  ): number {
    const id = this.#nextId++;
    const frame = channels.length === 0 ? nobody : this.#encode(id, service, methods, options);
    if (frame instanceof Uint8Array) {
      const call = new PendingCall(id, channels, options, { onSettled, onGivenUp: this.#onGivenUp });
      this.#send(call, frame);
    } else {
      queueMicrotask(() => onSettled(channels.map(() => frame)));
    }
    return id;
  }

  /** The frame, or why nothing is sent. */
  #encode(
    id: number,
    service: string,
    methods: readonly Method[],
    { timeoutMs, signal }: CallOptions,
  ): Uint8Array | NodeAnswer {
    const reason = this.#aborted ?? (signal?.aborted === true ? "the caller gave up" : undefined);
    if (reason !== undefined) {
      return { ok: false, code: "ABORTED", message: `${reason}; the call was not sent` };
    }
    const remainingMs = Math.max(0, Math.round(timeoutMs));
    try {
      const asked = methods.map(({ name, params }): [string, unknown] => [name, params]);
      return encodeLinkFrame(["call", id, service, remainingMs, asked]);
    } catch (error) {
      if (!(error instanceof CenterError)) throw error;
      return { ok: false, code: error.code, message: error.message };
    }
  }

  #send(call: PendingCall, frame: Uint8Array): void {
    this.#calls.add(call);
    call.deadline = setTimeout(this.#onDeadline, call.timeoutMs, call);
    call.signal?.addEventListener("abort", call);
    let suspects: Channel[] | undefined;
    for (const channel of call.channels) if (this.#isSuspect(channel)) (suspects ??= []).push(channel);
    for (const channel of call.channels) this.#sendTo(call, channel, frame);
    call.isSent = true;
    // Sending may settle at once.
    if (call.missing === 0) queueMicrotask(() => this.#finish(call));
    else if (suspects !== undefined) this.#settleSuspectsSoon(suspects, [call]);
  }

  readonly #onDeadline = (call: PendingCall): void => {
    const ms = Math.round(call.timeoutMs);
    this.#settleAll(call, "NODE_TIMEOUT", (node) => `node ${node} gave no reply in ${ms} ms`);
  };

  readonly #onGivenUp = (call: PendingCall): void => {
    this.#settleAll(call, "ABORTED", () => "the caller gave up");
  };

  /** A reply came. One that nobody waits for any more is dropped. */
  onReply(channel: Channel, id: number, outcomes: WireOutcome[]): void {
    const call = this.#calls.get(id);
    if (call !== undefined) this.#settle(call, channel, { ok: true, outcomes });
  }

  /** The node's link ended: nothing more comes from it. */
  onLeft(channel: Channel): void {
    for (const call of this.#calls.all()) this.#settle(call, channel, nodeLeft(channel));
  }

  /** Settles all calls now, and from now on: the center stops. */
  abort(reason: string): void {
    this.#aborted = reason;
    for (const call of this.#calls.all()) this.#settleAll(call, "ABORTED", () => reason);
  }

  /** The node has become a suspect: calls that wait for it do so for 100 ms more, unless it answers a ping. */
  onSuspect(channel: Channel): void {
    const calls = this.#calls.all().filter((call) => call.isMissing(channel));
    if (calls.length > 0) this.#settleSuspectsSoon([channel], calls);
  }

  #sendTo(call: PendingCall, channel: Channel, frame: Uint8Array): void {
    if (channel.leftReason !== undefined) {
      this.#settle(call, channel, nodeLeft(channel));
      return;
    }
    if (!channel.takes(frame.length)) {
      const { id, maxFrameBytes } = channel.member;
      const message = `the call has ${frame.length} bytes, over the ${maxFrameBytes} that node ${id} takes; it was not sent`;
      this.#settle(call, channel, { ok: false, code: "CALL_TOO_LARGE", message });
      return;
    }
    const queued = channel.queuedBytes;
    if (queued > 0 && queued + frame.length > this.#maxQueuedBytes) {
      const message = `node ${channel.member.id} is overloaded: ${queued} bytes wait for it; the call was not sent`;
      this.#settle(call, channel, { ok: false, code: "NODE_OVERLOADED", message });
      return;
    }
    channel.sendEncoded(frame, callKey(call.id));
  }

  #settle(call: PendingCall, channel: Channel, answer: NodeAnswer): void {
    if (call.settle(channel, answer) && call.missing === 0 && call.isSent) this.#finish(call);
  }

  #finish(call: PendingCall): void {
    clearTimeout(call.deadline);
    call.signal?.removeEventListener("abort", call);
    this.#calls.delete(call);
    call.finish();
  }

  /** Settles what is missing, and tells those nodes that nobody waits for them. */
  #settleAll(call: PendingCall, code: ErrorCode, message: (nodeId: string) => string): void {
    for (const channel of call.channels) {
      if (call.isMissing(channel)) this.#giveUp(call, channel, code, message(channel.member.id));
    }
  }

  #giveUp(call: PendingCall, channel: Channel, code: ErrorCode, message: string): void {
    channel.abandon(callKey(call.id));
    channel.send(["cancel", call.id]);
    this.#settle(call, channel, { ok: false, code, message });
  }

  #settleSuspectsSoon(suspects: readonly Channel[], calls: readonly PendingCall[]): void {
    // Behind the input that is there: where this process itself was held up, the answers have come and are not read yet.
    setTimeout(() => setImmediate(() => this.#settleSuspects(suspects, calls)), SUSPECT_WAIT_MS);
  }

  #settleSuspects(suspects: readonly Channel[], calls: readonly PendingCall[]): void {
    for (const channel of suspects) {
      if (!this.#isSuspect(channel)) continue;
      const message = `node ${channel.member.id} answers no pings; whether it ran the call is unknown`;
      for (const call of calls) {
        if (call.isMissing(channel)) this.#giveUp(call, channel, "NODE_TIMEOUT", message);
      }
    }
  }
}

function nodeLeft({ member, leftReason }: Channel): NodeAnswer {
  return {
    ok: false,
    code: "NODE_LEFT",
    message: `node ${member.id} left during the call: ${leftReason ?? ""}`,
  };
}

function callKey(id: number): string {
  return `call:${id}`;
}
