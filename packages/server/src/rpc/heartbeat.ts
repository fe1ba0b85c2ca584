import type { FrameOf, NodeStatus } from "@websocket-center/protocol";
import type { Channel } from "./channel.js";
import { CenterError } from "../errors.js";
import { encodeLinkFrame } from "../wire/codec.js";

/** Who has answered no ping for this long is suspect. */
export const SUSPECT_MS = 1000;

/** A write for each takes some microseconds: a beat to a thousand nodes must not hold up calls. */
const PINGS_PER_TURN = 64;

/** In how many parts the silence after which a center is given up is counted. */
const SILENT_TICKS = 15;

interface Pulse {
  unanswered: { number: number; sentAt: number }[];
  answeredAt: number;
  suspect: boolean;
  /** Set while it may become a suspect before the next beat. */
  timer: NodeJS.Timeout | undefined;
  status: NodeStatus | undefined;
  /** Pings that somebody waits for. */
  asked: Map<number, { resolve: (status: NodeStatus) => void; reject: (error: CenterError) => void }>;
}

/**
 * The center's side: pings every node, knows who is suspect, and gives up who stays silent.
 *
 * Silence is counted in pings without an answer, not by the clock: while this process is stopped it sends none,
 * so that nobody is given up for its own sleep.
 */
export class Pinger {
  readonly #pulses = new Map<Channel, Pulse>();
  /** It beats from the first node on. */
  #timer: NodeJS.Timeout | undefined;
  readonly #heartbeatMs: number;
  readonly #maxUnanswered: number;
  readonly #silenceMs: number;
  readonly #onSuspect: (channel: Channel) => void;
  #number = 0;

  constructor(options: { heartbeatMs: number; silenceMs: number; onSuspect: (channel: Channel) => void }) {
    this.#heartbeatMs = options.heartbeatMs;
    this.#maxUnanswered = Math.max(2, Math.ceil(options.silenceMs / options.heartbeatMs));
    this.#silenceMs = options.silenceMs;
    this.#onSuspect = options.onSuspect;
  }

