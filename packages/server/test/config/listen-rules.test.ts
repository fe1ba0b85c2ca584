import { describe, expect, test } from "vitest";
import { checkDialRules, checkListenRules, nodeApiEnabled } from "../../src/config/listen-rules.js";
import type { CenterOptions, NodeOptions } from "../../src/config/options.js";
import { resolveCenterOptions, resolveNodeOptions } from "../../src/config/resolve.js";

const linkSecret = ["0123456789abcdef0123456789abcdef"];
const linkTls = { linkTlsCert: "cert.pem", linkTlsKey: "key.pem" };
const token = ["t"];

/** What a center or node is refused for, a line each; none where it may start. */
function refusals(check: () => void): string[] {
  try {
    check();
  } catch (error) {
    expect(error).toMatchObject({ code: "LISTEN_REFUSED" });
    return error instanceof Error ? error.message.split("\n") : [];
  }
  return [];
}
const ofCenter = (options: CenterOptions) =>
  refusals(() => checkListenRules("center", resolveCenterOptions(options)));
const ofNode = (options: NodeOptions) =>
  refusals(() => checkListenRules("node", resolveNodeOptions(options)));

describe("a center", () => {
  test.each(["127.0.0.1", "127.9.9.9", "::1", "localhost", "center.localhost"])(
    "needs nothing on %s",
    (host) => {
      expect(ofCenter({ host })).toEqual([]);
    },
  );

  test.each(["0.0.0.0", "::", "10.0.0.1", "example.com"])("is told on %s what it needs", (host) => {
    const [secret, tls, tokens, ...rest] = ofCenter({ host });
    expect(secret).toMatch(
      /link port .*:8010 .*WSC_LINK_SECRET .*--link-secret-file.*WSC_LINK_TLS_CLIENT_CA/,
    );
    expect(tls).toMatch(
      /link port .*WSC_LINK_TLS_CERT.*--link-tls-cert.*WSC_INSECURE_LINK=1 \(--insecure-link\)/,
    );
    expect(tokens).toMatch(/HTTP port .*:8011 .*TOKEN .*--token-file.*WSC_TOKENS_FILE/);
    expect(rest).toEqual([]);
  });

  test("starts beyond loopback with a secret, a token, and TLS or the word that the network is trusted", () => {
    const host = "0.0.0.0";
    expect(ofCenter({ host, linkSecret, token, ...linkTls })).toEqual([]);
    expect(ofCenter({ host, linkSecret, token, insecureLink: true })).toEqual([]);
  });

  test("starts beyond loopback with a tokens file for a token, and certificates of nodes for a secret", () => {
    const host = "0.0.0.0";
    expect(ofCenter({ host, linkSecret, tokensFile: "tokens.json", ...linkTls })).toEqual([]);
    expect(ofCenter({ host, token, linkTlsClientCa: "ca.pem", ...linkTls })).toEqual([]);
    expect(() =>
      resolveCenterOptions({ host, token, linkTlsClientCa: "ca.pem", insecureLink: true }),
    ).toThrow("linkTlsClientCa is set but linkTlsCert is not: only TLS asks for certificates");
  });

  test.each([
    ["the secret", { token, insecureLink: true }],
    ["TLS", { token, linkSecret }],
    ["TLS of the link port", { token, linkSecret, tlsCert: "cert.pem", tlsKey: "key.pem" }],
    ["the token", { linkSecret, ...linkTls }],
  ])("does not start beyond loopback without %s", (_what, options) => {
    expect(ofCenter({ host: "0.0.0.0", ...options })).toHaveLength(1);
  });
});

describe("a node", () => {
  test("may have a public client port; its own HTTP API is off there without a token", () => {
    expect(ofNode({ host: "0.0.0.0" })).toEqual([]);
    expect(nodeApiEnabled(resolveNodeOptions({ host: "0.0.0.0" }))).toBe(false);
    expect(nodeApiEnabled(resolveNodeOptions({ host: "0.0.0.0", token }))).toBe(true);
    expect(nodeApiEnabled(resolveNodeOptions({ host: "0.0.0.0", tokensFile: "tokens.json" }))).toBe(true);
    expect(nodeApiEnabled(resolveNodeOptions({ host: "::1" }))).toBe(true);
  });

  test("needs a token for an admin port beyond loopback", () => {
    expect(ofNode({ adminPort: 9000 })).toEqual([]);
    expect(ofNode({ adminHost: "0.0.0.0" })).toEqual([]);
    expect(ofNode({ adminPort: 9000, adminHost: "0.0.0.0" })).toEqual([
      "The admin port 0.0.0.0:9000 is beyond loopback and needs a token: set TOKEN (or TOKEN_FILE, --token-file) or WSC_TOKENS_FILE (--tokens-file).",
    ]);
    expect(ofNode({ adminPort: 9000, adminHost: "0.0.0.0", token })).toEqual([]);
    expect(ofNode({ adminPort: 9000, adminHost: "0.0.0.0", tokensFile: "tokens.json" })).toEqual([]);
  });

  test("needs a secret and TLS for centers beyond loopback, and is told so for each", () => {
    expect(ofNode({ centers: ["8010", "localhost:8010", "[::1]:8010", "127.0.0.1:1"] })).toEqual([]);
    const [secret, tls, ...rest] = ofNode({ centers: ["8010", "10.0.0.1:8010"] });
    expect(secret).toMatch(/center 10\.0\.0\.1:8010 .*WSC_LINK_SECRET.*WSC_LINK_TLS_CERT/);
    expect(tls).toMatch(/WSC_LINK_TLS=1 or WSC_LINK_TLS_CA .*WSC_INSECURE_LINK=1/);
    expect(rest).toEqual([]);
  });

  test.each([
    ["TLS", { linkTls: true }],
    ["an authority of its own", { linkTlsCa: "ca.pem" }],
    ["a trusted network", { insecureLink: true }],
  ])("may dial a center beyond loopback with a secret and %s", (_what, options) => {
    expect(
      refusals(() => checkDialRules(resolveNodeOptions({ linkSecret, ...options }), "10.0.0.1")),
    ).toEqual([]);
    expect(refusals(() => checkDialRules(resolveNodeOptions(options), "10.0.0.1"))).toHaveLength(1);
  });

  test("may dial a center beyond loopback with a certificate of its own instead of a secret", () => {
    const config = resolveNodeOptions(linkTls);
    expect(config.linkTls).toBe(true);
    expect(refusals(() => checkDialRules(config, "10.0.0.1"))).toEqual([]);
    expect(() => resolveNodeOptions({ linkTls: false, ...linkTls })).toThrow(
      "linkTlsCert is set but linkTls is false: leave one of them out",
    );
  });
});
