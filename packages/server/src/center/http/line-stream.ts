import { PacedWriter } from "../../http/paced-writer.js";
import { ABORTED_STATUS, type RouteEnd, type StreamRequest } from "../../http/routes.js";
import { streamHeaders } from "./ndjson.js";

/** How often one looks whether the token still counts, and shows that the stream lives where nothing else did. */
const LOOK_MS = 2000;
/** How long a caller may read nothing of what waits for it. */
const STALL_MS = 30_000;
const MAX_BACKLOG_BYTES = 256 * 1024;

/**
 * An answer of NDJSON lines that lasts for as long as its caller reads, its token counts and the center runs. It never
 * holds more than a bound: who writes asks `isFull` first, and leaves out what does not fit.
 */
export class LineStream {
  readonly ended: Promise<RouteEnd>;
  readonly #request: StreamRequest;
  readonly #writer: PacedWriter;
  readonly #timer: NodeJS.Timeout;
  readonly #onClose: (() => void)[] = [];
  /** Whether nothing was pushed since the last look. */
  #isQuiet = true;
  #isEnding = false;
  #isClosed = false;

  constructor(request: StreamRequest, what: string) {
    this.#request = request;
    const { res, callId, cors } = request;
    this.#writer = new PacedWriter(res, {
      stallMs: STALL_MS,
      onRoom: () => {},
      onStall: () => res.destroy(),
    });
    this.#timer = setInterval(() => this.#look(what), LOOK_MS);
    this.ended = new Promise((resolve) => {
      res.once("close", () => {
        this.#close();
        resolve(
          res.writableFinished
            ? { status: 200, outcome: "ok" }
            : { status: ABORTED_STATUS, outcome: "aborted" },
        );
      });
    });
    res.writeHead(200, streamHeaders(callId, cors));
    res.flushHeaders();
    if (res.destroyed) this.#close();
  }

  get isClosed(): boolean {
    return this.#isClosed || this.#isEnding;
  }

  /** Whether something waits that the caller has not read. */
  get isBehind(): boolean {
    return this.#writer.backlog > 0;
  }

  get isFull(): boolean {
    return this.#writer.backlog >= MAX_BACKLOG_BYTES;
  }

  /** @param line - JSON text, without its line end. */
  push(line: string): void {
    if (this.isClosed) return;
    this.#isQuiet = false;
    this.#writer.push(`${line}\n`);
  }

  /** Calls `run` when the stream has ended, at once where it has. */
  onClose(run: () => void): void {
    if (this.#isClosed) run();
    else this.#onClose.push(run);
  }

  /** Ends the answer behind what was pushed. */
  end(): void {
    if (this.isClosed) return;
    this.#isEnding = true;
    this.#writer.whenEmpty(() => this.#request.res.end());
  }

  #look(what: string): void {
    if (this.#isEnding) return;
    const { denial, identifyAgain } = this.#request;
    const principal = identifyAgain();
    if (principal === undefined || denial(principal, { scope: "read", what }) !== undefined) {
      this.end();
      return;
    }
    if (this.#isQuiet && !this.isBehind) this.push("");
    this.#isQuiet = true;
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#writer.close();
    for (const run of this.#onClose.splice(0)) run();
  }
}
