import { type Answer, problem } from "../../../http/answers.js";
import type { AnsweringRoute, RouteRequest, Routes } from "../../../http/routes.js";
import { type ConsoleFile, consoleFiles } from "./console-files.js";
import { encodingFor, Encodings } from "./encodings.js";

const YEAR_S = 31_536_000;

/**
 * Scripts come from here alone, and nothing else does but styles that the page's components make as they are needed.
 * Other centers and nodes may be anywhere, so that connections go everywhere; there is nothing in the page to give away
 * but the token that its user typed, and no foreign script that could.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self' http: https: ws: wss:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const pageHeaders = {
  "Content-Security-Policy": contentSecurityPolicy,
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "X-Frame-Options": "DENY",
} as const;

const notBuilt =
  "the console is not built here: run `npm run build` in a checkout; the published package has it";

/**
 * The console, under `/console/`: to anybody, since there is nothing of the cluster in it. What it shows it asks for
 * under `/ops/…`, as its user.
 */
export function consoleRoutes(folder?: string): Routes {
  const files = consoleFiles(folder);
  const served = files.map((file): [string, AnsweringRoute] => {
    const name = file.name === "index.html" ? "" : file.name;
    return [`/console/${name}`, fileRoute(file)];
  });
  const isBuilt = files.some(({ name }) => name === "index.html");
  const missing: AnsweringRoute = {
    public: true,
    handle: () => problem(404, "NOT_FOUND", isBuilt ? "the console has no such file" : notBuilt),
  };
  return {
    "/console": { public: true, handle: toFolder },
    "/console/": missing,
    ...Object.fromEntries(served),
    "/console/{file}": missing,
    "/console/{folder}/{file}": missing,
  };
}

/** Relative, so that it is right behind a prefix that a proxy or an application took away. */
function toFolder(): Answer {
  return {
    status: 308,
    contentType: "text/plain; charset=utf-8",
    body: "console/\n",
    headers: { Location: "console/", "Cache-Control": "no-cache" },
  };
}

function fileRoute(file: ConsoleFile): AnsweringRoute {
  let encodings: Encodings | undefined;
  return {
    public: true,
    handle: async ({ req }: RouteRequest): Promise<Answer> => {
      const { bytes, etag } = file.content;
      const encoding = encodingFor(req.headers["accept-encoding"]?.toString());
      encodings ??= new Encodings(bytes);
      const encoded = await encodings.in(encoding);
      const tag = encoded === undefined ? `"${etag}"` : `"${etag}-${encoding}"`;
      const headers = {
        ...pageHeaders,
        ETag: tag,
        Vary: "Accept-Encoding",
        "Cache-Control": file.isHashed ? `public, max-age=${YEAR_S}, immutable` : "no-cache",
        ...(encoded === undefined ? {} : { "Content-Encoding": encoding }),
      };
      if (matches(req.headers["if-none-match"], tag)) {
        return { status: 304, contentType: file.type, body: "", headers };
      }
      return { status: 200, contentType: file.type, body: encoded ?? bytes, headers };
    },
  };
}

/** As RFC 9110, 13.1.2, wants it; a proxy that encodes makes tags weak. */
function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const given = ifNoneMatch.split(",").map((item) => item.trim().replace(/^W\//, ""));
  return given.includes("*") || given.includes(tag);
}
