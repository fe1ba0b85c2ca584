import { BlockList, isIPv4, isIPv6 } from "node:net";

/**
 * Whether a host, without a port, names this machine's loopback: `localhost`, `*.localhost` (RFC 6761, 6.3), 127.0.0.0/8,
 * or ::1 with or without brackets. Nothing is looked up, and unusual spellings (`127.1`, `localhost.`) do not count.
 */
export function isLoopbackHost(host: string): boolean {
  if (host.startsWith("[") && host.endsWith("]")) return isLoopbackAddress(host.slice(1, -1));
  return isLoopbackAddress(host) || /^(?:[a-z0-9_-]+\.)*localhost$/i.test(host);
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether an IP address is loopback; IPv4 in IPv6 (`::ffff:127.0.0.1`) counts as the IPv4 address. */
export function isLoopbackAddress(address: string): boolean {
  if (address === "127.0.0.1" || address === "::1" || address === "::ffff:127.0.0.1") return true;
  if (isIPv4(address)) return address.startsWith("127.");
  return isIPv6(address) && !address.includes("%") && loopback.check(address, "ipv6");
}
