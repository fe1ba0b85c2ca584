import type { IncomingMessage } from "node:http";
import { parseQuery } from "../../http/query.js";

const PARAMETER = "access_token";
const PROTOCOL_HEADER = "sec-websocket-protocol";

/**
 * Takes the token out of an upgrade request: from `?access_token=`, or from the subprotocols, where it is the one after
 * `access_token`. Who reads the request afterwards finds it in neither.
 *
 * Of the subprotocols `access_token` stays if there is no other, since the answer must name one that was offered.
 * @returns "several" where there is more than one (RFC 6750, 2).
 */
export function takeToken(request: IncomingMessage): { token: string } | "none" | "several" {
  const tokens = [...takeFromQuery(request), ...takeFromProtocols(request)];
  const [token] = tokens;
  if (token === undefined) return "none";
  return tokens.length > 1 ? "several" : { token };
}

function takeFromQuery(request: IncomingMessage): string[] {
  const { url = "" } = request;
  const question = url.indexOf("?");
  if (question === -1) return [];
  const tokens: string[] = [];
  const others = url
    .slice(question + 1)
    .split("&")
    .filter((pair) => {
      const value = parseQuery(pair).get(PARAMETER);
      // A list, or what is no UTF-8, is no token either.
      if (value !== undefined) tokens.push(typeof value === "string" ? value : "");
      return value === undefined;
    });
  if (tokens.length > 0) {
    request.url = url.slice(0, question) + (others.length > 0 ? `?${others.join("&")}` : "");
  }
  return tokens;
}

function takeFromProtocols(request: IncomingMessage): string[] {
  const header = request.headers[PROTOCOL_HEADER];
  if (header === undefined) return [];
  const items = header.split(",").map((item) => item.trim());
  const at = items.indexOf(PARAMETER);
  const token = items[at + 1];
  if (at === -1 || token === undefined) return [];
  const others = items.toSpliced(at, 2);
  const left = others.length > 0 ? others.join(", ") : PARAMETER;
  replaceHeader(request, left);
  return [token];
}

/** In each of the forms that a request has its headers in. */
function replaceHeader(request: IncomingMessage, value: string): void {
  const { rawHeaders, headers, headersDistinct } = request;
  headers[PROTOCOL_HEADER] = value;
  headersDistinct[PROTOCOL_HEADER] = [value];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === PROTOCOL_HEADER) rawHeaders[at + 1] = value;
  }
}
