import type { IncomingMessage, ServerResponse } from "node:http";
import { type Answer, PROBLEM_TYPE, problemText, sendAnswer } from "./answers.js";

/** An endpoint of our own at an exact path, for GET and HEAD. */
export interface Route {
  /** A public route is answered whoever asks; any other follows the API's rules, with 401 for a missing token. */
  public?: boolean;
  handle: (req: IncomingMessage) => Answer | Promise<Answer>;
}

/** A request on its way to an answer. `cors`: headers that every answer to it has. */
export interface RouteExchange {
  req: IncomingMessage;
  res: ServerResponse;
  callId: string;
  cors: Readonly<Record<string, string>>;
}

/** Answers with what the route gives; 405 for other methods, and 500 where it throws, which `onError` is told. */
export async function serveRoute(
  route: Route,
  exchange: RouteExchange,
  onError: (error: unknown, callId: string) => void,
): Promise<void> {
  const { req, res, callId, cors } = exchange;
  if (req.method !== "GET" && req.method !== "HEAD") {
    const allow = route.public ? "GET, HEAD" : "GET, HEAD, OPTIONS";
    sendProblem(exchange, 405, "METHOD_NOT_ALLOWED", "this endpoint is read only", { Allow: allow });
    return;
  }
  try {
    const answer = await route.handle(req);
    sendAnswer(res, callId, { ...answer, headers: { ...cors, ...answer.headers } });
  } catch (error) {
    onError(error, callId);
    sendProblem(exchange, 500, "INTERNAL", "internal error");
  }
}

/** Answers with a problem document (RFC 9457). */
export function sendProblem(
  { res, callId, cors }: RouteExchange,
  status: number,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = problemText(status, code, detail);
  sendAnswer(res, callId, { status, contentType: PROBLEM_TYPE, body, headers: { ...cors, ...headers } });
}
