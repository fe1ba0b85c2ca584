import { CenterError } from "./errors.js";

export interface BackendOptions {
  /** The HTTP ports of one or more centers of the same cluster: `http(s)://host:port`. */
  centers: readonly string[];
  /** A function is asked for each request, so it had better keep what it has. Default: none. */
  token?: string | (() => string | Promise<string>) | undefined;
  /** For a call that does not say otherwise, all attempts together. From 1 to 60,000. Default: 5,000. */
  timeoutMs?: number | undefined;
  /**
   * Whether calls share one `POST /batch` stream a center. `auto`: where the center, and what stands before it, let
   * lines through as they come. Default: `auto`.
   */
  pipelining?: boolean | "auto" | undefined;
  /** Calls that may be under way at once; more are refused as QUEUE_FULL. Default: 10,000. */
  maxInFlight?: number | undefined;
}

export interface ResolvedOptions {
  readonly centers: readonly URL[];
  readonly token: () => Promise<string | undefined>;
  readonly timeoutMs: number;
  readonly pipelining: boolean | "auto";
  readonly maxInFlight: number;
}

export const MAX_TIMEOUT_MS = 60_000;

/** @throws CenterError CONFIG_INVALID */
export function resolveOptions(options: BackendOptions): ResolvedOptions {
  const { centers, token, pipelining = "auto", maxInFlight = 10_000, timeoutMs = 5000 } = options;
  if (!Array.isArray(centers) || centers.length === 0) {
    throw invalid("centers", "expected the addresses of one or more centers, such as http://127.0.0.1:8011");
  }
  if (pipelining !== true && pipelining !== false && pipelining !== "auto") {
    throw invalid("pipelining", `expected true, false or "auto", got ${String(pipelining)}`);
  }
  if (!Number.isSafeInteger(maxInFlight) || maxInFlight < 1) {
    throw invalid("maxInFlight", `expected a whole number above 0, got ${String(maxInFlight)}`);
  }
  return {
    centers: [...new Set(centers.map(toCenterUrl))].map((href) => new URL(href)),
    token: async () => {
      try {
        return typeof token === "function" ? await token() : token;
      } catch (error) {
        throw new CenterError("TOKEN_FAILED", "the token function failed; nothing was sent", {
          cause: error,
        });
      }
    },
    timeoutMs: checkTimeout(timeoutMs, "CONFIG_INVALID"),
    pipelining,
    maxInFlight,
  };
}

/** @throws CenterError with that code. */
export function checkTimeout(timeoutMs: number, code: "CONFIG_INVALID" | "INVALID_PARAMS"): number {
  if (Number.isFinite(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  throw new CenterError(code, `timeoutMs: expected 1 to ${MAX_TIMEOUT_MS}, got ${String(timeoutMs)}`);
}

/** Ends with a slash, so that paths can be put behind it. */
function toCenterUrl(address: unknown): string {
  const url = typeof address === "string" && URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw invalid("centers", `expected http(s)://host:port, got ${String(address)}`);
  }
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    throw invalid("centers", "expected addresses without user, query and fragment; the token is an option");
  }
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

function invalid(name: string, problem: string): CenterError {
  return new CenterError("CONFIG_INVALID", `${name}: ${problem}`);
}
