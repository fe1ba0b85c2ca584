import type { IncomingHttpHeaders } from "node:http";
import type { JsonObject } from "./json-body.js";
import type { QueryMap } from "./query.js";

/**
 * A token as it came. `text` is undefined where it is there but no string, which no token matches.
 *
 * Where a caller gives several, the query's counts before the header's before the body's.
 */
export interface GivenToken {
  text: string | undefined;
}

const bearer = /^Bearer(?: +(.*))?$/i;

/** The token of the query (`token=`), else of `Authorization: Bearer`; undefined where neither has one. */
export function findToken(query: QueryMap, headers: IncomingHttpHeaders): GivenToken | undefined {
  const inQuery = query.get("token");
  if (inQuery !== undefined) return { text: typeof inQuery === "string" ? inQuery : undefined };
  const authorization = headers.authorization;
  if (authorization === undefined) return undefined;
  const match = bearer.exec(authorization);
  if (match === null) return undefined;
  // node:http gives header bytes as latin1.
  return { text: Buffer.from(match[1] ?? "", "latin1").toString("utf8") };
}

/** The `token` of a JSON body; undefined where the body has none. */
export function findBodyToken(body: JsonObject): GivenToken | undefined {
  if (!Object.hasOwn(body, "token")) return undefined;
  const token = body["token"];
  return { text: typeof token === "string" ? token : undefined };
}
