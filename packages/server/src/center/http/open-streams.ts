import { CenterError, codeOf } from "../../errors.js";
import {
  ABORTED_STATUS,
  type RouteEnd,
  sendThrown,
  type StreamRequest,
  type StreamRoute,
} from "../../http/routes.js";
import { LineStream } from "./line-stream.js";
import { streamHeaders } from "./ndjson.js";

const MAX_STREAMS = 50;
const RETRY_AFTER_S = 5;

/** Writes to a stream until it ends, which it is told of by `stream.onClose`. */
export type StreamBegin = (stream: LineStream) => void;

/** The endless answers under `/ops/` that are open: a bounded number, which end when the center stops. */
export class OpenStreams {
  readonly #open = new Set<LineStream>();
  readonly #onFault: (error: unknown, callId: string) => void;
  #isStopping = false;

  constructor(onFault: (error: unknown, callId: string) => void) {
    this.#onFault = onFault;
  }

  /**
   * A route of GET.
   * @param prepare - reads the request, and throws a CenterError where it is not right.
   */
  route(path: string, prepare: (request: StreamRequest) => StreamBegin): StreamRoute {
    return { method: "GET", scope: "read", stream: (request) => this.#serve(path, request, prepare) };
  }

  stop(): void {
    this.#isStopping = true;
    for (const stream of this.#open) stream.end();
  }

  async #serve(
    path: string,
    request: StreamRequest,
    prepare: (request: StreamRequest) => StreamBegin,
  ): Promise<RouteEnd> {
    const { req, res, callId, cors } = request;
    if (res.destroyed) return { status: ABORTED_STATUS, outcome: "aborted" };
    try {
      const begin = prepare(request);
      if (req.method === "HEAD") {
        res.writeHead(200, streamHeaders(callId, cors)).end();
        return { status: 200, outcome: "ok" };
      }
      this.#checkRoom();
      const stream = new LineStream(request, `GET ${path}`);
      this.#open.add(stream);
      stream.onClose(() => this.#open.delete(stream));
      begin(stream);
      return await stream.ended;
    } catch (error) {
      if (res.headersSent) res.destroy();
      const isBusy = codeOf(error) === "CENTER_BUSY";
      return sendThrown(
        request,
        error,
        this.#onFault,
        isBusy ? { "Retry-After": String(RETRY_AFTER_S) } : {},
      );
    }
  }

  #checkRoom(): void {
    if (this.#isStopping) throw new CenterError("CENTER_BUSY", "the center stops");
    if (this.#open.size < MAX_STREAMS) return;
    throw new CenterError(
      "CENTER_BUSY",
      `${MAX_STREAMS} streams are open at this center, the most that it serves`,
    );
  }
}
