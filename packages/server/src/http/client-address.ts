import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from "node:net";
import type { IncomingHttpHeaders } from "node:http";
import { CenterError } from "../errors.js";

/** What is read of a request. */
export interface AddressedRequest {
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
}

/** The address where none is known: the socket is gone, or is not an internet one. */
export const UNKNOWN_ADDRESS = "unknown";

/**
 * Makes the function that tells a request's client address behind proxies.
 *
 * `X-Forwarded-For` and `Forwarded` (RFC 7239) count only where the socket's peer is trusted, and are read from the
 * right as long as the address that added an entry is trusted. Where both are there and disagree the peer's own
 * address counts, for a proxy passes on the one that it does not set.
 *
 * @param trustedProxies - addresses and CIDRs, IPv4 or IPv6.
 * @returns an address in canonical text, IPv4 where it is IPv4 in IPv6; `unknown` where the socket has none.
 * @throws CenterError CONFIG_INVALID for an entry that is neither.
 */
export function createClientAddress(trustedProxies: readonly string[]): (req: AddressedRequest) => string {
  const isTrusted = createAddressRange(trustedProxies);

  return ({ headers, socket }) => {
    const peer = canonicalAddress(socket.remoteAddress ?? "");
    if (peer === undefined) return UNKNOWN_ADDRESS;
    if (!isTrusted(peer)) return peer;
    const chains = forwardedChains(headers);
    const [first = peer, second = first] = chains.map((chain) => walk(chain, peer, isTrusted));
    return first === second ? first : peer;
  };
}

/**
 * Makes the function that tells whether an address is one of `entries`, addresses and CIDRs.
 * @throws CenterError CONFIG_INVALID for an entry that is neither.
 */
export function createAddressRange(entries: readonly string[]): (address: string) => boolean {
  if (entries.length === 0) return () => false;
  const range = new BlockList();
  for (const entry of entries) addEntry(range, entry);
  return (address) => {
    const canonical = canonicalAddress(address);
    return canonical !== undefined && range.check(canonical, isIPv4(canonical) ? "ipv4" : "ipv6");
  };
}

/** The addresses that `X-Forwarded-For` and `Forwarded` name, a list for each that is there; undefined for what is none. */
export function forwardedChains(headers: IncomingHttpHeaders): (string | undefined)[][] {
  const chains: (string | undefined)[][] = [];
  const forwardedFor = headers["x-forwarded-for"];
  if (forwardedFor !== undefined) chains.push(parseForwardedFor(String(forwardedFor)));
  if (headers.forwarded !== undefined) chains.push(parseForwarded(headers.forwarded));
  return chains;
}

/** From the right: each entry was added by the address before it, and counts while that one is trusted. */
function walk(
  chain: readonly (string | undefined)[],
  peer: string,
  isTrusted: (address: string) => boolean,
): string {
  let address = peer;
  for (let index = chain.length - 1; index >= 0 && isTrusted(address); index -= 1) {
    const next = chain[index];
    if (next === undefined) return address;
    address = next;
  }
  return address;
}

/** The addresses of `X-Forwarded-For`, undefined for entries that are none. */
function parseForwardedFor(header: string): (string | undefined)[] {
  return header.split(",").map((entry) => nodeAddress(entry.trim()));
}

/** The `for` of each element of `Forwarded`, undefined where it is missing, obfuscated or malformed. */
function parseForwarded(header: string): (string | undefined)[] {
  return splitOutsideQuotes(header, ",").map((element) => {
    for (const pair of splitOutsideQuotes(element, ";")) {
      const equals = pair.indexOf("=");
      if (equals === -1 || pair.slice(0, equals).trim().toLowerCase() !== "for") continue;
      const value = pair.slice(equals + 1).trim();
      const isQuoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
      return nodeAddress(isQuoted ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value);
    }
    return undefined;
  });
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (isQuoted && character === "\\") index += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

const bracketed = /^\[([^\]]*)\](?::[0-9]{1,5})?$/;
const withPort = /^([0-9.]+):[0-9]{1,5}$/;

/** An address with or without a port: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`. */
function nodeAddress(text: string): string | undefined {
  const inner = bracketed.exec(text)?.[1];
  if (inner !== undefined) return isIPv6(inner) ? canonicalAddress(inner) : undefined;
  return canonicalAddress(withPort.exec(text)?.[1] ?? text);
}

const mappedPrefix = "::ffff:";

/** One text for each address; undefined for what is none. Zones (`fe80::1%eth0`) are left out. */
function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text)) return undefined;
  const zone = text.indexOf("%");
  const { address } = new SocketAddress({
    address: zone === -1 ? text : text.slice(0, zone),
    family: "ipv6",
  });
  const inner = address.startsWith(mappedPrefix) ? address.slice(mappedPrefix.length) : "";
  return isIPv4(inner) ? inner : address;
}

function addEntry(trusted: BlockList, entry: string): void {
  const slash = entry.indexOf("/");
  const text = slash === -1 ? entry : entry.slice(0, slash);
  const address = text.includes("%") ? undefined : canonicalAddress(text);
  if (address === undefined) throw invalidEntry(entry);
  const isV4 = isIPv4(address);
  const isMapped = isV4 && isIP(text) === 6;
  const bits = isV4 ? 32 : 128;
  let prefix = bits;
  if (slash !== -1) {
    const given = entry.slice(slash + 1);
    prefix = /^[0-9]{1,3}$/.test(given) ? Number(given) - (isMapped ? 96 : 0) : -1;
  }
  if (prefix < 0 || prefix > bits) throw invalidEntry(entry);
  trusted.addSubnet(address, prefix, isV4 ? "ipv4" : "ipv6");
}

function invalidEntry(entry: string): CenterError {
  return new CenterError(
    "CONFIG_INVALID",
    `trusted proxy "${entry}" is neither an address nor a CIDR such as 10.0.0.0/8 or fd00::/8`,
  );
}
