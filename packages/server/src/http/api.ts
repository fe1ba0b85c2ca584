import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "./access.js";
import type { ApiResponse } from "./answers.js";
import { endAfterBody, readBody } from "./body.js";
import { createClassic, type RunClassic } from "./classic-answers.js";
import { type Exchange, type ExchangeOptions, Exchanges, WholeBody } from "./exchange.js";
import { createGuard } from "./guard.js";
import { type Middleware, type Next, runMiddleware } from "./middleware.js";
import { createRouteAnswers } from "./route-answers.js";
import { ABORTED_STATUS, type ApiRequest, createRouteSearch, type Routes } from "./routes.js";
import { pathOf } from "./url-parts.js";

export interface ApiOptions extends ExchangeOptions {
  /** Who may ask. Where no token is needed, the guard protects. */
  access: Access;
  allowedOrigins: readonly string[];
  trustedProxies?: readonly string[];
  /** Run first, in order, for every request. One that answers by itself does not call `next`. */
  middleware?: readonly Middleware[];
  routes: Routes;
  /** Runs the events and answers the JSON text of the whole answer. Without it, only `routes` are served. */
  classic?: RunClassic;
  /** A node's own port: a bad parameter, or nothing but unknown events, fails the whole request. */
  strict: boolean;
  /** Whether the API is off: 404 for everything but public routes. */
  off?: () => boolean;
  /** What a request is told that nothing here serves. */
  notFound?: () => string;
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

/** The one way of a request at every HTTP port: middleware, routes, then the classic API. */
export function createApi(options: ApiOptions): Api {
  const { access, limits, middleware = [] } = options;
  const findRoute = createRouteSearch(options.routes);
  const guard = createGuard({ ...options, needsToken: access.needsToken });
  const exchanges = new Exchanges(options);
  const routes = createRouteAnswers(access, exchanges, options.onError);
  const answerClassic =
    options.classic === undefined ? undefined : createClassic(options.classic, options, exchanges);

  function handle(req: IncomingMessage, res: ServerResponse, next?: Next): void {
    const exchange = exchanges.begin(req, res, {
      read: () => readBody(req, limits.maxBodyBytes),
      refuse: (text) => endAfterBody(req, res, text),
    });
    exchange.http = { req, res };
    const fail = (error: unknown): void => exchanges.answerFault(exchange, error);
    const report = (error: unknown): void => options.onError(error, exchange.callId);
    const serve = (): void => {
      dispatch(exchange, next).catch(fail);
    };
    if (middleware.length === 0) {
      serve();
      return;
    }
    res.once("close", () => {
      if (res.writableFinished) exchanges.finish(exchange, res.statusCode, "middleware");
      else exchanges.finish(exchange, ABORTED_STATUS, "aborted");
    });
    runMiddleware(middleware, req, res, { done: serve, fail, report });
  }

  function handleShort(req: ApiRequest & { body: Buffer | undefined }, res: ApiResponse): void {
    const exchange = exchanges.begin(req, res, new WholeBody(req.body, res));
    try {
      const admission = guard.check(req);
      exchange.cors = admission.cors;
      answerClassic?.(exchange, req.url ?? "/", admission)?.catch((error) =>
        exchanges.answerFault(exchange, error),
      );
    } catch (error) {
      exchanges.answerFault(exchange, error);
    }
  }

  async function dispatch(exchange: Exchange, next: Next | undefined): Promise<void> {
    const { url = "/" } = exchange.req;
    const found = findRoute(pathOf(url));
    if (found !== undefined) exchange.route = found.path;
    if (found?.route.public) return routes.answerPublic(exchange, url, found);
    if (options.off?.() === true || (found === undefined && answerClassic === undefined)) {
      if (next !== undefined) {
        exchange.isOver = true;
        next();
      } else exchanges.sendFailure(exchange, 404, options.notFound?.() ?? "not found");
      return;
    }
    const admission = guard.check(exchange.req);
    exchange.cors = admission.cors;
    if (found !== undefined) return routes.answerGuarded(exchange, url, found, admission);
    return answerClassic?.(exchange, url, admission);
  }

  return {
    handle,
    handleShort: middleware.length > 0 || answerClassic === undefined ? undefined : handleShort,
  };
}
