import type { CommandName } from "@websocket-center/protocol";
import type { ClientRequest, IncomingMessage } from "node:http";
import { type Attempt, notTaken, reported, unknown } from "./attempt.js";
import { commandTable } from "./commands.js";
import { CenterError, messageOf } from "./errors.js";
import { type HttpPort, judge, LATE_MS, readJson, SIGN_OF_LIFE_MS, tokenFailed } from "./http-port.js";
import { MAX_TIMEOUT_MS } from "./options.js";
import { type ClusterResult, isRecord, resultOfLine } from "./results.js";

/** How long it is kept while nobody calls. */
const MAX_IDLE_S = 5;
/** Servers give up requests that do not end; 300 s are usual. */
const MAX_AGE_S = 60;
const CHUNK_LENGTH = 64 * 1024;

export interface LineCall {
  command: CommandName;
  params: object;
  /** By `performance.now()`. */
  endsAt: number;
  signal?: AbortSignal | undefined;
}

type LineAttempt = Attempt<ClusterResult<CommandName>>;

interface Line {
  readonly call: LineCall;
  readonly settle: (attempt: LineAttempt) => void;
  isSettled: boolean;
}

export interface StreamEvents {
  /**
   * Lines do not get through here, or their answers do not get back, though the center lives.
   * @returns whether the calls may go to it one by one.
   */
  onUnsupported: () => boolean;
  /** The center is gone, silent or stopping. */
  onLost: (why: string) => void;
}

/**
 * Calls that share one `POST /batch`. Nothing is written before the center has answered the head of the request, so what
 * waits until then was surely not run; nor was what still waits when the stream ends.
 */
export class BatchStream {
  readonly #port: HttpPort;
  readonly #events: StreamEvents;
  readonly #queue: Line[] = [];
  /** What was written and is not answered, by the number of its line. */
  readonly #written = new Map<number, Line>();
  #lines = 0;
  #request: ClientRequest | undefined;
  #state: "opening" | "open" | "retired" | "ended" = "opening";
  #isBlocked = true;
  #isPumping = false;
  #isRefused = false;
  #hasEnded = false;
  #ageS = 0;
  #idleS = 0;
  #heardSince = true;
  #head: NodeJS.Timeout | undefined;
  readonly #clock: NodeJS.Timeout;

  constructor(port: HttpPort, events: StreamEvents) {
    this.#port = port;
    this.#events = events;
    this.#clock = setInterval(() => this.#onSecond(), 1000);
    this.#clock.unref();
    port.authorization().then(
      (headers) => this.#open(headers),
      (error: unknown) => this.#end(tokenFailed(error)),
    );
  }

  get takesMore(): boolean {
    return this.#state === "opening" || this.#state === "open";
  }