  add(channel: Channel): void {
    this.#timer ??= setInterval(() => this.#beat(), this.#heartbeatMs);
    this.#pulses.set(channel, {
      unanswered: [],
      answeredAt: performance.now(),
      suspect: false,
      timer: undefined,
      status: channel.member.node?.status,
      asked: new Map(),
    });
  }

  remove(channel: Channel): void {
    const pulse = this.#pulses.get(channel);
    this.#pulses.delete(channel);
    if (pulse !== undefined) giveUp(channel, pulse);
  }

  /**
   * Asks the node at once what it holds. It answers behind what was sent to it before, so with all that this has done.
   *
   * @throws CenterError NODE_TIMEOUT or NODE_LEFT
   */
  async ask(channel: Channel, timeoutMs: number): Promise<NodeStatus> {
    const { id } = channel.member;
    const pulse = this.#pulses.get(channel);
    if (pulse === undefined) throw new CenterError("NODE_LEFT", `node ${id} is not linked any more`);
    this.#number += 1;
    const number = this.#number;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<NodeStatus>((resolve, reject) => {
        pulse.asked.set(number, { resolve, reject });
        timer = setTimeout(
          () => reject(new CenterError("NODE_TIMEOUT", `node ${id} gave no answer in ${timeoutMs} ms`)),
          timeoutMs,
        );
        channel.send(["ping", number]);
      });
    } finally {
      clearTimeout(timer);
      pulse.asked.delete(number);
    }
  }

  isSuspect(channel: Channel): boolean {
    const pulse = this.#pulses.get(channel);
    return pulse !== undefined && msUntilSuspect(pulse) <= 0;
  }

  /** What the node last said that it holds. */
  statusOf(channel: Channel): NodeStatus | undefined {
    return this.#pulses.get(channel)?.status;
  }

  /** @returns when the ping that is answered was about to be sent; undefined where it was none of a beat. */
  onPong(channel: Channel, [, number, status]: FrameOf<"pong">): number | undefined {
    const pulse = this.#pulses.get(channel);
    if (pulse === undefined) return undefined;
    const answered = pulse.unanswered.find((ping) => ping.number === number);
    pulse.unanswered = pulse.unanswered.filter((ping) => ping.number > number);
    pulse.answeredAt = performance.now();
    pulse.suspect = false;
    pulse.status = status;
    pulse.asked.get(number)?.resolve(status);
    return answered?.sentAt;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const [channel, pulse] of this.#pulses) giveUp(channel, pulse);
    this.#pulses.clear();
  }

  #beat(): void {
    this.#number += 1;
    this.#ping(this.#number, encodeLinkFrame(["ping", this.#number]), [...this.#pulses].values());
  }

  /** Pings the nodes that are left, some in each turn of the event loop. */
  #ping(number: number, frame: Uint8Array, left: Iterator<[Channel, Pulse]>): void {
    const sentAt = performance.now();
    for (let count = 0; count < PINGS_PER_TURN; count += 1) {
      const next = left.next();
      if (next.done === true) return;
      const [channel, pulse] = next.value;
      if (this.#pulses.get(channel) !== pulse) continue;
      if (pulse.unanswered.length >= this.#maxUnanswered) {
        channel.end(`it answered no ping for ${this.#silenceMs} ms`);
        continue;
      }
      pulse.unanswered.push({ number, sentAt });
      channel.sendEncoded(frame, "");
      this.#watch(channel, pulse);
    }
    setImmediate(() => this.#ping(number, frame, left));
  }

  /** Notices when the node becomes a suspect, which may be just after a beat: calls wait for that moment. */
  #watch(channel: Channel, pulse: Pulse): void {
    if (pulse.suspect || this.#pulses.get(channel) !== pulse) return;
    const ms = msUntilSuspect(pulse);
    if (ms <= 0) {
      pulse.suspect = true;
      this.#onSuspect(channel);
    } else if (ms < this.#heartbeatMs) {
      clearTimeout(pulse.timer);
      pulse.timer = setTimeout(() => this.#watch(channel, pulse), Math.ceil(ms));
    }
  }
}

/** Infinity while no ping waits for its answer. */
function msUntilSuspect({ unanswered: [oldest], answeredAt }: Pulse): number {
  if (oldest === undefined) return Infinity;
  return Math.max(oldest.sentAt, answeredAt) + SUSPECT_MS - performance.now();
}

function giveUp({ member }: Channel, { asked, timer }: Pulse): void {
  clearTimeout(timer);
  const error = new CenterError("NODE_LEFT", `node ${member.id} left before it answered`);
  for (const { reject } of asked.values()) reject(error);
}

/** The node's side: answers pings, and gives up a center that sends none. */
export class PingWatch {
  readonly #silentTicks = new Map<Channel, number>();
  /** It watches from the first center on. */
  #timer: NodeJS.Timeout | undefined;
  readonly #silenceMs: number;
  readonly #status: () => NodeStatus;
  readonly #interestNumber: (channel: Channel) => number;

  /** @param options.interestNumber - of the last interest frame that was sent on the link. */
  constructor(options: {
    silenceMs: number;
    status: () => NodeStatus;
    interestNumber: (channel: Channel) => number;
  }) {
    this.#silenceMs = options.silenceMs;
    this.#status = options.status;
    this.#interestNumber = options.interestNumber;
  }

  add(channel: Channel): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#silenceMs / SILENT_TICKS);
    this.#silentTicks.set(channel, 0);
  }

  remove(channel: Channel): void {
    this.#silentTicks.delete(channel);
  }

  onPing(channel: Channel, [, number]: FrameOf<"ping">): void {
    this.#silentTicks.set(channel, 0);
    channel.send(["pong", number, this.#status(), this.#interestNumber(channel)]);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#silentTicks.clear();
  }

  /** Silence is counted in ticks that this process has lived through, as in Pinger. */
  #tick(): void {
    for (const [channel, silent] of [...this.#silentTicks]) {
      if (silent >= SILENT_TICKS) channel.end(`it sent no ping for ${this.#silenceMs} ms`);
      else this.#silentTicks.set(channel, silent + 1);
    }
  }
}
