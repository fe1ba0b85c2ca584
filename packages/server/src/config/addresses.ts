import { isIP, isIPv6 } from "node:net";
import { CenterError } from "../errors.js";

/** Where to dial. Without `host`: a bare port, whose host the context tells. `host` has no brackets. */
export interface Address {
  host?: string;
  port: number;
}

/** Of a name in the DNS, as text (RFC 1035, 2.3.4). */
const MAX_HOST_LENGTH = 253;

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

/**
 * One spelling for each host, as far as no look-up is needed: lower case, `localhost` as 127.0.0.1, IP addresses in
 * their shortest form, IPv4 addresses that are written as IPv6 ones (RFC 4291, 2.5.5.2) as IPv4.
 */
function canonicalHost(host: string): string {
  const name = withoutBrackets(host).toLowerCase().replace(/\.$/, "");
  if (name === "localhost") return "127.0.0.1";
  const isV6 = isIPv6(name);
  const url = `ws://${isV6 ? `[${name}]` : name}/`;
  if (!URL.canParse(url)) return name;
  const canonical = withoutBrackets(new URL(url).hostname);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (mapped === null) return canonical;
  const bytes = mapped
    .slice(1)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
  return bytes.join(".");
}

/** The same text for every spelling of an address; see `canonicalHost`. */
export function canonicalAddress({ host, port }: Address): string {
  return formatAddress(host === undefined ? { port } : { host: canonicalHost(host), port });
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
  if (host.length > MAX_HOST_LENGTH || !isHost(host) || wantsBrackets !== given.startsWith("["))
    return undefined;
  return URL.canParse(`ws://${given}:${port}/`) ? { host, port } : undefined;
}

function withoutBrackets(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

/**
 * One text for each ws(s) URL: lower-case scheme and host, no port that the scheme implies, no path that is only `/`.
 * Undefined where it is no such URL.
 */
export function publicAddressOf(publicUrl: string): string | undefined {
  if (!URL.canParse(publicUrl)) return undefined;
  const { href, protocol, host, pathname, search } = new URL(publicUrl);
  if (protocol !== "ws:" && protocol !== "wss:") return undefined;
  return pathname === "/" && search === "" ? `${protocol}//${host}` : href;
}
