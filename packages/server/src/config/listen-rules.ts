import { CenterError } from "../errors.js";
import { formatAddress, parseAddress } from "./addresses.js";
import { isLoopbackHost } from "../loopback.js";
import type { CenterConfig, NodeConfig } from "./options.js";

const SET_TOKEN = "set TOKEN (or TOKEN_FILE, --token-file) or WSC_TOKENS_FILE (--tokens-file)";
const SET_LINK_SECRET =
  "set WSC_LINK_SECRET (or WSC_LINK_SECRET_FILE, --link-secret-file) to the same 32 bytes or more at centers and nodes";
const ASK_FOR_CERTIFICATES = "WSC_LINK_TLS_CLIENT_CA (--link-tls-client-ca) to ask nodes for certificates";
const SHOW_CERTIFICATE =
  "WSC_LINK_TLS_CERT and WSC_LINK_TLS_KEY (--link-tls-cert, --link-tls-key) to show a certificate";
const TRUST_NETWORK = "WSC_INSECURE_LINK=1 (--insecure-link) if you trust the network";
const LISTEN_WITH_TLS = `set WSC_LINK_TLS_CERT and WSC_LINK_TLS_KEY (--link-tls-cert, --link-tls-key), or ${TRUST_NETWORK}`;
const DIAL_WITH_TLS = `set WSC_LINK_TLS=1 or WSC_LINK_TLS_CA (--link-tls, --link-tls-ca), or ${TRUST_NETWORK}`;

type DialConfig = Pick<NodeConfig, "linkSecret" | "linkTls" | "linkTlsCa" | "linkTlsCert" | "insecureLink">;

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
export function checkDialRules(config: DialConfig, host: string): void {
  const refusals = dialRefusals(config, host, host);
  if (refusals.length > 0) throw new CenterError("LISTEN_REFUSED", refusals.join("\n"));
}

/** Whether a node serves its own HTTP API on the client port: always on loopback, beyond it only with a token. */
export function nodeApiEnabled(config: Pick<NodeConfig, "host" | "token" | "tokensFile">): boolean {
  return isLoopbackHost(config.host) || asksForToken(config);
}

/** A tokens file counts, whatever is in it: a list that is empty lets nobody in. */
function asksForToken({ token, tokensFile }: Pick<NodeConfig, "token" | "tokensFile">): boolean {
  return token.length > 0 || tokensFile !== undefined;
}

function centerRefusals(config: CenterConfig): string[] {
  if (isLoopbackHost(config.host)) return [];
  const refusals: string[] = [];
  const linkAt = `The link port ${formatAddress({ host: config.host, port: config.linkPort })} is beyond loopback`;
  if (config.linkSecret.length === 0 && config.linkTlsClientCa === undefined) {
    refusals.push(`${linkAt} and needs a link secret: ${SET_LINK_SECRET}, or ${ASK_FOR_CERTIFICATES}.`);
  }
  if (config.linkTlsCert === undefined && !config.insecureLink) {
    refusals.push(`${linkAt} and needs TLS: ${LISTEN_WITH_TLS}.`);
  }
  if (!asksForToken(config)) {
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
  if (config.adminPort !== undefined && !isLoopbackHost(config.adminHost) && !asksForToken(config)) {
    const adminAt = formatAddress({ host: config.adminHost, port: config.adminPort });
    refusals.push(`The admin port ${adminAt} is beyond loopback and needs a token: ${SET_TOKEN}.`);
  }
  return refusals;
}

function dialRefusals(config: DialConfig, host: string, address: string): string[] {
  if (isLoopbackHost(host)) return [];
  const refusals: string[] = [];
  if (config.linkSecret.length === 0 && config.linkTlsCert === undefined) {
    refusals.push(
      `The center ${address} is beyond loopback and asks for a link secret: ${SET_LINK_SECRET}, or ${SHOW_CERTIFICATE}.`,
    );
  }
  if (!config.linkTls && config.linkTlsCa === undefined && !config.insecureLink) {
    refusals.push(`The center ${address} is beyond loopback and needs TLS: ${DIAL_WITH_TLS}.`);
  }
  return refusals;
}
