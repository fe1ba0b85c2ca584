import { isIP, isIPv6 } from "node:net";
import { CenterError } from "../errors.js";

/** Where to dial. Without `host`: a bare port, whose host the context tells. `host` has no brackets. */
export interface Address {
  host?: string;
  port: number;
}

/** Completes "expected ...". */
export const ADDRESS_FORM = "`port`, `host:port` or `[IPv6]:port`, the port from 1 to 65535";

/**
 * Reads `port`, `host:port` or `[IPv6]:port`. Host names become lower case; nothing is looked up.
 *
 * @throws CenterError CONFIG_INVALID for anything else.
 */
export function parseAddress(text: string): Address {
  const address = readAddress(text.trim());
  if (address === undefined) {
    throw new CenterError(
      "CONFIG_INVALID",
      `${JSON.stringify(text)} is no address: expected ${ADDRESS_FORM}`,
    );
  }
  return address;
}

export function isAddress(text: string): boolean {
  return readAddress(text) !== undefined;
}

/** The text that `parseAddress` reads back: IPv6 hosts get their brackets. */
export function formatAddress({ host, port }: Address): string {
  if (host === undefined) return String(port);
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether `text` can stand where a host is expected: an IP address without brackets, or a host name. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return !text.includes("%");
  return /^[\p{L}\p{N}_]([\p{L}\p{N}._-]*[\p{L}\p{N}_.])?$/u.test(text);
}

/** Whether `text` is an IP address, or a network like 10.0.0.0/8. */
export function isAddressRange(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}

function readAddress(text: string): Address | undefined {
  const match = /^(?:(?<bracketed>\[[^\]]+\]|[^:[\]]+):)?(?<digits>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.["digits"]);
  if (!(port >= 1 && port <= 65_535)) return undefined;
  const given = match?.groups?.["bracketed"];
  if (given === undefined) return { port };
  const host = withoutBrackets(given).toLowerCase();
  const wantsBrackets = isIPv6(host);
  if (!isHost(host) || wantsBrackets !== given.startsWith("[")) return undefined;
  return URL.canParse(`ws://${given}:${port}/`) ? { host, port } : undefined;
}

function withoutBrackets(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
