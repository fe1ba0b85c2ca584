import type { AuditLog } from "../../audit.js";
import type { Principal } from "../../http/access.js";
import type { ParamLimits } from "../../http/classic-params.js";
import { type Line, LineSplitter } from "../../http/line-splitter.js";
import { PacedWriter } from "../../http/paced-writer.js";
import { ABORTED_STATUS, type RouteEnd, type StreamRequest } from "../../http/routes.js";
import type { CallOrigin, SettledCall } from "../operations/call-traces.js";
import { Pipeline, type PipelineParts } from "../pipeline.js";
import { answerText, BatchEntry } from "./batch-entry.js";
import { type LineError, readBatchLine } from "./batch-line.js";
import type { PlaceFailure } from "./classic.js";
import { streamHeaders } from "./ndjson.js";

/** How often one looks whether the token still counts. */
const IDENTIFY_MS = 1000;
/** Commands of one stream that may be under way. */
const MAX_IN_FLIGHT = 4096;
/** What their lines, and what they may answer, may take together. */
const MAX_IN_FLIGHT_BYTES = 4 * 1024 * 1024;
/** Results that may wait for a caller before no more lines are read. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
/** How long a caller may take for one part of what waits for it (PacedWriter). */
const STALL_MS = 30_000;
/** How long lines are refused, one by one, before the answer ends when the center stops. */
const REFUSING_MS = 1000;
/** How long, after that, what still comes is thrown away. */
const LINGER_MS = 2000;

export interface BatchOptions {
  pipeline: PipelineParts;
  audit: AuditLog;
  limits: ParamLimits & { maxBodyBytes: number };
  defaultTimeoutMs: number;
  reports: BatchReports;
  /** Told of each command that has settled. */
  onSettled: (call: SettledCall) => void;
  linkedNodes: () => number;
}

/** What is told of streams: commands that failed at a node, faults of ours, and their end. */
export interface BatchReports {
  requestFailed: (error: unknown, callId: string) => void;
  placesFailed: (callId: string, failures: readonly PlaceFailure[]) => void;
  batchEnded: (callId: string, counts: BatchCounts) => void;
}

/** Lines of a stream: those whose commands were taken, and those that were refused. */
export interface BatchCounts {
  taken: number;
  refused: number;
}

/**
 * One `POST /batch`: a line in, a command to the nodes that it concerns, a line out when it is answered.
 *
 * Reads no further while too many commands are under way, or while too many results wait for a caller that does not
 * read them; one that takes no part of them for 30 s is cut off. When the caller goes away, what was sent runs.
 */
export class BatchStream {
  readonly ended: Promise<RouteEnd>;
  readonly #request: StreamRequest;
  readonly #options: BatchOptions;
  readonly #counts: BatchCounts;
  readonly #own: BatchCounts = { taken: 0, refused: 0 };
  readonly #lines: LineSplitter;
  readonly #pipeline: Pipeline<BatchEntry>;
  readonly #writer: PacedWriter;
  #lineNumber = 0;
  #inFlight = 0;
  #inFlightBytes = 0;
  #now = performance.now();
  readonly #origin: CallOrigin;
  #principal: Principal;
  #identifiedAt = this.#now;
  #refusing: NodeJS.Timeout | undefined;
  #isFlushing = false;
  #isPaused = false;
  #isRead = false;
  #isStopping = false;
  /** Its last line is out, or on its way. */
  #isEnding = false;
  #isOver = false;
  #end: (end: RouteEnd) => void = () => {};

