import { hostname, networkInterfaces } from "node:os";
import { formatAddress } from "../config/addresses.js";
import type { CenterConfig } from "../config/options.js";

const wildcards: ReadonlySet<string> = new Set(["0.0.0.0", "::", "::0", "0:0:0:0:0:0:0:0"]);

/**
 * How browsers reach the HTTP API: what is configured, else where it listens. On a wildcard that is the machine's name
 * where a certificate has to fit, and otherwise an address of it, which needs no name service.
 */
export function httpUrlOf(config: CenterConfig, port: number): string {
  const { host, httpUrl, tlsCert } = config;
  if (httpUrl !== undefined) return httpUrl;
  const isTls = tlsCert !== undefined;
  const reached = wildcards.has(host) ? (isTls ? hostname() : ownAddress()) : host;
  return `${isTls ? "https" : "http"}://${formatAddress({ host: reached, port })}`;
}

function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const outside = addresses.filter(({ internal, scopeid }) => !internal && (scopeid ?? 0) === 0);
  return (outside.find(({ family }) => family === "IPv4") ?? outside[0])?.address ?? hostname();
}
