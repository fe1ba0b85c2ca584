import { isLoopbackHost } from "../../loopback.js";

/** A host as `--allow-host` names it: no port, no brackets, in lower case. */
function nameOf(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
}

/** The hosts of these addresses, each once, that are neither loopback nor allowed by name. */
export function strangeHosts(addresses: readonly URL[], allowed: readonly string[]): string[] {
  const names = new Set(allowed.map(nameOf));
  const hosts = addresses.map(({ hostname }) => hostname).filter((host) => !isLoopbackHost(host));
  return [...new Set(hosts.map(nameOf))].filter((name) => !names.has(name));
}
