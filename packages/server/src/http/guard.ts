import type { IncomingHttpHeaders } from "node:http";
import { createAddressRange, forwardedChains } from "./client-address.js";
import { isLoopbackAddress, isLoopbackHost } from "../loopback.js";

/** What the guard reads of a request, so that any server's will do. */
export interface GuardedRequest {
  headers: IncomingHttpHeaders;
  /** The request target. In absolute form (`http://host/path`) its host counts as well as `Host`. */
  url?: string | undefined;
  socket: { remoteAddress?: string | undefined };
}

/** `cors`: headers for the answer, of a refusal too. `message` says why with no value of the request in it. */
export type Admission =
  | { ok: true; cors: Readonly<Record<string, string>> }
  | { ok: false; cors: Readonly<Record<string, string>>; message: string };

export interface Guard {
  /** Whether the request may use the API as far as its host, origin and peer go. Tokens are checked elsewhere. */
  check: (req: GuardedRequest) => Admission;
}

export interface GuardOptions {
  /** Whether callers must show a token. Then every host and origin may ask: the token decides. */
  needsToken: () => boolean;
  /** Origins to allow beside those of loopback hosts, such as `https://admin.example.com`. */
  allowedOrigins: readonly string[];
  /** Proxies whose word on the client's address counts, as addresses and CIDRs. Default: none. */
  trustedProxies?: readonly string[];
}

const exposed = { "Access-Control-Expose-Headers": "WSC-Call-Id, Retry-After" } as const;
/** Headers that let a page of any origin read an answer. */
export const anyOrigin = { "Access-Control-Allow-Origin": "*", ...exposed } as const;
const noOrigin = { Vary: "Origin" } as const;

/**
 * Keeps web pages and other machines out of an API that has no token: a browser on the same machine reaches
 * loopback for every page that it shows, and DNS rebinding makes a foreign name point there.
 */
export function createGuard({ needsToken, allowedOrigins, trustedProxies = [] }: GuardOptions): Guard {
  const listed = new Set(allowedOrigins.map(normalOrigin));
  const isTrusted = createAddressRange(trustedProxies);

  /** Whether a proxy passed the request on, of which nobody can say that it serves this machine alone. */
  function comesFromAfar({ headers, socket }: GuardedRequest): boolean {
    if (!wasForwarded(headers)) return false;
    if (!isTrusted(socket.remoteAddress ?? "")) return true;
    const addresses = forwardedChains(headers).flat();
    const hosts = String(headers["x-forwarded-host"] ?? "localhost").split(",");
    const isLocal =
      addresses.length > 0 &&
      addresses.every((address) => address !== undefined && isLoopbackAddress(address)) &&
      hosts.every((host) => namesLoopback(host.trim()));
    return !isLocal;
  }

  return {
    check: (req) => {
      if (needsToken()) return openly;
      const { remoteAddress } = req.socket;
      if (remoteAddress === undefined || !isLoopbackAddress(remoteAddress)) {
        return refuse("without a token, the API answers this machine only");
      }
      if (comesFromAfar(req)) {
        return refuse(
          "without a token, the API answers no request that a proxy passed on: set a TOKEN; for clients of this machine alone, name the proxy in WSC_TRUSTED_PROXIES",
        );
      }
      return checkLocally(req, listed);
    },
  };
}

/** By these a proxy tells that it passes a request on (RFC 7239; RFC 9110, 7.6.3; common use). */
const forwardingHeaders = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
] as const;

function wasForwarded(headers: IncomingHttpHeaders): boolean {
  for (const name of forwardingHeaders) if (headers[name] !== undefined) return true;
  return false;
}

/** Every request is told one of these, or why it is refused. */
const openly: Admission = { ok: true, cors: anyOrigin };
const locally: Admission = { ok: true, cors: noOrigin };

function checkLocally(req: GuardedRequest, listed: ReadonlySet<string>): Admission {
  const { headers, url } = req;
  if (!namesLoopback(headers.host) || !targetsLoopback(url)) {
    return refuse("without a token, the API answers only a Host that names loopback, such as localhost");
  }
  const origin = headers.origin;
  if (origin === undefined) {
    if (headers["sec-fetch-site"] !== "cross-site") return locally;
    return refuse("without a token, the API answers no page of another site");
  }
  if (!isLoopbackOrigin(origin) && !listed.has(normalOrigin(origin))) {
    return refuse("this Origin is not allowed; allow it with WSC_ALLOWED_ORIGINS, or set a TOKEN");
  }
  return { ok: true, cors: { "Access-Control-Allow-Origin": origin, ...noOrigin, ...exposed } };
}

function refuse(message: string): Admission {
  return { ok: false, cors: noOrigin, message };
}

/** The serialisation that browsers send, in which default ports are left out; what is no URL stays as it is. */
function normalOrigin(origin: string): string {
  if (!URL.canParse(origin)) return origin;
  const parsed = new URL(origin).origin;
  return parsed === "null" ? origin : parsed;
}

const originForm = /^https?:\/\/([^/?#]+)$/i;

function isLoopbackOrigin(origin: string): boolean {
  return namesLoopback(originForm.exec(origin)?.[1]);
}

function targetsLoopback(url: string | undefined): boolean {
  if (url === undefined || url.startsWith("/") || !URL.canParse(url)) return true;
  return namesLoopback(new URL(url).host);
}

const authorityForm = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{0,5})?$/i;

/** What was found of the authority that was asked for last: nearly every request has the same. */
let latest = { authority: "", isLoopback: false };

/** Whether a `Host` header, with or without a port, names loopback. A missing or malformed one does not. */
function namesLoopback(authority: string | undefined): boolean {
  if (authority === undefined) return false;
  if (latest.authority !== authority) latest = { authority, isLoopback: isLoopbackAuthority(authority) };
  return latest.isLoopback;
}

function isLoopbackAuthority(authority: string): boolean {
  const host = authorityForm.exec(authority)?.[1];
  return host !== undefined && isLoopbackHost(host);
}

const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

/** Methods that the classic API serves, as `Allow` and preflight answers name them. */
export const ALLOWED_METHODS = "GET, POST, HEAD, OPTIONS";

/** How long a browser may remember a preflight: 2 hours, the longest that Chromium heeds. */
const PREFLIGHT_MAX_AGE_S = 7200;

/**
 * The further headers of a preflight's answer (Fetch standard, 4.8): the requested headers are allowed as they are
 * named.
 */
export function preflightHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const requested = headers["access-control-request-headers"];
  const names = requested?.split(",").map((name) => name.trim());
  const allowed = names?.every((name) => headerName.test(name))
    ? names.join(", ")
    : "Authorization, Content-Type";
  return {
    "Access-Control-Allow-Methods": ALLOWED_METHODS,
    "Access-Control-Allow-Headers": allowed,
    "Access-Control-Max-Age": String(PREFLIGHT_MAX_AGE_S),
  };
}