  /** Hands a call over, in order. Never rejects. */
  send(call: LineCall): Promise<LineAttempt> {
    return new Promise((resolve) => {
      const line: Line = {
        call,
        isSettled: false,
        settle: (attempt) => {
          if (line.isSettled) return;
          line.isSettled = true;
          clearTimeout(deadline);
          call.signal?.removeEventListener("abort", onAbort);
          resolve(attempt);
        },
      };
      const giveUp = (why: string): void => {
        const text = `${this.#port.url.origin}: ${why}`;
        line.settle(this.#queue.includes(line) ? notTaken(text) : unknown(text));
      };
      const onAbort = (): void => giveUp("the call was given up");
      const timeLeftMs = Math.max(0, call.endsAt - performance.now());
      const deadline = setTimeout(() => giveUp("no answer in time"), timeLeftMs + LATE_MS);
      call.signal?.addEventListener("abort", onAbort, { once: true });
      this.#idleS = 0;
      this.#request?.socket?.ref();
      this.#queue.push(line);
      this.#schedulePump();
    });
  }

  /** Takes no more calls; ends when those that it has are answered. */
  retire(): void {
    if (!this.takesMore) return;
    if (this.#state === "opening" && this.#queue.length === 0) {
      this.#end(notTaken("the stream was closed"));
      return;
    }
    this.#state = "retired";
    this.#schedulePump();
  }

  #open(headers: Record<string, string>): void {
    if (this.#state === "ended") return;
    const request = this.#port.request("POST", "batch", {
      agent: false,
      headers: { ...headers, "Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked" },
    });
    this.#request = request;
    request.setNoDelay(true);
    this.#head = setTimeout(() => void this.#onNoHead(), SIGN_OF_LIFE_MS);
    request.on("response", (response) => this.#onResponse(response));
    request.on("drain", () => {
      this.#isBlocked = false;
      this.#schedulePump();
    });
    request.on("error", (error) => this.#lose(messageOf(error), { cause: error }));
    request.on("close", () => {
      if (!this.#isRefused) this.#lose("the connection ended");
    });
    request.flushHeaders();
  }

  /** Silence: of the center, or of a proxy that waits for the whole request. */
  async #onNoHead(): Promise<void> {
    const isReady = await this.#port.isReady();
    if (this.#head === undefined) return;
    if (isReady) this.#giveBack();
    else this.#lose("it gave no sign of life");
  }

  #onResponse(response: IncomingMessage): void {
    clearTimeout(this.#head);
    this.#head = undefined;
    const type = response.headers["content-type"] ?? "";
    if (response.statusCode !== 200 || !type.startsWith("application/x-ndjson")) {
      this.#isRefused = true;
      readJson(response).then(
        ({ status, json }) => this.#onRefused(status, json),
        (error: unknown) => this.#lose(messageOf(error), { cause: error }),
      );
      return;
    }
    if (this.#state === "opening") this.#state = "open";
    this.#isBlocked = false;
    response.setEncoding("utf8");
    let rest = "";
    response.on("data", (text: string) => {
      this.#heardSince = true;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#onLine(line);
    });
    // Before it ends a stream a center answers all that it has taken.
    response.on("end", () => this.#lose("the center ended the stream", { isWhole: response.complete }));
    response.on("error", (error) => this.#lose(messageOf(error), { cause: error }));
    this.#schedulePump();
  }

  #onRefused(status: number, json: unknown): void {
    const attempt = judge(this.#port.url.origin, status, json);
    const hasNoBatch =
      attempt.kind === "answered" ||
      status === 404 ||
      status === 405 ||
      (attempt.kind === "not-run" && attempt.error.code === "NOT_A_CENTER");
    if (hasNoBatch) this.#giveBack();
    else if (attempt.kind === "unknown") this.#lose(attempt.error.message);
    else {
      if (attempt.verdict === "rest") this.#events.onLost(attempt.error.message);
      this.#end(attempt);
    }
  }

  #onLine(text: string): void {
    if (text === "") return;
    const answer = parseLine(text);
    const number = answer?.["id"] ?? answer?.["line"];
    if (answer === undefined || typeof number !== "number") {
      this.#lose("it answered what no center answers");
      return;
    }
    const line = this.#written.get(number);
    this.#written.delete(number);
    line?.settle(this.#read(answer));
    if (this.#written.size === 0 && this.#queue.length === 0) this.#onIdle();
  }

  #read(answer: Record<string, unknown>): LineAttempt {
    const { error } = answer;
    const from = this.#port.url.origin;
    if (isRecord(error)) return reported(error["code"], `${from}: ${String(error["message"])}`);
    const value = resultOfLine(answer);
    return value === undefined
      ? unknown(`${from} answered what no center answers`)
      : { kind: "answered", value };
  }

  #onIdle(): void {
    // A stream that nobody waits for keeps no process alive.
    this.#request?.socket?.unref();
    if (this.#state === "retired") this.#endRequest();
  }

  /** Writes at the end of the tick, so that the calls of a tick go together. */
  #schedulePump(): void {
    if (this.#isPumping || this.#isBlocked) return;
    this.#isPumping = true;
    queueMicrotask(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#isBlocked && this.#queue.length > 0 && this.#state !== "ended") {
      let chunk = "";
      while (chunk.length < CHUNK_LENGTH) {
        const line = this.#queue.shift();
        if (line === undefined) break;
        if (!line.isSettled) chunk += this.#write(line);
      }
      if (chunk !== "" && this.#request?.write(chunk) === false) this.#isBlocked = true;
    }
    if (this.#state === "retired" && this.#queue.length === 0 && !this.#isBlocked) this.#endRequest();
  }

  #write(line: Line): string {
    const { command, params, endsAt } = line.call;
    const timeLeftMs = Math.ceil(endsAt - performance.now());
    const timeoutMs = Math.min(MAX_TIMEOUT_MS, Math.max(1, timeLeftMs));
    this.#lines += 1;
    this.#written.set(this.#lines, line);
    return `${JSON.stringify({ id: this.#lines, command, params, timeoutMs })}\n`;
  }

  #endRequest(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#request?.end();
  }

  #onSecond(): void {
    this.#ageS += 1;
    if (this.#written.size === 0 && this.#queue.length === 0) this.#idleS += 1;
    else if (this.#written.size > 0 && !this.#heardSince) void this.#doubt();
    this.#heardSince = this.#written.size === 0;
    if (this.#idleS >= MAX_IDLE_S || this.#ageS >= MAX_AGE_S) this.retire();
  }

  /** Nothing came for a second. Where the center is silent elsewhere too, what can go to another need not wait. */
  async #doubt(): Promise<void> {
    if (await this.#port.isReady()) return;
    if (this.#heardSince || this.#state === "ended") return;
    const why = `${this.#port.url.origin}: it gave no sign of life`;
    this.#state = "retired";
    this.#events.onLost(why);
    for (const line of this.#queue.splice(0)) line.settle(notTaken(why));
    for (const line of this.#written.values()) {
      if (commandTable[line.call.command].scope === "read") line.settle(unknown(why));
    }
  }

  #giveBack(): void {
    const error = new CenterError(
      "NOT_A_CENTER",
      `${this.#port.url.origin}: no stream gets through to /batch`,
    );
    const verdict = this.#events.onUnsupported() ? "again" : "elsewhere";
    this.#end({ kind: "not-run", error, verdict });
  }

  #lose(why: string, { cause, isWhole = false }: { cause?: unknown; isWhole?: boolean } = {}): void {
    if (this.#state === "ended") return;
    const wasExpected = this.#hasEnded && this.#written.size === 0;
    const text = `${this.#port.url.origin}: ${why}`;
    if (!wasExpected) this.#events.onLost(text);
    const ofQueued = notTaken(text, cause);
    this.#end(ofQueued, isWhole ? ofQueued : unknown(text, cause));
  }

  #end(ofQueued: LineAttempt, ofWritten: LineAttempt = ofQueued): void {
    this.#state = "ended";
    clearInterval(this.#clock);
    clearTimeout(this.#head);
    this.#head = undefined;
    for (const line of this.#queue.splice(0)) line.settle(ofQueued);
    for (const line of this.#written.values()) line.settle(ofWritten);
    this.#written.clear();
    this.#request?.destroy();
  }
}

function parseLine(text: string): Record<string, unknown> | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return isRecord(line) ? line : undefined;
  } catch {
    // No JSON, so no answer of a center: the caller says so.
    return undefined;
  }
}
