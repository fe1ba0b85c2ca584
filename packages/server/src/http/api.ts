import type { IncomingMessage, ServerResponse } from "node:http";
import { CenterError } from "../errors.js";
import { type CallSignal, GiveUp } from "../call-signal.js";
import type { Access, Need, Principal } from "./access.js";
import {
  type ApiResponse,
  canAnswer,
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
import { findTokenInText } from "./body-token.js";
import { type BodyReading, endAfterBody, readBody } from "./body.js";
import type { ParamLimits } from "./classic-params.js";
import { type ClassicRequest, needBeyond, readClassicRequest, refusalByNode } from "./classic-request.js";
import { type Admission, ALLOWED_METHODS, anyOrigin, createGuard, preflightHeaders } from "./guard.js";
import { asBody, type JsonObject, parseJsonBody } from "./json-body.js";
import { type Middleware, type Next, runMiddleware } from "./middleware.js";
import { parseQuery, type QueryMap } from "./query.js";
import {
  ABORTED_STATUS,
  type ApiRequest,
  createRouteSearch,
  type FoundRoute,
  type HttpExchange,
  refuseOtherMethod,
  type RouteEnd,
  type RouteExchange,
  type RouteRequest,
  type Routes,
  sendProblem,
  serveRoute,
} from "./routes.js";
import { findBodyToken, findToken } from "./tokens.js";

/** Limits in bytes. */
export interface ApiLimits extends ParamLimits {
  maxBodyBytes: number;
}

/** `callId` stands in the answer's `WSC-Call-Id`; `signal` aborts when the caller goes away before the answer. */
export interface ClassicContext {
  readonly req: ApiRequest;
  readonly callId: string;
  readonly principal: Principal;
  readonly signal: CallSignal;
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

export interface ApiOptions {
  /** Who may ask. Where no token is needed, the guard protects. */
  access: Access;
  allowedOrigins: readonly string[];
  trustedProxies?: readonly string[];
  /** Run first, in order, for every request. One that answers by itself does not call `next`. */
  middleware?: readonly Middleware[];
  routes: Routes;
  /** Runs the events and answers the JSON text of the whole answer. Without it, only `routes` are served. */
  classic?: (request: ClassicRequest, context: ClassicContext) => Promise<string>;
  /** A node's own port: a bad parameter, or nothing but unknown events, fails the whole request. */
  strict: boolean;
  limits: ApiLimits;
  /** Whether the API is off: 404 for everything but public routes. */
  off?: () => boolean;
  /** What a request is told that nothing here serves. */
  notFound?: () => string;
  onCall?: (info: CallInfo) => void;
  onDenied?: (denial: Denial) => void;
  /** Faults of ours and of middleware, routes and `classic`; they never reach the caller. */
  onError: (error: unknown, callId: string) => void;
}

export interface Api {
  /** Answers a request. Never throws. `next` gets what neither the classic API nor a route serves. */
  handle: (req: IncomingMessage, res: ServerResponse, next?: Next) => void;
  /**
   * Answers a request to the classic API that did not come by node:http, its body already there. Undefined where every
   * request must go its whole way, past the application's middleware. Never throws.
   */
  handleShort: ((req: ApiRequest & { body: Buffer | undefined }, res: ApiResponse) => void) | undefined;
}

interface Exchange extends RouteExchange {
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
interface RequestBody {
  read: () => BodyReading | Promise<BodyReading>;
  refuse: (text: string | Uint8Array) => void;
}

/** The body of a request that came whole. */
class WholeBody implements RequestBody {
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

const classicMethods: ReadonlySet<string | undefined> = new Set(ALLOWED_METHODS.split(", "));
/** Who asks for what is public: anybody, whatever they show. */
const unknownCaller: Principal = { name: "none", scopes: new Set() };

/**
 * The one way of a request at every HTTP port: middleware, routes, then the classic API in the order method, guard,
 * preflight, token, body, events, run.
 */
export function createApi(options: ApiOptions): Api {
  const { access, classic, limits, middleware = [], strict } = options;
  const findRoute = createRouteSearch(options.routes);
  const guard = createGuard({ ...options, needsToken: access.needsToken });

  function handle(req: IncomingMessage, res: ServerResponse, next?: Next): void {
    const exchange = begin(req, res, {
      read: () => readBody(req, limits.maxBodyBytes),
      refuse: (text) => endAfterBody(req, res, text),
    });
    exchange.http = { req, res };
    const fail = (error: unknown): void => answerFault(exchange, error);
    const report = (error: unknown): void => options.onError(error, exchange.callId);
    const serve = (): void => {
      dispatch(exchange, next).catch(fail);
    };
    if (middleware.length === 0) {
      serve();
      return;
    }
    res.once("close", () => {
      if (res.writableFinished) finish(exchange, res.statusCode, "middleware");
      else finish(exchange, ABORTED_STATUS, "aborted");
    });
    runMiddleware(middleware, req, res, { done: serve, fail, report });
  }

  function handleShort(req: ApiRequest & { body: Buffer | undefined }, res: ApiResponse): void {
    const exchange = begin(req, res, new WholeBody(req.body, res));
    try {
      const admission = guard.check(req);
      exchange.cors = admission.cors;
      answerClassic(exchange, req.url ?? "/", admission)?.catch((error) => answerFault(exchange, error));
    } catch (error) {
      answerFault(exchange, error);
    }
  }

  function begin(req: ApiRequest, res: ApiResponse, body: RequestBody): Exchange {
    const startedAt = performance.now();
    return { req, res, body, callId: newCallId(), startedAt, cors: {}, events: [], isOver: false };
  }

  async function dispatch(exchange: Exchange, next: Next | undefined): Promise<void> {
    const { url = "/" } = exchange.req;
    const found = findRoute(pathOf(url));
    if (found !== undefined) exchange.route = found.path;
    if (found?.route.public) return answerPublicRoute(exchange, url, found);
    if (options.off?.() === true || (found === undefined && classic === undefined)) {
      if (next !== undefined) {
        exchange.isOver = true;
        next();
      } else sendFailure(exchange, 404, options.notFound?.() ?? "not found");
      return;
    }
    const admission = guard.check(exchange.req);
    exchange.cors = admission.cors;
    if (found !== undefined) return answerGuardedRoute(exchange, url, found, admission);
    return answerClassic(exchange, url, admission);
  }

  /** @returns undefined where the request is answered at once. */
  function answerClassic(exchange: Exchange, url: string, admission: Admission): Promise<void> | undefined {
    const { headers, method } = exchange.req;
    if (!classicMethods.has(method)) {
      return sendFailure(exchange, 405, "method not allowed", { Allow: ALLOWED_METHODS });
    }
    if (!admission.ok) return sendFailure(exchange, 403, admission.message);
    if (method === "OPTIONS") return answerPreflight(exchange);
    const query = parseQuery(queryOf(url));
    const token = findToken(query, headers);
    const early = access.identify(token);
    if (early === undefined && (token !== undefined || method !== "POST")) {
      return sendFailure(exchange, 200, "token error");
    }
    if (early !== undefined && method !== "POST") return runClassic(exchange, query, undefined, early);
    return answerPost(exchange, query, early);
  }

  async function answerPost(
    exchange: Exchange,
    query: QueryMap,
    early: Principal | undefined,
  ): Promise<void> {
    const isKnown = (bytes: Buffer): boolean => access.identify(findTokenInText(bytes)) !== undefined;
    const body = await receiveBody(exchange, (bytes) => early !== undefined || isKnown(bytes));
    if (body === undefined) return;
    const principal = early ?? access.identify(body.ok ? findBodyToken(body.body) : undefined);
    if (principal === undefined) {
      sendFailure(exchange, 200, "token error");
    } else if (!body.ok) {
      sendFailure(exchange, 200, body.message);
    } else {
      await runClassic(exchange, query, body.body, principal);
    }
  }

  /**
   * The body of a POST; undefined where the request is answered or gone already.
   * @param mayAsk - judges the bytes before they are parsed, which costs more the less one knows of the caller.
   */
  async function receiveBody(
    exchange: Exchange,
    mayAsk: (bytes: Buffer) => boolean = () => true,
  ): Promise<ReturnType<typeof asBody> | undefined> {
    const reading = await exchange.body.read();
    if (reading.kind === "bytes") {
      if (mayAsk(reading.bytes)) return parseJsonBody(reading.bytes);
      sendFailure(exchange, 200, "token error");
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
      finish(exchange, ABORTED_STATUS, "aborted");
      return undefined;
    }
    const message = `the body is larger than ${limits.maxBodyBytes} bytes`;
    const answer =
      exchange.route === undefined
        ? json(413, classicFailure(message))
        : problem(413, "BODY_TOO_LARGE", message);
    const headers = { Connection: "close", ...exchange.cors };
    writeAnswerHead(exchange.res, exchange.callId, { ...answer, headers });
    exchange.body.refuse(answer.body);
    finish(exchange, 413, "refused");
    return undefined;
  }

  /** @returns undefined where nothing was run. */
  function runClassic(
    exchange: Exchange,
    query: QueryMap,
    body: JsonObject | undefined,
    principal: Principal,
  ): Promise<void> | undefined {
    const { req, res, callId } = exchange;
    const reading = readClassicRequest(query, body, limits);
    if (!reading.ok) return sendFailure(exchange, 200, reading.message);
    const { request } = reading;
    exchange.events = request.events.map(({ event }) => event);
    const need = needBeyond(principal.scopes, request);
    const refusal =
      need === undefined ? strict && refusalByNode(request) : denialOf(exchange, principal, [need]);
    if (typeof refusal === "string") return sendFailure(exchange, 200, refusal);
    if (classic === undefined) return undefined;
    const signal = new GiveUp();
    res.once("close", () => {
      if (!res.writableFinished) signal.abort();
    });
    return classic(request, { req, callId, principal, signal }).then((text) => {
      if (!canAnswer(res)) {
        finish(exchange, ABORTED_STATUS, "aborted");
        return;
      }
      sendAnswer(res, callId, { status: 200, contentType: JSON_TYPE, body: text, headers: exchange.cors });
      finish(exchange, 200, "ok");
    });
  }

  async function answerGuardedRoute(
    exchange: Exchange,
    url: string,
    found: FoundRoute,
    admission: Admission,
  ): Promise<void> {
    const { req } = exchange;
    if (!admission.ok) {
      end(exchange, sendProblem(exchange, 403, "REQUEST_REFUSED", admission.message));
      return;
    }
    if (req.method === "OPTIONS") {
      answerPreflight(exchange);
      return;
    }
    const token = findToken(parseQuery(queryOf(url)), req.headers);
    const principal = access.identify(token);
    if (principal === undefined) {
      const detail = "this endpoint needs a token: Authorization: Bearer <token>";
      const headers = { "WWW-Authenticate": "Bearer" };
      end(exchange, sendProblem(exchange, 401, "TOKEN_REQUIRED", detail, headers));
    } else {
      await answerRoute(exchange, url, found, principal, () => access.identify(token));
    }
  }

  async function answerPublicRoute(exchange: Exchange, url: string, found: FoundRoute): Promise<void> {
    const isForPages = found.route.forPages === true;
    if (isForPages) exchange.cors = anyOrigin;
    if (isForPages && exchange.req.method === "OPTIONS") answerPreflight(exchange);
    else await answerRoute(exchange, url, found, unknownCaller);
  }

  async function answerRoute(
    exchange: Exchange,
    url: string,
    { route, params }: FoundRoute,
    principal: Principal,
    identifyAgain: () => Principal | undefined = () => principal,
  ): Promise<void> {
    const refusal = refuseOtherMethod(route, exchange);
    if (refusal !== undefined) {
      end(exchange, refusal);
      return;
    }
    const { req, res, callId } = exchange;
    const { public: isPublic = false, scope = "manage" } = route;
    const needs = isPublic || scope === "asked" ? [] : [{ scope, what: `${req.method} ${pathOf(url)}` }];
    const denial = denialOf(exchange, principal, needs);
    if (denial !== undefined) {
      end(exchange, sendProblem(exchange, 403, "SCOPE_MISSING", denial));
      return;
    }
    if ("stream" in route) {
      const denial = (by: Principal, need: Need): string | undefined => denialOf(exchange, by, [need]);
      const { cors, http } = exchange;
      if (http === undefined) throw new Error("a stream needs node:http");
      const query = parseQuery(queryOf(url));
      end(exchange, await route.stream({ ...http, query, callId, cors, principal, identifyAgain, denial }));
      return;
    }
    const body = route.method === "POST" ? await receiveBody(exchange) : { ok: true as const, body: {} };
    if (body === undefined) return;
    if (!body.ok) {
      end(exchange, sendProblem(exchange, 400, "INVALID_PARAMS", body.message));
      return;
    }
    const { signal } = abortedByCaller(res);
    const request: RouteRequest = {
      req,
      params,
      query: parseQuery(queryOf(url)),
      body: body.body,
      callId,
      principal,
      requireScope: (...asked) => {
        const missing = denialOf(exchange, principal, asked);
        if (missing !== undefined) throw new CenterError("SCOPE_MISSING", missing);
      },
      signal,
    };
    end(exchange, await serveRoute(route, exchange, request, options.onError));
  }

  function answerPreflight(exchange: Exchange): undefined {
    const { req, res, callId, cors } = exchange;
    sendNoContent(res, callId, { ...cors, ...preflightHeaders(req.headers) });
    finish(exchange, 204, "ok");
  }

  function end(exchange: Exchange, { status, outcome }: RouteEnd): void {
    finish(exchange, status, outcome);
  }

  /** What the token of the request does not allow, which is reported; undefined where it allows all that is needed. */
  function denialOf(
    { req, callId }: Exchange,
    principal: Principal,
    needs: Iterable<Need>,
  ): string | undefined {
    for (const { scope, what } of needs) {
      if (principal.scopes.has(scope)) continue;
      options.onDenied?.({ req, callId, principal, scope, what });
      return `the token "${principal.name}" lacks the scope "${scope}" for ${what}`;
    }
    return undefined;
  }

  /** Answers a request of which nothing was run, in the classic shape. */
  function sendFailure(
    exchange: Exchange,
    status: number,
    message: string,
    more?: Readonly<Record<string, string>>,
  ): undefined {
    const { res, callId, cors } = exchange;
    const headers = more === undefined ? cors : { ...cors, ...more };
    sendAnswer(res, callId, { status, contentType: JSON_TYPE, body: failureText(message), headers });
    finish(exchange, status, "refused");
  }

  function answerFault(exchange: Exchange, error: unknown): void {
    const { res, callId, cors } = exchange;
    const isAborted = error instanceof CenterError && error.code === "ABORTED";
    if (!isAborted) options.onError(error, callId);
    if (res.destroyed) {
      finish(exchange, ABORTED_STATUS, "aborted");
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
      options.onError(cause, callId);
      res.destroy();
    }
    finish(exchange, 200, "internalError");
  }

  function finish(exchange: Exchange, status: number, outcome: CallOutcome): void {
    if (exchange.isOver) return;
    exchange.isOver = true;
    if (options.onCall === undefined) return;
    const { callId, startedAt, route, events } = exchange;
    const info = { callId, ms: performance.now() - startedAt, status, events, outcome };
    try {
      options.onCall(route === undefined ? info : { ...info, route });
    } catch (error) {
      options.onError(error, callId);
    }
  }

  return { handle, handleShort: middleware.length > 0 || classic === undefined ? undefined : handleShort };
}

/** Aborts when the connection ends before the answer is out. */
function abortedByCaller(res: ApiResponse): AbortController {
  const controller = new AbortController();
  res.once("close", () => {
    if (!res.writableFinished) controller.abort(new CenterError("ABORTED", "the caller went away"));
  });
  return controller;
}

/** The path of a request target in origin form (`/path?query`) or absolute form (`http://host/path?query`). */
export function pathOf(url: string): string {
  if (!url.startsWith("/") && URL.canParse(url)) return new URL(url).pathname;
  const question = url.indexOf("?");
  return question === -1 ? url : url.slice(0, question);
}

function queryOf(url: string): string {
  const question = url.indexOf("?");
  return question === -1 ? "" : url.slice(question + 1);
}
