import type { IncomingMessage, ServerResponse } from "node:http";
import { errorCodes, type Scope } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
import { type Answer, type ApiResponse, canAnswer, problem, sendAnswer } from "./answers.js";
import type { Need, Principal } from "./access.js";
import type { AddressedRequest } from "./client-address.js";
import type { JsonObject } from "./json-body.js";
import type { QueryMap } from "./query.js";

/** As much of node:http's IncomingMessage as the API needs, but for bodies. */
export type ApiRequest = Pick<IncomingMessage, "method" | "url" | "headers"> & AddressedRequest;

/** What a route gets of a request. */
export interface RouteRequest {
  req: ApiRequest;
  /** What stands in the places of `{name}` in the path, percent-escapes resolved. */
  params: Readonly<Record<string, string>>;
  query: QueryMap;
  /** The JSON object that a POST carries; `{}` where it carries nothing. */
  body: JsonObject;
  callId: string;
  /** Who asks; nobody who is known, where the route is public. */
  principal: Principal;
  /**
   * Asks for scopes that follow from the request.
   * @throws CenterError SCOPE_MISSING
   */
  requireScope: (...needs: Need[]) => void;
  /** Aborts when the caller goes away before the answer. */
  signal: AbortSignal;
}

/** A request as node:http gives it. */
export interface HttpExchange {
  req: IncomingMessage;
  res: ServerResponse;
}

/** What a streaming route gets of a request, whose body is unread and whose answer is not begun. */
export interface StreamRequest extends Omit<RouteExchange, "req" | "res">, HttpExchange {
  query: QueryMap;
  principal: Principal;
  /** Who asks by now, for what lasts: nobody, once the token does not count any more. */
  identifyAgain: () => Principal | undefined;
  /** What the token does not allow, which is reported; undefined where it does. */
  denial: (principal: Principal, need: Need) => string | undefined;
}

/** An endpoint of our own that answers for as long as it lasts. It never throws, and resolves when its answer has ended. */
export interface StreamRoute {
  /** GET serves HEAD too: `stream` answers it with the head alone. */
  method: "GET" | "POST";
  public?: false;
  forPages?: false;
  scope: Scope | "asked";
  stream: (request: StreamRequest) => Promise<RouteEnd>;
}

/** An endpoint of our own. It throws a CenterError to answer with a problem document that has its code and status. */
export interface AnsweringRoute {
  /** GET (which serves HEAD too) is the default. */
  method?: "GET" | "POST";
  /** A public route is answered whoever asks; any other follows the API's rules, with 401 for a missing token. */
  public?: boolean;
  /** A page of any origin may read the answers of this public route, and its preflight is answered. */
  forPages?: boolean;
  /** What a token must allow; `asked`: `handle` asks for it. Default `manage`. */
  scope?: Scope | "asked";
  handle: (request: RouteRequest) => Answer | Promise<Answer>;
}

export type Route = AnsweringRoute | StreamRoute;

/** Routes by their paths, such as `/nodes` or `/services/{name}/{method}`. */
export type Routes = Readonly<Record<string, Route>>;

export interface FoundRoute {
  route: Route;
  /** As the table of routes has it, places unfilled. */
  path: string;
  params: Record<string, string>;
}

/** Prepares the search for a route; an exact path comes before one with places. */
export function createRouteSearch(routes: Routes): (path: string) => FoundRoute | undefined {
  const exact = new Map<string, FoundRoute>();
  const patterns: { segments: string[]; path: string; route: Route }[] = [];
  for (const [path, route] of Object.entries(routes)) {
    if (path.includes("{")) patterns.push({ segments: path.split("/"), path, route });
    else exact.set(path, { route, path, params: {} });
  }
  return (given) => {
    const found = exact.get(given);
    if (found !== undefined || patterns.length === 0) return found;
    const givenSegments = given.split("/");
    for (const { segments, path, route } of patterns) {
      const params = matchSegments(segments, givenSegments);
      if (params !== undefined) return { route, path, params };
    }
    return undefined;
  };
}

function matchSegments(
  segments: readonly string[],
  given: readonly string[],
): Record<string, string> | undefined {
  if (segments.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    const text = given[at] ?? "";
    if (!segment.startsWith("{")) {
      if (segment !== text) return undefined;
      continue;
    }
    const value = decodeSegment(text);
    if (value === undefined || value === "") return undefined;
    params[segment.slice(1, -1)] = value;
  }
  return params;
}

function decodeSegment(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not UTF-8: no route has such a name.
    return undefined;
  }
}

/** A request on its way to an answer. `cors`: headers that every answer to it has. */
export interface RouteExchange {
  req: ApiRequest;
  res: ApiResponse;
  callId: string;
  cors: Readonly<Record<string, string>>;
}

/** How a request to a route ended. `failed`: it was run, or begun, and gave no result. */
export interface RouteEnd {
  status: number;
  outcome: "ok" | "refused" | "failed" | "internalError" | "aborted";
}

/** The status of requests whose caller went away: it is logged and counted, and nobody sees it. */
export const ABORTED_STATUS = 499;

/** Answers 405 unless the route serves the request's method. */
export function refuseOtherMethod(route: Route, exchange: RouteExchange): RouteEnd | undefined {
  const { method } = exchange.req;
  const wanted = route.method ?? "GET";
  if (method === wanted || (wanted === "GET" && method === "HEAD")) return undefined;
  const served = wanted === "GET" ? "GET, HEAD" : wanted;
  const detail = `this endpoint serves ${served}`;
  const allow = route.public === true && route.forPages !== true ? served : `${served}, OPTIONS`;
  return sendProblem(exchange, 405, "METHOD_NOT_ALLOWED", detail, { Allow: allow });
}

/** Answers with what the route gives, or the problem that it throws; 500 for faults, which `onError` is told. */
export async function serveRoute(
  route: AnsweringRoute,
  exchange: RouteExchange,
  request: RouteRequest,
  onError: (error: unknown, callId: string) => void,
): Promise<RouteEnd> {
  const { res, callId, cors } = exchange;
  try {
    const answer = await route.handle(request);
    if (!canAnswer(res)) return { status: ABORTED_STATUS, outcome: "aborted" };
    sendAnswer(res, callId, { ...answer, headers: { ...cors, ...answer.headers } });
    return { status: answer.status, outcome: "ok" };
  } catch (error) {
    return sendThrown(exchange, error, onError);
  }
}

/** Answers with the problem that a CenterError is; 500 for all else, which `onError` is told. */
export function sendThrown(
  exchange: RouteExchange,
  error: unknown,
  onError: (error: unknown, callId: string) => void,
  headers: Readonly<Record<string, string>> = {},
): RouteEnd {
  if (error instanceof CenterError && error.code !== "INTERNAL") {
    return sendProblem(exchange, errorCodes[error.code].status, error.code, error.message, headers);
  }
  onError(error, exchange.callId);
  return sendProblem(exchange, 500, "INTERNAL", "internal error");
}

/** Answers with a problem document (RFC 9457). */
export function sendProblem(
  { res, callId, cors }: RouteExchange,
  status: number,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): RouteEnd {
  if (!canAnswer(res)) return { status: ABORTED_STATUS, outcome: "aborted" };
  sendAnswer(res, callId, { ...problem(status, code, detail), headers: { ...cors, ...headers } });
  if (code === "INTERNAL") return { status, outcome: "internalError" };
  return { status, outcome: status < 500 ? "refused" : "failed" };
}
