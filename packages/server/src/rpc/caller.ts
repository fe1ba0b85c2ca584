import type { ErrorCode, WireOutcome } from "@websocket-center/protocol";
import type { Member } from "../backplane/backplane.js";
import { CenterError } from "../errors.js";
import type { CallSignal } from "../call-signal.js";
import type { Channel } from "./channel.js";
import { encodeLinkFrame } from "../wire/codec.js";

/** How long calls wait for a suspect. */
export const SUSPECT_WAIT_MS = 100;

/** What came of a call at one node: an outcome for each method, or why there is none. */
export type NodeAnswer =
  | { ok: true; outcomes: WireOutcome[] }
  | { ok: false; code: ErrorCode; message: string };

/** A call until its last node has settled. */
class PendingCall {
  readonly id: number;
  /** The nodes that have not settled. The call is over when it is empty. */
  readonly missing: Set<Channel>;
  readonly answers: Map<Member, NodeAnswer>;
  readonly timeoutMs: number;
  /** Ends what was set up for the call, and hands on its answers. */
  finish: () => void = () => {};

  constructor(id: number, missing: Set<Channel>, answers: Map<Member, NodeAnswer>, timeoutMs: number) {
    this.id = id;
    this.missing = missing;
    this.answers = answers;
    this.timeoutMs = timeoutMs;
  }
}

/**
 * Calls to nodes, many in flight at once. Each settles for each expected node id, as its reply, the deadline, or the
 * node's leaving; never by counting replies.
 */
export class Caller {
  readonly #maxQueuedBytes: number;
  readonly #isSuspect: (channel: Channel) => boolean;
  readonly #calls = new Map<number, PendingCall>();
  #nextId = 1;
  /** Why calls are not sent any more. */
  #aborted: string | undefined;

  constructor(options: { maxQueuedBytes: number; isSuspect: (channel: Channel) => boolean }) {
    this.#maxQueuedBytes = options.maxQueuedBytes;
    this.#isSuspect = options.isSuspect;
  }

  /** The number, on links, of the call that was begun last. */
  get latestCall(): number {
    return this.#nextId - 1;
  }

  get pendingCalls(): number {
    return this.#calls.size;
  }

  /**
   * Runs methods of a service, in order, at each of the nodes.
   *
   * Settles when every node has, at the latest after `timeoutMs`; the caller's `signal` settles it at once, as
   * ABORTED for the nodes that are missing then. Never rejects.
   */
  call(
    channels: Iterable<Channel>,
    service: string,
    methods: readonly { name: string; params: unknown }[],
    options: { timeoutMs: number; signal?: CallSignal | undefined },
  ): Promise<Map<Member, NodeAnswer>> {
    const { timeoutMs, signal } = options;
    const id = this.#nextId++;
    const answers = new Map<Member, NodeAnswer>();
    const missing = new Set(channels);
    const notSent = this.#aborted ?? (signal?.aborted === true ? "the caller gave up" : undefined);
    if (notSent !== undefined) {
      const message = `${notSent}; the call was not sent`;
      for (const { member } of missing) answers.set(member, { ok: false, code: "ABORTED", message });
      missing.clear();
    }
    if (missing.size === 0) return Promise.resolve(answers);
    const frame = encodeCall(id, service, timeoutMs, methods);
    if (frame instanceof CenterError) {
      const { code, message } = frame;
      for (const { member } of missing) answers.set(member, { ok: false, code, message });
      return Promise.resolve(answers);
    }
    const call = new PendingCall(id, missing, answers, timeoutMs);
    return new Promise((resolve) => {
      const onAbort = (): void => this.#settleAll(call, "ABORTED", () => "the caller gave up");
      const deadline = setTimeout(this.#onDeadline, timeoutMs, call);
      call.finish = () => {
        clearTimeout(deadline);
        signal?.removeEventListener("abort", onAbort);
        this.#calls.delete(id);
        resolve(answers);
      };
      this.#calls.set(id, call);
      signal?.addEventListener("abort", onAbort);
      let suspects: Channel[] | undefined;
      for (const channel of missing) if (this.#isSuspect(channel)) (suspects ??= []).push(channel);
      // Sending may settle at once, and a set can be iterated while it shrinks.
      for (const channel of missing) this.#send(call, channel, frame);
      if (suspects !== undefined) this.#settleSuspectsSoon(suspects, [call]);
    });
  }

  readonly #onDeadline = (call: PendingCall): void => {
    const ms = Math.round(call.timeoutMs);
    this.#settleAll(call, "NODE_TIMEOUT", (node) => `node ${node} gave no reply in ${ms} ms`);
  };

  /** A reply came. One that nobody waits for any more is dropped. */
  onReply(channel: Channel, id: number, outcomes: WireOutcome[]): void {
    const call = this.#calls.get(id);
    if (call?.missing.has(channel) === true) this.#settle(call, channel, { ok: true, outcomes });
  }

  /** The node's link ended: nothing more comes from it. */
  onLeft(channel: Channel): void {
    for (const call of [...this.#calls.values()]) this.#settle(call, channel, nodeLeft(channel));
  }

  /** Settles all calls now, and from now on: the center stops. */
  abort(reason: string): void {
    this.#aborted = reason;
    for (const call of [...this.#calls.values()]) this.#settleAll(call, "ABORTED", () => reason);
  }

  /** The node has become a suspect: calls that wait for it do so for 100 ms more, unless it answers a ping. */
  onSuspect(channel: Channel): void {
    const calls = [...this.#calls.values()].filter((call) => call.missing.has(channel));
    if (calls.length > 0) this.#settleSuspectsSoon([channel], calls);
  }

  #send(call: PendingCall, channel: Channel, frame: Uint8Array): void {
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
    if (!call.missing.delete(channel)) return;
    call.answers.set(channel.member, answer);
    if (call.missing.size === 0) call.finish();
  }

  /** Settles what is missing, and tells those nodes that nobody waits for them. */
  #settleAll(call: PendingCall, code: ErrorCode, message: (nodeId: string) => string): void {
    for (const channel of [...call.missing]) this.#giveUp(call, channel, code, message(channel.member.id));
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
        if (call.missing.has(channel)) this.#giveUp(call, channel, "NODE_TIMEOUT", message);
      }
    }
  }
}

function encodeCall(
  id: number,
  service: string,
  timeoutMs: number,
  methods: readonly { name: string; params: unknown }[],
): Uint8Array | CenterError {
  try {
    return encodeLinkFrame([
      "call",
      id,
      service,
      Math.max(0, Math.round(timeoutMs)),
      methods.map(({ name, params }) => [name, params]),
    ]);
  } catch (error) {
    if (error instanceof CenterError) return error;
    throw error;
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
