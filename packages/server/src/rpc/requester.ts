import {
  type ClusterRequest,
  clusterRequest,
  type FrameOf,
  isErrorCode,
  MAX_TIMEOUT_MS,
} from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
import { encodeLinkFrame } from "../wire/codec.js";
import { describeIssue } from "./check-command.js";
import type { Channel } from "./channel.js";

/** How long after its deadline a request still waits for the center, whose own deadline is the same. */
const LATE_MS = 250;

/** What a center answered: the nodes that it asked, and for each method an outcome at each node. */
export type ClusterAnswer = Extract<FrameOf<"answer">[2], readonly [true, ...unknown[]]>;

interface PendingRequest {
  channel: Channel;
  /** Whether the request may have left this process. */
  mayHaveLeft: boolean;
  onAnswer: (answer: FrameOf<"answer">[2]) => void;
  onLeft: () => void;
}

/**
 * A node's requests to the cluster, through any center that is linked: always the same one while it is and answers,
 * so that requests which follow one another arrive in order.
 *
 * A request goes to another center only where it surely was not run by the first: it never left this process, or the
 * center refused it. Else it ends as OUTCOME_UNKNOWN, and is never sent again in silence.
 */
export class Requester {
  readonly #channels: () => Iterable<Channel>;
  readonly #maxQueuedBytes: number;
  readonly #pending = new Map<number, PendingRequest>();
  #nextId = 1;
  #preferred: Channel | undefined;
  /** Centers that left a request without an answer and have answered nothing since: others are asked before them. */
  readonly #silent = new WeakSet<Channel>();

  /** @param options.maxQueuedBytes - that may wait for a center; an empty queue takes any request. */
  constructor(options: { channels: () => Iterable<Channel>; maxQueuedBytes: number }) {
    this.#channels = options.channels;
    this.#maxQueuedBytes = options.maxQueuedBytes;
  }

  /**
   * @throws CenterError INVALID_PARAMS, NO_CENTER, CENTER_BUSY, CALL_TOO_LARGE, OUTCOME_UNKNOWN, ABORTED, or what the
   *   center refused the request with.
   */
  async request(
    what: ClusterRequest,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<ClusterAnswer> {
    const checked = clusterRequest.safeParse(what);
    if (!checked.success) throw new CenterError("INVALID_PARAMS", describeIssue(checked.error.issues[0]));
    const endsAt = performance.now() + options.timeoutMs;
    const tried = new Set<Channel>();
    let refusal: CenterError | undefined;
    for (;;) {
      if (options.signal?.aborted === true)
        throw new CenterError("ABORTED", "the request was given up; it was not run");
      const channel = this.#pick(tried);
      if (channel === undefined) {
        throw refusal ?? new CenterError("NO_CENTER", "no center is linked: the request was not sent");
      }
      tried.add(channel);
      const timeoutMs = Math.max(0, endsAt - performance.now());
      const id = this.#nextId++;
      const frame = encodeLinkFrame(["request", id, Math.round(timeoutMs), what]);
      const fault = this.#faultOf(channel, frame.length);
      if (fault !== undefined) {
        refusal = fault;
        continue;
      }
      const answer = await this.#ask(channel, id, frame, timeoutMs, options.signal);
      if (answer === "not sent") continue;
      if (answer[0]) return answer;
      const [, code, message] = answer;
      refusal = new CenterError(isErrorCode(code) ? code : "INTERNAL", message);
      if (refusal.code !== "CENTER_BUSY") throw refusal;
    }
  }

  onAnswer(channel: Channel, [, id, answer]: FrameOf<"answer">): void {
    this.#silent.delete(channel);
    const pending = this.#pending.get(id);
    if (pending?.channel === channel) pending.onAnswer(answer);
  }

  onLeft(channel: Channel): void {
    if (this.#preferred === channel) this.#preferred = undefined;
    for (const pending of [...this.#pending.values()]) if (pending.channel === channel) pending.onLeft();
  }

  #pick(tried: ReadonlySet<Channel>): Channel | undefined {
    const preferred = this.#preferred;
    if (preferred !== undefined && !tried.has(preferred) && !this.#silent.has(preferred)) return preferred;
    const candidates = [...this.#channels()].filter((channel) => !tried.has(channel));
    const channel = candidates.find((candidate) => !this.#silent.has(candidate)) ?? candidates[0];
    if (channel !== undefined) this.#preferred = channel;
    return channel;
  }

  /** Why the request cannot go to that center: it is not sent then. */
  #faultOf(channel: Channel, frameBytes: number): CenterError | undefined {
    const { id, maxFrameBytes } = channel.member;
    if (!channel.takes(frameBytes)) {
      const text = `the request has ${frameBytes} bytes, over the ${maxFrameBytes} that center ${id} takes; it was not sent`;
      return new CenterError("CALL_TOO_LARGE", text);
    }
    const queued = channel.queuedBytes;
    if (queued > 0 && queued + frameBytes > this.#maxQueuedBytes) {
      const text = `${queued} bytes wait for center ${id}; the request was not sent`;
      return new CenterError("CENTER_BUSY", text);
    }
    return undefined;
  }

  #ask(
    channel: Channel,
    id: number,
    frame: Uint8Array,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<FrameOf<"answer">[2] | "not sent"> {
    const key = `request:${id}`;
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#pending.delete(id);
        end();
      };
      const unknown = (why: string): void => {
        const text = `${why}; whether nodes ran the request is unknown`;
        settle(() => reject(new CenterError("OUTCOME_UNKNOWN", text)));
      };
      /** Takes back what is left of the request, and tells whether some of it may have gone. */
      const mayHaveLeftAtEnd = (): boolean => {
        this.#pending.delete(id);
        channel.abandon(key);
        if (pending.mayHaveLeft && channel.leftReason === undefined) channel.send(["cancel", id]);
        return pending.mayHaveLeft;
      };
      const onAbort = (): void => {
        const how = mayHaveLeftAtEnd() ? "nodes may have run it" : "it was not sent";
        settle(() => reject(new CenterError("ABORTED", `the request was given up; ${how}`)));
      };
      const timer = setTimeout(
        () => {
          const ms = Math.round(timeoutMs);
          this.#silent.add(channel);
          if (mayHaveLeftAtEnd()) {
            unknown(`the center gave no answer in ${ms} ms`);
            return;
          }
          const text = `the center did not take the request in ${ms} ms; it was not sent`;
          settle(() => reject(new CenterError("CENTER_BUSY", text)));
        },
        Math.min(timeoutMs + LATE_MS, MAX_TIMEOUT_MS),
      );
      const pending: PendingRequest = {
        channel,
        mayHaveLeft: true,
        onAnswer: (answer) => settle(() => resolve(answer)),
        onLeft: () => {
          if (pending.mayHaveLeft) unknown("the link to the center ended before it answered");
          else settle(() => resolve("not sent"));
        },
      };
      this.#pending.set(id, pending);
      signal?.addEventListener("abort", onAbort, { once: true });
      channel.sendEncoded(frame, key, (left) => {
        pending.mayHaveLeft = left;
        // The link may have ended before it told so.
        if (!left && this.#pending.has(id)) pending.onLeft();
      });
    });
  }
}
