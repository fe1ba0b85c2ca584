import { hasBody, readBody } from "../../http/body.js";
import {
  ABORTED_STATUS,
  type RouteEnd,
  type Routes,
  sendProblem,
  type StreamRequest,
} from "../../http/routes.js";
import { type BatchCounts, type BatchOptions, BatchStream } from "./batch-stream.js";

/** The streams of `POST /batch` that are open. */
export class Batches {
  readonly #options: BatchOptions;
  readonly #open = new Set<BatchStream>();
  readonly counts: BatchCounts = { taken: 0, refused: 0 };
  #isStopping = false;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  get streams(): number {
    return this.#open.size;
  }

  /** Commands that are under way. */
  get inFlight(): number {
    let all = 0;
    for (const { inFlight } of this.#open) all += inFlight;
    return all;
  }

  readonly routes: Routes = {
    "/batch": { method: "POST", scope: "asked", stream: (request) => this.#serve(request) },
  };

  /** The center stops: lines that were not taken are refused, and streams end with their last results. */
  stop(): void {
    this.#isStopping = true;
    for (const stream of this.#open) stream.stop();
  }

  async #serve(request: StreamRequest): Promise<RouteEnd> {
    const { req, res } = request;
    if (res.destroyed) return { status: ABORTED_STATUS, outcome: "aborted" };
    const read = req.readableEnded ? await readBody(req, this.#options.limits.maxBodyBytes) : undefined;
    const body = read?.kind === "bytes" ? read.bytes : undefined;
    if (read !== undefined && body === undefined && hasBody(req)) {
      const detail = "the body was read before, and is neither text nor bytes: mount the API earlier";
      return sendProblem(request, 400, "INVALID_PARAMS", detail);
    }
    const stream = new BatchStream(request, this.#options, this.counts, body);
    this.#open.add(stream);
    if (this.#isStopping) stream.stop();
    const end = await stream.ended;
    this.#open.delete(stream);
    return end;
  }
}
