import { type CallSignal, GiveUp } from "../call-signal.js";
import type { Access, Principal } from "./access.js";
import { canAnswer, JSON_TYPE, sendAnswer } from "./answers.js";
import { findTokenInText } from "./body-token.js";
import { type ClassicRequest, needBeyond, readClassicRequest, refusalByNode } from "./classic-request.js";
import type { ApiLimits, Exchange, Exchanges } from "./exchange.js";
import { type Admission, ALLOWED_METHODS } from "./guard.js";
import type { JsonObject } from "./json-body.js";
import { parseQuery, type QueryMap } from "./query.js";
import { ABORTED_STATUS, type ApiRequest } from "./routes.js";
import { findBodyToken, findToken } from "./tokens.js";
import { queryOf } from "./url-parts.js";

/** `callId` stands in the answer's `WSC-Call-Id`; `signal` aborts when the caller goes away before the answer. */
export interface ClassicContext {
  readonly req: ApiRequest;
  readonly callId: string;
  readonly principal: Principal;
  readonly signal: CallSignal;
}

/** Runs the events and answers the JSON text of the whole answer. */
export type RunClassic = (request: ClassicRequest, context: ClassicContext) => Promise<string>;

export interface ClassicOptions {
  access: Access;
  limits: ApiLimits;
  /** A node's own port: a bad parameter, or nothing but unknown events, fails the whole request. */
  strict: boolean;
}

/** Answers a request to the classic API; undefined where it is answered at once. */
export type AnswerClassic = (
  exchange: Exchange,
  url: string,
  admission: Admission,
) => Promise<void> | undefined;

const classicMethods: ReadonlySet<string | undefined> = new Set(ALLOWED_METHODS.split(", "));

/** The way of a request through the classic API: method, guard, preflight, token, body, events, run. */
export function createClassic(
  run: RunClassic,
  { access, limits, strict }: ClassicOptions,
  exchanges: Exchanges,
): AnswerClassic {
  function answerClassic(exchange: Exchange, url: string, admission: Admission): Promise<void> | undefined {
    const { headers, method } = exchange.req;
    if (!classicMethods.has(method)) {
      return exchanges.sendFailure(exchange, 405, "method not allowed", { Allow: ALLOWED_METHODS });
    }
    if (!admission.ok) return exchanges.sendFailure(exchange, 403, admission.message);
    if (method === "OPTIONS") return exchanges.answerPreflight(exchange);
    const query = parseQuery(queryOf(url));
    const token = findToken(query, headers);
    const early = access.identify(token);
    if (early === undefined && (token !== undefined || method !== "POST")) {
      return exchanges.sendFailure(exchange, 200, "token error");
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
    const body = await exchanges.receiveBody(exchange, (bytes) => early !== undefined || isKnown(bytes));
    if (body === undefined) return;
    const principal = early ?? access.identify(body.ok ? findBodyToken(body.body) : undefined);
    if (principal === undefined) {
      exchanges.sendFailure(exchange, 200, "token error");
    } else if (!body.ok) {
      exchanges.sendFailure(exchange, 200, body.message);
    } else {
      await runClassic(exchange, query, body.body, principal);
    }
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
    if (!reading.ok) return exchanges.sendFailure(exchange, 200, reading.message);
    const { request } = reading;
    exchange.events = request.events.map(({ event }) => event);
    const need = needBeyond(principal.scopes, request);
    const refusal =
      need === undefined ? strict && refusalByNode(request) : exchanges.denialOf(exchange, principal, [need]);
    if (typeof refusal === "string") return exchanges.sendFailure(exchange, 200, refusal);
    const signal = new GiveUp();
    res.once("close", () => {
      if (!res.writableFinished) signal.abort();
    });
    return run(request, { req, callId, principal, signal }).then((text) => {
      if (!canAnswer(res)) {
        exchanges.finish(exchange, ABORTED_STATUS, "aborted");
        return;
      }
      sendAnswer(res, callId, { status: 200, contentType: JSON_TYPE, body: text, headers: exchange.cors });
      exchanges.finish(exchange, 200, "ok");
    });
  }

  return answerClassic;
}
