import type { CommandName } from "@websocket-center/protocol";
import { type Attempt, unknown } from "./attempt.js";
import { type Center, Centers } from "./centers.js";
import { commandTable } from "./commands.js";
import { CenterError } from "./errors.js";
import type { Exchange } from "./http-port.js";
import { checkTimeout, type ResolvedOptions } from "./options.js";
import { type CallOptions, type ClusterResult, isRecord, resultOfNodes } from "./results.js";
import type { LineCall } from "./stream.js";

/** Until when, and for whom. */
interface Frame {
  /** By `performance.now()`. */
  endsAt: number;
  signal?: AbortSignal | undefined;
}

type Result = ClusterResult<CommandName>;
export type CommandAttempt = { ok: true; result: Result } | { ok: false; error: CenterError };

/**
 * Takes calls to centers until one answers or the time is up. A call goes to another center only where it surely was not
 * run, or where running it twice does no harm.
 */
export class Calls {
  readonly #options: ResolvedOptions;
  readonly #centers: Centers;
  readonly #running = new Set<Promise<unknown>>();
  #count = 0;
  #isClosed = false;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#centers = new Centers(options);
  }

  run(command: CommandName, params: object, options?: CallOptions): Promise<Result> {
    return this.#admit(1, options, (frame) => this.#command({ command, params, ...frame }));
  }

  /** In order for each target. Never rejects for one of them. */
  batch(
    commands: readonly { command: CommandName; params: object }[],
    options?: CallOptions,
  ): Promise<CommandAttempt[]> {
    return this.#admit(commands.length, options, (frame) =>
      this.#inOrder(commands.map(({ command, params }) => ({ command, params, ...frame }))),
    );
  }

  /** @param ask - `body`: the same at every center, but for the time that is left. */
  ask(
    ask: Pick<Exchange, "method" | "path" | "isRead"> & { body?: (timeoutMs: number) => object },
    options?: CallOptions,
  ): Promise<unknown> {
    const { body } = ask;
    return this.#admit(1, options, (frame) =>
      this.#untilAnswered(frame, ask.isRead, ({ port }) =>
        port.exchange({
          ...ask,
          ...frame,
          ...(body === undefined ? {} : { body: () => JSON.stringify(body(timeLeftMs(frame))) }),
        } as Exchange),
      ),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
    this.#centers.close();
  }

  async #admit<T>(
    count: number,
    { timeoutMs = this.#options.timeoutMs, signal }: CallOptions = {},
    begin: (frame: Frame) => Promise<T>,
  ): Promise<T> {
    if (this.#isClosed) throw new CenterError("CLOSED", "the back end was closed");
    const { maxInFlight } = this.#options;
    if (this.#count + count > maxInFlight) {
      throw new CenterError(
        "QUEUE_FULL",
        `${this.#count} calls are under way, of ${maxInFlight} that may be`,
      );
    }
    const endsAt = performance.now() + checkTimeout(timeoutMs, "INVALID_PARAMS");
    const running = begin({ endsAt, signal });
    this.#count += count;
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#count -= count;
      this.#running.delete(running);
    }
  }

  #command(call: LineCall): Promise<Result> {
    const isRead = commandTable[call.command].scope === "read";
    return this.#untilAnswered(call, isRead, (center) =>
      center.servesBatch ? center.stream.send(call) : single(center, call, isRead),
    );
  }

  async #untilAnswered<T>(
    frame: Frame,
    isRead: boolean,
    call: (center: Center) => Promise<Attempt<T>>,
  ): Promise<T> {
    const refusedBy = new Set<Center>();
    let last: CenterError | undefined;
    for (;;) {
      const center = await this.#centers.next(refusedBy, frame);
      if (center === undefined || isGivenUp(frame)) throw this.#noneLeft(frame, last);
      const attempt = await call(center);
      if (attempt.kind === "answered") {
        center.worked();
        return attempt.value;
      }
      last = attempt.error;
      if (isGivenUp(frame)) throw aborted(attempt.kind === "unknown");
      if (attempt.kind === "unknown" && !isRead) {
        if (attempt.verdict === "rest") center.rest(last.message);
        throw last;
      }
      switch (attempt.verdict) {
        case "final":
          throw last;
        case "elsewhere":
          refusedBy.add(center);
          break;
        case "rest":
          if (performance.now() < frame.endsAt) center.rest(last.message);
          break;
        case "again":
          break;
      }
    }
  }

  /**
   * All lines go on one stream. Of those that were not run, the ones behind the last that was settled go on together;
   * one before it stays undone, or it would be overtaken.
   */
  async #inOrder(calls: readonly LineCall[]): Promise<CommandAttempt[]> {
    const done: CommandAttempt[] = [];
    const refusedBy = new Set<Center>();
    let last: CenterError | undefined;
    while (done.length < calls.length) {
      const left = calls.slice(done.length);
      const [first] = left;
      if (first === undefined) break;
      const center = await this.#centers.next(refusedBy, first);
      if (center === undefined || isGivenUp(first)) {
        const error = this.#noneLeft(first, last);
        return [...done, ...left.map(() => ({ ok: false as const, error }))];
      }
      if (!center.servesBatch) {
        done.push(await this.#command(first).then(good, bad));
        continue;
      }
      const { stream } = center;
      const attempts = await Promise.all(left.map((call) => stream.send(call)));
      const settled = 1 + attempts.findLastIndex((attempt, at) => !mayMoveOn(attempt, left[at]));
      done.push(...attempts.slice(0, settled).map(toCommandAttempt));
      const next = attempts[settled];
      if (next === undefined || next.kind === "answered") continue;
      last = next.error;
      if (next.verdict === "elsewhere") refusedBy.add(center);
      if (next.verdict === "rest" && !isGivenUp(first) && performance.now() < first.endsAt) {
        center.rest(last.message);
      }
    }
    return done;
  }

  #noneLeft(frame: Frame, last: CenterError | undefined): CenterError {
    if (isGivenUp(frame)) return aborted(false);
    return last ?? new CenterError("NO_CENTER", `no center took the call in time: ${this.#centers.whyNone}`);
  }
}

