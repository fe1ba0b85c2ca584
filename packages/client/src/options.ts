import { type Address, type Assign, toWebSocketUrl } from "./address.js";
import type { BackoffOptions } from "./backoff.js";
import { createEnvironment, type Environment, type WebSocketConstructor } from "./environment.js";
import { ClientError } from "./errors.js";
import type { HeartbeatOptions } from "./heartbeat.js";
import type { QueueOptions } from "./queue.js";
import type { TokenFunction } from "./token.js";

export interface ClientOptions<T> {
  /** Where to connect: one address, a list, or a function. `http(s)` and, in browsers, relative ones are fine too. */
  url?: Address | undefined;
  /** Instead of `url`: ask the cluster before each try which node to use. */
  assign?: Assign | undefined;
  /** Goes with each connection as `?access_token=`, and is renewed on the open connection before it runs out. */
  token?: TokenFunction | undefined;
  /** How long before its end a token is renewed. Default: 30,000. */
  tokenMarginMs?: number | undefined;
  /** Subprotocols to offer; a function, for which there has to be `token`, gets it, and it stays out of the address. */
  protocols?: readonly string[] | ((token: string) => readonly string[]) | undefined;
  /**
   * Text is JSON: `true`, or a function that checks each value (`schema.parse` of zod, say) and throws where it is
   * wrong. Default: text is delivered as it is.
   */
  json?: boolean | ((value: unknown) => T) | undefined;
  /** Whether the node begins with its `open` frame. Default: true. */
  openFrame?: boolean | undefined;
  /** False for nodes that do not answer the text `ping`; a dead link is then noticed by its socket alone. */
  heartbeat?: HeartbeatOptions | false | undefined;
  backoff?: BackoffOptions | undefined;
  /** How much may be sent while there is no connection, and at most wait for the network while there is one. */
  queue?: QueueOptions | undefined;
  /** How long one try may take, address and token included. Default: 10,000. */
  connectTimeoutMs?: number | undefined;
  /** Closes the client for good when it is aborted. */
  signal?: AbortSignal | undefined;
  /** Default: the global one; Node 20 has none, so pass that of `ws`. */
  WebSocket?: WebSocketConstructor | undefined;
  /** Clock, sockets, fetch and page events, where they shall not be the usual ones. */
  environment?: Partial<Environment> | undefined;
}

export interface ResolvedOptions {
  readonly url: Exclude<Address, string> | undefined;
  readonly assign: Assign | undefined;
  readonly token: TokenFunction | undefined;
  readonly tokenMarginMs: number;
  readonly protocols: (token: string | undefined) => readonly string[];
  readonly tokenInUrl: boolean;
  readonly json: boolean | ((value: unknown) => unknown);
  readonly openFrame: boolean;
  readonly heartbeat: Required<HeartbeatOptions> | undefined;
  readonly backoff: Required<BackoffOptions>;
  readonly queue: Required<QueueOptions>;
  readonly connectTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly environment: Environment;
}

/** @throws ClientError BAD_OPTIONS */
export function resolveOptions<T>(options: ClientOptions<T>): ResolvedOptions {
  const { url, assign, token, protocols = [], heartbeat } = options;
  if ((url === undefined) === (assign === undefined) || (Array.isArray(url) && url.length === 0)) {
    throw new ClientError("BAD_OPTIONS", "give one of `url`, with at least one address, and `assign`");
  }
  if (typeof protocols === "function" && token === undefined) {
    throw new ClientError("BAD_OPTIONS", "a `protocols` function needs `token`");
  }
  return {
    url: url === undefined || typeof url === "function" ? url : [url].flat().map(toWebSocketUrl),
    assign,
    token,
    tokenMarginMs: positive("tokenMarginMs", options.tokenMarginMs ?? 30_000),
    protocols:
      typeof protocols === "function"
        ? (given) => (given === undefined ? [] : protocols(given))
        : () => protocols,
    tokenInUrl: typeof protocols !== "function",
    json: options.json ?? false,
    openFrame: options.openFrame ?? true,
    heartbeat:
      heartbeat === false
        ? undefined
        : withDefaults("heartbeat", heartbeat, {
            intervalMs: 25_000,
            timeoutMs: 10_000,
            probeTimeoutMs: 3000,
          }),
    backoff: withDefaults("backoff", options.backoff, { baseMs: 2000, maxMs: 30_000, hiddenMs: 60_000 }),
    queue: withDefaults("queue", options.queue, { maxMessages: 1000, maxBytes: 2 ** 20 }),
    connectTimeoutMs: positive("connectTimeoutMs", options.connectTimeoutMs ?? 10_000),
    signal: options.signal,
    environment: resolveEnvironment(options.WebSocket, options.environment),
  };
}

function resolveEnvironment(
  given: WebSocketConstructor | undefined,
  environment: Partial<Environment> | undefined,
): Environment {
  const WebSocket = given ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (WebSocket === undefined && environment?.open === undefined) {
    throw new ClientError(
      "BAD_OPTIONS",
      "there is no global WebSocket here: pass one, `WebSocket` of `ws` for Node 20",
    );
  }
  return { ...createEnvironment(WebSocket as WebSocketConstructor), ...environment };
}

function withDefaults<K extends string>(
  name: string,
  given: Partial<Record<K, number>> | undefined,
  defaults: Record<K, number>,
): Record<K, number> {
  const resolved = { ...defaults };
  for (const key of Object.keys(defaults) as K[]) {
    resolved[key] = positive(`${name}.${key}`, given?.[key] ?? defaults[key]);
  }
  return resolved;
}

function positive(name: string, value: number): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw new ClientError("BAD_OPTIONS", `${name} must be a number above 0, got ${String(value)}`);
}
