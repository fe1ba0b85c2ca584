import type { Environment } from "./environment.js";
import { ClientError } from "./errors.js";
import { parseObject } from "./frames.js";

export interface AddressContext {
  /** The address to keep away from, where the last one could not be reached or was going away. */
  readonly avoid: string | undefined;
  /** Aborted when the try is given up. */
  readonly signal: AbortSignal;
}

/** One address, several of which any will do, or a function that is asked before each try. */
export type Address = string | readonly string[] | ((context: AddressContext) => string | Promise<string>);

/** The steering endpoint of a center or node, which knows where there is room. */
export interface Assign {
  /** `http(s)://host/assign` */
  readonly url: string;
  /** Who connects: all of a user's connections go to one node. Default: somebody else each time, so to any node. */
  readonly userId?: string;
}

export type FindAddress = (context: AddressContext) => Promise<string>;

/** Of a list, a random one; each further try takes another one of it. So clients spread over the nodes that are left. */
export function createFindAddress(
  { url, assign }: { url: Exclude<Address, string> | undefined; assign: Assign | undefined },
  environment: Environment,
): FindAddress {
  if (typeof url === "function") {
    return async (context) => {
      try {
        return toWebSocketUrl(await url(context));
      } catch (cause) {
        throw new ClientError("NO_ADDRESS", "the `url` function gave no address", { cause });
      }
    };
  }
  if (assign !== undefined) return ({ signal }) => askAssign(assign, environment, signal);
  const urls = url ?? [];
  let at = -1;
  return () => {
    const others = at === -1 ? urls.length : urls.length - 1;
    at = (at + 1 + Math.floor(environment.random() * others)) % urls.length;
    return Promise.resolve(urls[at] ?? "");
  };
}

/** @throws ClientError BAD_OPTIONS where it is no address of a WebSocket. */
export function toWebSocketUrl(url: string): string {
  try {
    // In a browser an address may be relative to the page.
    const base = typeof location === "undefined" ? undefined : location.href;
    const full = new URL(url, base).href.replace(/^http/, "ws");
    if (/^wss?:[^#]+$/.test(full)) return full;
  } catch {
    // Told below.
  }
  throw new ClientError("BAD_OPTIONS", `expected a ws:// or wss:// address, got ${JSON.stringify(url)}`);
}

export function withQuery(url: string, name: string, value: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}${name}=${encodeURIComponent(value)}`;
}

async function askAssign(
  { url, userId }: Assign,
  environment: Environment,
  signal: AbortSignal,
): Promise<string> {
  try {
    const response = await environment.fetch(withQuery(url, "id", userId ?? String(environment.random())), {
      signal,
    });
    if (!response.ok) {
      throw new ClientError("NO_ADDRESS", `${url} answered with status ${response.status}`, {
        retryAfterMs: Number(response.headers.get("Retry-After")) * 1000 || 0,
      });
    }
    const found = parseObject(await response.text())?.["url"];
    if (typeof found === "string") return toWebSocketUrl(found);
    throw new ClientError("NO_ADDRESS", `${url} answered without an address`);
  } catch (cause) {
    if (cause instanceof ClientError && cause.code === "NO_ADDRESS") throw cause;
    throw new ClientError("NO_ADDRESS", `${url} failed`, { cause });
  }
}
