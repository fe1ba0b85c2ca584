import { CenterError } from "../errors.js";
import type { Need, Principal } from "./access.js";
import {
  type ApiResponse,
  classicFailure,
  failureText,
  JSON_TYPE,
  json,
  newCallId,
  problem,
  sendAnswer,
  sendNoContent,
  writeAnswerHead,
} from "./answers.js";
import type { BodyReading } from "./body.js";
import type { ParamLimits } from "./classic-params.js";
import { preflightHeaders } from "./guard.js";
import { asBody, parseJsonBody } from "./json-body.js";
import {
  ABORTED_STATUS,
  type ApiRequest,
  type HttpExchange,
  type RouteEnd,
  type RouteExchange,
  type RouteRequest,
} from "./routes.js";

/** Limits in bytes. */
export interface ApiLimits extends ParamLimits {
  maxBodyBytes: number;
}

/**
 * How a request ended. `refused`: nothing was run. `failed`: a route gave no result, and its problem says why.
 * `internalError`: a fault of ours, told to `onError`. `aborted`: the caller went away before the answer. `middleware`:
 * an application's middleware answered by itself.
 */
export type CallOutcome = RouteEnd["outcome"] | "middleware";

/**
 * One request after its end, whatever became of it. `events` is empty where they were not read; `route` is the path of
 * an endpoint of our own, places unfilled; `status` is 499 where the caller went away.
 */
export interface CallInfo {
  callId: string;
  ms: number;
  status: number;
  route?: string;
  events: readonly string[];
  outcome: CallOutcome;
}

/** A request that was refused because its token does not allow `what`. */
export type Denial = Pick<RouteRequest, "req" | "callId" | "principal"> & Need;

export interface Exchange extends RouteExchange {
  /** Undefined where the request did not come by node:http. */
  http?: HttpExchange;
  body: RequestBody;
  startedAt: number;
  events: readonly string[];
  route?: string;
  /** Counted, or left to the application. */
  isOver: boolean;
}

/** How to get the body of a request. `refuse` ends an answer whose head is written, to a body that is too large. */
export interface RequestBody {
  read: () => BodyReading | Promise<BodyReading>;
  refuse: (text: string | Uint8Array) => void;
}

/** The body of a request that came whole. */
export class WholeBody implements RequestBody {
  readonly #bytes: Buffer | undefined;
  readonly #res: ApiResponse;

  constructor(bytes: Buffer | undefined, res: ApiResponse) {
    this.#bytes = bytes;
    this.#res = res;
  }

  read(): BodyReading {
    return { kind: "bytes", bytes: this.#bytes ?? Buffer.alloc(0) };
  }

  refuse(text: string | Uint8Array): void {
    this.#res.end(text);
  }
}

export interface ExchangeOptions {
  limits: ApiLimits;
  onCall?: (info: CallInfo) => void;
  onDenied?: (denial: Denial) => void;
  /** Faults of ours and of middleware, routes and `classic`; they never reach the caller. */
  onError: (error: unknown, callId: string) => void;
}

/** What every way of a request through the API does with it: its body, refusals, and its end, which is told once. */
export class Exchanges {
  readonly #options: ExchangeOptions;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  begin(req: ApiRequest, res: ApiResponse, body: RequestBody): Exchange {
    const startedAt = performance.now();
    return { req, res, body, callId: newCallId(), startedAt, cors: {}, events: [], isOver: false };
  }

  /**
   * The body of a POST; undefined where the request is answered or gone already.
   * @param mayAsk - judges the bytes before they are parsed, which costs more the less one knows of the caller.
   */
  async receiveBody(
    exchange: Exchange,
    mayAsk: (bytes: Buffer) => boolean = () => true,
  ): Promise<ReturnType<typeof asBody> | undefined> {
    const reading = await exchange.body.read();
    if (reading.kind === "bytes") {
      if (mayAsk(reading.bytes)) return parseJsonBody(reading.bytes);
      this.sendFailure(exchange, 200, "token error");
      return undefined;
    }
    if (reading.kind === "parsed") return asBody(reading.value);
    if (reading.kind === "taken") {
      return {
        ok: false,
        message: "the body was read before, and is not in request.body: mount the API earlier",
      };
    }
    if (reading.kind === "aborted") {
      this.finish(exchange, ABORTED_STATUS, "aborted");
      return undefined;
    }
    const message = `the body is larger than ${this.#options.limits.maxBodyBytes} bytes`;
    const answer =
      exchange.route === undefined
        ? json(413, classicFailure(message))
        : problem(413, "BODY_TOO_LARGE", message);
    const headers = { Connection: "close", ...exchange.cors };
    writeAnswerHead(exchange.res, exchange.callId, { ...answer, headers });
    exchange.body.refuse(answer.body);
    this.finish(exchange, 413, "refused");
    return undefined;
  }

  /** What the token of the request does not allow, which is reported; undefined where it allows all that is needed. */
  denialOf({ req, callId }: Exchange, principal: Principal, needs: Iterable<Need>): string | undefined {
    for (const { scope, what } of needs) {
      if (principal.scopes.has(scope)) continue;
      this.#options.onDenied?.({ req, callId, principal, scope, what });
      return `the token "${principal.name}" lacks the scope "${scope}" for ${what}`;
    }
    return undefined;
  }

  answerPreflight(exchange: Exchange): undefined {
    const { req, res, callId, cors } = exchange;
    sendNoContent(res, callId, { ...cors, ...preflightHeaders(req.headers) });
    this.finish(exchange, 204, "ok");
  }

  /** Answers a request of which nothing was run, in the classic shape. */
  sendFailure(
    exchange: Exchange,
    status: number,
    message: string,
    more?: Readonly<Record<string, string>>,
  ): undefined {
    const { res, callId, cors } = exchange;
    const headers = more === undefined ? cors : { ...cors, ...more };
    sendAnswer(res, callId, { status, contentType: JSON_TYPE, body: failureText(message), headers });
    this.finish(exchange, status, "refused");
  }

  answerFault(exchange: Exchange, error: unknown): void {
    const { res, callId, cors } = exchange;
    const isAborted = error instanceof CenterError && error.code === "ABORTED";
    if (!isAborted) this.#options.onError(error, callId);
    if (res.destroyed) {
      this.finish(exchange, ABORTED_STATUS, "aborted");
      return;
    }
    // What middleware began and then failed at can only be broken off.
    if (res.headersSent && !res.writableEnded) res.destroy();
    try {
      sendAnswer(res, callId, {
        status: 200,
        contentType: JSON_TYPE,
        body: failureText("internal error"),
        headers: cors,
      });
    } catch (cause) {
      this.#options.onError(cause, callId);
      res.destroy();
    }
    this.finish(exchange, 200, "internalError");
  }

  finish(exchange: Exchange, status: number, outcome: CallOutcome): void {
    if (exchange.isOver) return;
    exchange.isOver = true;
    if (this.#options.onCall === undefined) return;
    const { callId, startedAt, route, events } = exchange;
    const info = { callId, ms: performance.now() - startedAt, status, events, outcome };
    try {
      this.#options.onCall(route === undefined ? info : { ...info, route });
    } catch (error) {
      this.#options.onError(error, callId);
    }
  }
}