/** One command by itself: the centers answer what each node says. */
async function single(center: Center, call: LineCall, isRead: boolean): Promise<Attempt<Result>> {
  const { command, params, endsAt, signal } = call;
  const body = (): string => JSON.stringify({ mode: "all", params, timeoutMs: timeLeftMs(call) });
  const path = `services/websocket/${command}`;
  const attempt = await center.port.exchange({ method: "POST", path, body, isRead, endsAt, signal });
  if (attempt.kind === "not-run" && attempt.error.code === "UNKNOWN_SERVICE") {
    // Every node has the hub: the center has just begun, and knows none yet.
    const error = new CenterError("NO_NODE", `${center.port.url.origin}: no node is linked`);
    return { kind: "not-run", error, verdict: "rest" };
  }
  if (attempt.kind !== "answered") return attempt;
  const result = isRecord(attempt.value) ? resultOfNodes(command, attempt.value["results"]) : undefined;
  if (result !== undefined) return { kind: "answered", value: result };
  return unknown(`${center.port.url.origin} answered what no center answers`);
}

function mayMoveOn(attempt: Attempt<unknown>, call: LineCall | undefined): boolean {
  if (attempt.kind === "answered") return false;
  if (attempt.kind === "not-run") return attempt.verdict !== "final";
  return call !== undefined && commandTable[call.command].scope === "read";
}

function toCommandAttempt(attempt: Attempt<Result>): CommandAttempt {
  return attempt.kind === "answered" ? good(attempt.value) : { ok: false, error: attempt.error };
}

function good(result: Result): CommandAttempt {
  return { ok: true, result };
}

function bad(error: unknown): CommandAttempt {
  if (error instanceof CenterError) return { ok: false, error };
  throw error;
}

function aborted(mayHaveRun: boolean): CenterError {
  const how = mayHaveRun ? "nodes may have run it" : "it was not run";
  return new CenterError("ABORTED", `the call was given up; ${how}`);
}

function isGivenUp({ signal }: Frame): boolean {
  return signal?.aborted === true;
}

function timeLeftMs({ endsAt }: Frame): number {
  return Math.max(1, Math.ceil(endsAt - performance.now()));
}
