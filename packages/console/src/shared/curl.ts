import type { RequestBody } from "./request-body.ts";

export interface CurlRequest {
  method: "GET" | "POST";
  url: string;
  body?: RequestBody | undefined;
  needsToken: boolean;
}

/**
 * The same request for a POSIX shell. The token is not in it: it stands as `$TOKEN`, for the shell to fill in.
 */
export function curlOf({ method, url, body, needsToken }: CurlRequest): string {
  const parts = ["curl"];
  if (method === "POST" && body === undefined) parts.push("-X POST");
  if (needsToken) parts.push('-H "Authorization: Bearer $TOKEN"');
  if (body !== undefined) parts.push(`-H 'Content-Type: ${body.type}'`, `--data-binary ${quoted(body.text)}`);
  return [...parts, quoted(url)].join(" ");
}

/** In single quotes nothing has a meaning but the quote itself (POSIX, Shell Command Language, 2.2.2). */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