  /** @param body - all of it, where it was read before. */
  constructor(request: StreamRequest, options: BatchOptions, counts: BatchCounts, body: Buffer | undefined) {
    this.#principal = request.principal;
    this.#request = request;
    this.#options = options;
    this.#counts = counts;
    const { req, res, callId, cors } = request;
    this.#origin = { callId, via: "batch", principal: request.principal.name };
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#lines = new LineSplitter(options.limits.maxBodyBytes, (line) => this.#onLine(line));
    this.#pipeline = new Pipeline(options.pipeline, {
      onSettled: (entry) => this.#guard(() => this.#onSettled(entry)),
      onDropped: (entry, error) => this.#onDropped(entry, error),
    });
    this.#writer = new PacedWriter(res, {
      stallMs: STALL_MS,
      onRoom: () => this.#readOn(),
      onStall: () => res.destroy(),
    });
    res.writeHead(200, streamHeaders(callId, cors));
    res.flushHeaders();
    res.once("close", () => this.#onClose());
    if (body !== undefined) this.#guard(() => this.#onData(body));
    if (req.readableEnded) this.#guard(() => this.#onEnd());
    req.on("data", (chunk: Buffer) => this.#guard(() => this.#onData(chunk)));
    req.once("end", () => this.#guard(() => this.#onEnd()));
    req.on("error", () => res.destroy());
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#readOn();
    this.#refusing = setTimeout(() => {
      this.#isRead = true;
      this.#endIfDone();
    }, REFUSING_MS);
  }

  #onData(chunk: Buffer): void {
    if (this.#isOver || this.#isEnding) return;
    this.#now = performance.now();
    if (this.#now > this.#identifiedAt + IDENTIFY_MS) this.#identifyAgain();
    this.#lines.push(chunk);
    this.#flushSoon();
    if (this.#isFull() && !this.#isStopping) {
      this.#isPaused = true;
      this.#request.req.pause();
    }
  }

  #onEnd(): void {
    if (this.#isOver || this.#isEnding) return;
    this.#now = performance.now();
    this.#lines.end();
    this.#isRead = true;
    this.#flushSoon();
  }

  /** A stream may last longer than its token. */
  #identifyAgain(): void {
    this.#identifiedAt = this.#now;
    const { principal, identifyAgain } = this.#request;
    this.#principal = identifyAgain() ?? { name: principal.name, scopes: new Set() };
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      if (this.#isOver) return;
      this.#guard(() => this.#pipeline.flush());
      this.#endIfDone();
    });
  }

  /** A fault of ours ends this stream alone. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      const { res, callId } = this.#request;
      this.#options.reports.requestFailed(error, callId);
      res.destroy();
    }
  }

  #isFull(): boolean {
    return (
      this.#inFlight >= MAX_IN_FLIGHT ||
      this.#inFlightBytes >= MAX_IN_FLIGHT_BYTES ||
      this.#writer.backlog >= MAX_BACKLOG_BYTES
    );
  }

  #readOn(): void {
    if (!this.#isPaused || (this.#isFull() && !this.#isStopping)) return;
    this.#isPaused = false;
    this.#request.req.resume();
  }

  #onLine(line: Line): void {
    this.#lineNumber += 1;
    if ("problem" in line) {
      this.#refuse("null", { code: "INVALID_PARAMS", message: line.problem });
      return;
    }
    const { text, bytes } = line;
    if (isBlank(text)) return;
    const reading = readBatchLine(text, bytes, this.#options.limits);
    if (!reading.ok) {
      this.#refuse(reading.id, reading.error);
      return;
    }
    const asked = reading.line;
    if (this.#isStopping) {
      this.#refuse(asked.id, { code: "CENTER_BUSY", message: "the center stops; the command was not run" });
      return;
    }
    const denial = this.#request.denial(this.#principal, asked.need);
    if (denial !== undefined) {
      this.#refuse(asked.id, { code: "SCOPE_MISSING", message: denial });
      return;
    }
    const timeoutMs = asked.timeoutMs ?? this.#options.defaultTimeoutMs;
    const entry = new BatchEntry(asked, bytes, this.#now + timeoutMs, this.#lineNumber);
    this.#own.taken += 1;
    this.#counts.taken += 1;
    this.#inFlight += 1;
    this.#inFlightBytes += entry.weight;
    this.#pipeline.take(entry);
  }

  #refuse(id: string, { code, message }: LineError, lineNumber = this.#lineNumber): void {
    this.#own.refused += 1;
    this.#counts.refused += 1;
    const shown = JSON.stringify({ code, message });
    this.#writer.push(`{"id":${id},"line":${lineNumber},"error":${shown}}\n`);
  }

  #onSettled(entry: BatchEntry): void {
    const { audit, defaultTimeoutMs, reports } = this.#options;
    const { failures } = entry;
    if (failures.length > 0) reports.placesFailed(this.#request.callId, failures);
    if (audit.records(entry.line.need.scope)) {
      audit.command(this.#request, entry.command, [...entry.places.values()]);
    }
    const { command, places, calls, endsAt, line } = entry;
    const startedAt = endsAt - (line.timeoutMs ?? defaultTimeoutMs);
    const linkedNodes = this.#options.linkedNodes();
    this.#options.onSettled({ origin: this.#origin, ...command, startedAt, linkedNodes, places, calls });
    this.#leave(entry);
    if (!this.#isOver) this.#writer.push(answerText(entry));
  }

  #onDropped(entry: BatchEntry, error: LineError): void {
    this.#leave(entry);
    this.#refuse(entry.line.id, error, entry.lineNumber);
  }

  #leave({ weight }: BatchEntry): void {
    this.#inFlight -= 1;
    this.#inFlightBytes -= weight;
    this.#readOn();
    if (this.#isRead) this.#flushSoon();
  }

  #endIfDone(): void {
    if (!this.#isRead || this.#isFlushing || this.#inFlight > 0 || this.#isOver || this.#isEnding) return;
    this.#isEnding = true;
    this.#writer.whenEmpty(() => {
      const { req, res } = this.#request;
      res.end();
      if (!req.complete) discard(this.#request);
    });
  }

  #onClose(): void {
    this.#isOver = true;
    clearTimeout(this.#refusing);
    this.#writer.close();
    this.#pipeline.close();
    const { res, callId } = this.#request;
    this.#options.reports.batchEnded(callId, this.#own);
    this.#end(
      res.writableFinished ? { status: 200, outcome: "ok" } : { status: ABORTED_STATUS, outcome: "aborted" },
    );
  }
}

/** The answer was given before the body ended: what still comes is read for a while, since a reset would destroy it. */
function discard({ req }: StreamRequest): void {
  const { socket } = req;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  req.once("end", () => socket.destroySoon());
  socket.once("close", () => clearTimeout(timer));
  req.resume();
}

function isBlank(text: string): boolean {
  return text === "" || (!text.startsWith("{") && text.trim() === "");
}
