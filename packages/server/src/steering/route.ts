import { type Answer, json, problem } from "../http/answers.js";
import { CenterError } from "../errors.js";
import type { Route, RouteRequest } from "../http/routes.js";
import type { Assignment } from "./steering.js";

/** Members come and go within seconds. */
const RETRY_AFTER_S = 2;

/**
 * `GET /assign?id=USER`: where that user shall connect. With `redirect=1` a 302 to the http(s) form of the URL, for what
 * follows redirects of a handshake.
 * @throws CenterError INVALID_PARAMS
 */
function answerAssign(assign: (userId: string) => Assignment, { query }: RouteRequest): Answer {
  const id = query.get("id");
  if (typeof id !== "string") {
    const problem = id === undefined ? "missing" : "not a text in UTF-8";
    throw new CenterError("INVALID_PARAMS", `id: ${problem}; expected /assign?id=USER`);
  }
  const redirect = query.get("redirect") ?? "0";
  if (redirect !== "0" && redirect !== "1") {
    throw new CenterError("INVALID_PARAMS", "redirect: expected 1 or 0");
  }
  try {
    const assignment = assign(id);
    const found = json(200, assignment);
    if (redirect === "0") return found;
    return { ...found, status: 302, headers: { Location: assignment.url.replace(/^ws/, "http") } };
  } catch (error) {
    if (!(error instanceof CenterError) || error.code !== "NO_NODE") throw error;
    const headers = { "Retry-After": String(RETRY_AFTER_S) };
    return { ...problem(503, error.code, error.message), headers };
  }
}

/** For a center: under its API's rules. */
export function guardedAssignRoute(assign: (userId: string) => Assignment): Route {
  return { scope: "read", handle: (request) => answerAssign(assign, request) };
}

/** For a client port: whoever asks, from any page unless the pages that may connect are limited. */
export function publicAssignRoute(
  assign: (userId: string) => Assignment,
  { clientOrigins }: { clientOrigins: readonly string[] },
): Route {
  return {
    public: true,
    forPages: true,
    handle: (request) => {
      const { origin } = request.req.headers;
      if (
        origin === undefined ||
        clientOrigins.length === 0 ||
        clientOrigins.includes(origin.toLowerCase())
      ) {
        return answerAssign(assign, request);
      }
      const detail = "this origin is not allowed: a page of it could not connect either";
      return problem(403, "ORIGIN_NOT_ALLOWED", detail);
    },
  };
}
