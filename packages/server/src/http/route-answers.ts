import { CenterError } from "../errors.js";
import type { Access, Need, Principal } from "./access.js";
import type { ApiResponse } from "./answers.js";
import type { Exchange, Exchanges } from "./exchange.js";
import { type Admission, anyOrigin } from "./guard.js";
import { parseQuery } from "./query.js";
import {
  type FoundRoute,
  refuseOtherMethod,
  type RouteEnd,
  type RouteRequest,
  sendProblem,
  serveRoute,
} from "./routes.js";
import { findToken } from "./tokens.js";
import { pathOf, queryOf } from "./url-parts.js";

export interface RouteAnswers {
  /** A route that everybody may ask. */
  answerPublic: (exchange: Exchange, url: string, found: FoundRoute) => Promise<void>;
  /** Any other: guard, preflight, token, method, scope, body, run. */
  answerGuarded: (exchange: Exchange, url: string, found: FoundRoute, admission: Admission) => Promise<void>;
}

/** Who asks for what is public: anybody, whatever they show. */
const unknownCaller: Principal = { name: "none", scopes: new Set() };

/** The ways of a request to an endpoint of our own. */
export function createRouteAnswers(
  access: Access,
  exchanges: Exchanges,
  onError: (error: unknown, callId: string) => void,
): RouteAnswers {
  async function answerGuarded(
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
      exchanges.answerPreflight(exchange);
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

  async function answerPublic(exchange: Exchange, url: string, found: FoundRoute): Promise<void> {
    const isForPages = found.route.forPages === true;
    if (isForPages) exchange.cors = anyOrigin;
    if (isForPages && exchange.req.method === "OPTIONS") exchanges.answerPreflight(exchange);
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
    const denial = exchanges.denialOf(exchange, principal, needs);
    if (denial !== undefined) {
      end(exchange, sendProblem(exchange, 403, "SCOPE_MISSING", denial));
      return;
    }
    if ("stream" in route) {
      const denial = (by: Principal, need: Need): string | undefined =>
        exchanges.denialOf(exchange, by, [need]);
      const { cors, http } = exchange;
      if (http === undefined) throw new Error("a stream needs node:http");
      const query = parseQuery(queryOf(url));
      end(exchange, await route.stream({ ...http, query, callId, cors, principal, identifyAgain, denial }));
      return;
    }
    const body =
      route.method === "POST" ? await exchanges.receiveBody(exchange) : { ok: true as const, body: {} };
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
        const missing = exchanges.denialOf(exchange, principal, asked);
        if (missing !== undefined) throw new CenterError("SCOPE_MISSING", missing);
      },
      signal,
    };
    end(exchange, await serveRoute(route, exchange, request, onError));
  }

  function end(exchange: Exchange, { status, outcome }: RouteEnd): void {
    exchanges.finish(exchange, status, outcome);
  }

  return { answerPublic, answerGuarded };
}

/** Aborts when the connection ends before the answer is out. */
function abortedByCaller(res: ApiResponse): AbortController {
  const controller = new AbortController();
  res.once("close", () => {
    if (!res.writableFinished) controller.abort(new CenterError("ABORTED", "the caller went away"));
  });
  return controller;
}
