import type { Channel } from "./channel.js";

interface Asked {
  readonly id: number;
  readonly run: () => void;
}

/** What a peer asks for, in its order, until it is run. */
interface Waiting {
  readonly channel: Channel;
  asked: Asked[];
  /** Ids that were taken back meanwhile. */
  takenBack: Set<number> | undefined;
}

/** How often one looks whether all that came during a silence has been read. */
const CATCH_UP_MS = 5;

/**
 * What peers ask for, in their order, held until the input that is there has been read: what is taken back by then is
 * not run at all. A process that was stopped finds old calls and their `cancel` frames together when it wakes. What has
 * begun and takes its time is told when it is taken back.
 */
export class Intake {
  /**
   * Of each link. No call comes into a Map by itself: the tables that a Map outgrows hold each other, and all that was in
   * them, until a full garbage collection.
   */
  readonly #waiting = new WeakMap<Channel, Waiting>();
  /** Those of them that have something. */
  #busy: Waiting[] = [];
  /** What runs, by the link that it came over and its id. */
  readonly #running = new Map<Channel, Map<number, AbortController>>();
  readonly #onFault: (error: unknown) => void;
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Runs it in this turn of the event loop, after its input; later where the channel is catching up. */
  take(channel: Channel, id: number, run: () => void): void {
    const waiting = this.#waitingOf(channel);
    if (waiting.asked.length === 0) this.#busy.push(waiting);
    waiting.asked.push({ id, run });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#runReady();
    });
  }

  /** It runs from now on, until `end`; aborted when nobody waits for it any more. */
  begin(channel: Channel, id: number): AbortController {
    const controller = new AbortController();
    const running = this.#running.get(channel) ?? new Map<number, AbortController>();
    this.#running.set(channel, running.set(id, controller));
    return controller;
  }

  end(channel: Channel, id: number): void {
    const running = this.#running.get(channel);
    running?.delete(id);
    if (running?.size === 0) this.#running.delete(channel);
  }

  /** How many run that came over that link. */
  runningOf(channel: Channel): number {
    return this.#running.get(channel)?.size ?? 0;
  }

  cancel(channel: Channel, id: number): void {
    const waiting = this.#waiting.get(channel);
    if (waiting !== undefined && waiting.asked.length > 0) (waiting.takenBack ??= new Set()).add(id);
    this.#running.get(channel)?.get(id)?.abort();
  }

  /** The link ended: nobody waits for what it asked. */
  onLeft(channel: Channel): void {
    this.#waiting.delete(channel);
    this.#busy = this.#busy.filter((waiting) => waiting.channel !== channel);
    if (this.#busy.length === 0) clearTimeout(this.#timer);
    for (const controller of this.#running.get(channel)?.values() ?? []) controller.abort();
    this.#running.delete(channel);
  }

  #runReady(): void {
    clearTimeout(this.#timer);
    const busy = this.#busy;
    this.#busy = [];
    for (const waiting of busy) {
      if (waiting.channel.lookWhetherCaughtUp()) this.#runAll(waiting);
      else this.#busy.push(waiting);
    }
    if (this.#busy.length > 0) this.#timer = setTimeout(() => this.#runReady(), CATCH_UP_MS);
  }

  #waitingOf(channel: Channel): Waiting {
    const known = this.#waiting.get(channel);
    if (known !== undefined) return known;
    const waiting: Waiting = { channel, asked: [], takenBack: undefined };
    this.#waiting.set(channel, waiting);
    return waiting;
  }

  #runAll(waiting: Waiting): void {
    const { asked, takenBack } = waiting;
    waiting.asked = [];
    waiting.takenBack = undefined;
    for (const { id, run } of asked) if (takenBack?.has(id) !== true) this.#run(run);
  }

  #run(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#onFault(error);
    }
  }
}
