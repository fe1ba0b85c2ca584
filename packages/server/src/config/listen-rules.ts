import { CenterError } from "../errors.js";
import { formatAddress, parseAddress } from "./addresses.js";
import { isLoopbackHost } from "../loopback.js";
import type { CenterConfig, NodeConfig } from "./options.js";

const SET_TOKEN = "set TOKEN (or TOKEN_FILE, --token-file)";
const SET_LINK_SECRET =
  "set WSC_LINK_SECRET (or WSC_LINK_SECRET_FILE, --link-secret-file) to the same 32 bytes or more at centers and nodes";
const TRUST_NETWORK = "WSC_INSECURE_LINK=1 (--insecure-link) if you trust the network";
const LISTEN_WITH_TLS = `set WSC_LINK_TLS_CERT and WSC_LINK_TLS_KEY (--link-tls-cert, --link-tls-key), or ${TRUST_NETWORK}`;
const DIAL_WITH_TLS = `set WSC_LINK_TLS=1 or WSC_LINK_TLS_CA (--link-tls, --link-tls-ca), or ${TRUST_NETWORK}`;

/**
 * Who may listen where: on loopback everything runs without secrets, beyond it the parts need theirs. A node's
 * client port may be public; see `nodeApiEnabled`.
 *
 * @throws CenterError LISTEN_REFUSED that says what to set, one part a line.
 */
export function checkListenRules(processKind: "center", config: CenterConfig): void;
export function checkListenRules(processKind: "node", config: NodeConfig): void;
export function checkListenRules(
  ...[processKind, config]: ["center", CenterConfig] | ["node", NodeConfig]
): void {
  const refusals = processKind === "center" ? centerRefusals(config) : nodeRefusals(config);
  if (refusals.length > 0) throw new CenterError("LISTEN_REFUSED", refusals.join("\n"));
}

/**
 * Whether a node may dial the center at `host`, a name or an IP address.
 *
 * @throws CenterError LISTEN_REFUSED that says what to set.
 */
export function checkDialRules(
  config: Pick<NodeConfig, "linkSecret" | "linkTls" | "linkTlsCa" | "insecureLink">,
  host: string,
): void {
  const refusals = dialRefusals(config, host, host);
  if (refusals.length > 0) throw new CenterError("LISTEN_REFUSED", refusals.join("\n"));
}

/** Whether a node serves its own HTTP API on the client port: always on loopback, beyond it only with a token. */
export function nodeApiEnabled(config: Pick<NodeConfig, "host" | "token">): boolean {
  return isLoopbackHost(config.host) || config.token.length > 0;
}

function centerRefusals(config: CenterConfig): string[] {
  if (isLoopbackHost(config.host)) return [];
  const refusals: string[] = [];
  const linkAt = `The link port ${formatAddress({ host: config.host, port: config.linkPort })} is beyond loopback`;
  if (config.linkSecret.length === 0) refusals.push(`${linkAt} and needs a link secret: ${SET_LINK_SECRET}.`);
  if (config.linkTlsCert === undefined && !config.insecureLink) {
    refusals.push(`${linkAt} and needs TLS: ${LISTEN_WITH_TLS}.`);
  }
  if (config.token.length === 0) {
    const httpAt = formatAddress({ host: config.host, port: config.httpPort });
    refusals.push(`The HTTP port ${httpAt} is beyond loopback and needs a token: ${SET_TOKEN}.`);
  }
  return refusals;
}

function nodeRefusals(config: NodeConfig): string[] {
  const refusals = config.centers.flatMap((text) => {
    const { host } = parseAddress(text);
    return host === undefined ? [] : dialRefusals(config, host, text);
  });
  if (config.adminPort !== undefined && !isLoopbackHost(config.adminHost) && config.token.length === 0) {
    const adminAt = formatAddress({ host: config.adminHost, port: config.adminPort });
    refusals.push(`The admin port ${adminAt} is beyond loopback and needs a token: ${SET_TOKEN}.`);
  }
  return refusals;
}

function dialRefusals(
  config: Pick<NodeConfig, "linkSecret" | "linkTls" | "linkTlsCa" | "insecureLink">,
  host: string,
  address: string,
): string[] {
  if (isLoopbackHost(host)) return [];
  const refusals: string[] = [];
  if (config.linkSecret.length === 0) {
    refusals.push(`The center ${address} is beyond loopback and asks for a link secret: ${SET_LINK_SECRET}.`);
  }
  if (!config.linkTls && config.linkTlsCa === undefined && !config.insecureLink) {
    refusals.push(`The center ${address} is beyond loopback and needs TLS: ${DIAL_WITH_TLS}.`);
  }
  return refusals;
}
