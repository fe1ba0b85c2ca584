import { type ClusterRequest, type FrameOf, isErrorCode } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
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
 * A node's requests to the cluster, through any center that is linked: always the same one while it is, so that
 * requests which follow one another arrive in order.
 *
 * A request goes to another center only where it surely was not run by the first: it never left this process, or the
 * center refused it. Else it ends as OUTCOME_UNKNOWN, and is never sent again in silence.
 */
export class Requester {
  readonly #channels: () => Iterable<Channel>;
  readonly #pending = new Map<number, PendingRequest>();
  #nextId = 1;
  #preferred: Channel | undefined;

  constructor(options: { channels: () => Iterable<Channel> }) {
    this.#channels = options.channels;
  }

  /**
   * @throws CenterError NO_CENTER, CENTER_BUSY, OUTCOME_UNKNOWN, ABORTED, or what the center refused the request with.
   */
  async request(
    what: ClusterRequest,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<ClusterAnswer> {
    const endsAt = performance.now() + options.timeoutMs;
    const tried = new Set<Channel>();
    let refusal = new CenterError("NO_CENTER", "no center is linked: the request was not sent");
    for (;;) {
      if (options.signal?.aborted === true)
        throw new CenterError("ABORTED", "the request was given up; it was not run");
      const channel = this.#pick(tried);
      if (channel === undefined) throw refusal;
      tried.add(channel);
      const timeoutMs = Math.max(0, endsAt - performance.now());
      const answer = await this.#ask(channel, what, timeoutMs, options.signal);
      if (answer === "not sent") continue;
      if (answer[0]) return answer;
      const [, code, message] = answer;
      refusal = new CenterError(isErrorCode(code) ? code : "INTERNAL", message);
      if (refusal.code !== "CENTER_BUSY") throw refusal;
    }
  }

  onAnswer(channel: Channel, [, id, answer]: FrameOf<"answer">): void {
    const pending = this.#pending.get(id);
    if (pending?.channel === channel) pending.onAnswer(answer);
  }

  onLeft(channel: Channel): void {
    if (this.#preferred === channel) this.#preferred = undefined;
    for (const pending of [...this.#pending.values()]) if (pending.channel === channel) pending.onLeft();
  }

  #pick(tried: ReadonlySet<Channel>): Channel | undefined {
    const preferred = this.#preferred;
    if (preferred !== undefined && !tried.has(preferred)) return preferred;
    for (const channel of this.#channels()) {
      if (tried.has(channel)) continue;
      this.#preferred = channel;
      return channel;
    }
    return undefined;
  }

  #ask(
    channel: Channel,
    what: ClusterRequest,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<FrameOf<"answer">[2] | "not sent"> {
    const id = this.#nextId++;
    const key = `request:${id}`;
    return new Promise((resolve, reject) => {
      const unknown = (why: string): void => {
        const text = `${why}; whether nodes ran the request is unknown`;
        settle(() => reject(new CenterError("OUTCOME_UNKNOWN", text)));
      };
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#pending.delete(id);
        end();
      };
      const giveUp = (end: () => void): void => {
        channel.abandon(key);
        if (channel.leftReason === undefined) channel.send(["cancel", id]);
        settle(end);
      };
      const onAbort = (): void =>
        giveUp(() => reject(new CenterError("ABORTED", "the request was given up; nodes may have run it")));
      const timer = setTimeout(() => {
        giveUp(() => undefined);
        unknown(`the center gave no answer in ${Math.round(timeoutMs)} ms`);
      }, timeoutMs + LATE_MS);
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
      channel.send(["request", id, Math.round(timeoutMs), what], key, (left) => {
        pending.mayHaveLeft = left;
        // The link may have ended before it told so.
        if (!left && this.#pending.has(id)) pending.onLeft();
      });
    });
  }
}
