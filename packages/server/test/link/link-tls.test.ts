import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram } from "../programs.js";
import { startCenter, startNode } from "./running.js";
import { TcpProxy } from "./tcp-proxy.js";

const hasOpenssl = findProgram("openssl") !== undefined;
const run = promisify(execFile);
const secret = "s".repeat(32);
let folder = "";
const file = (name: string): string => join(folder, name);

/** A certificate authority: PEM files of that name. */
async function createAuthority(name: string): Promise<void> {
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${name}`, "-keyout", file(`${name}.key`), "-out", file(`${name}.pem`)],
  ]);
}

/** What that authority signed for `names`. */
async function createCertificate(name: string, authority: string, names: string): Promise<void> {
  await run("openssl", [
    ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-subj", `/CN=${name}`, "-keyout", file(`${name}.key`), "-out", file(`${name}.csr`)],
  ]);
  await writeFile(file(`${name}.ext`), `subjectAltName=${names}\n`);
  await run("openssl", [
    ...["x509", "-req", "-in", file(`${name}.csr`), "-days", "2", "-extfile", file(`${name}.ext`)],
    ...["-CA", file(`${authority}.pem`), "-CAkey", file(`${authority}.key`), "-CAcreateserial"],
    ...["-out", file(`${name}.pem`)],
  ]);
}

beforeAll(async () => {
  if (!hasOpenssl) return;
  folder = await mkdtemp(join(tmpdir(), "link-tls-"));
  await createAuthority("authority");
  await createAuthority("stranger");
  await createCertificate("center", "authority", "IP:127.0.0.1,DNS:localhost");
  await createCertificate("elsewhere", "authority", "DNS:center.example");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const startTlsCenter = (name = "center") =>
  startCenter({ linkSecret: [secret], linkTlsCert: file(`${name}.pem`), linkTlsKey: file(`${name}.key`) });

describe.skipIf(!hasOpenssl)("links over TLS", () => {
  test("a node that knows the authority registers, and calls go through", async () => {
    const { center } = await startTlsCenter();
    const { node, book } = await startNode({
      centers: [center.addresses.link],
      linkSecret: [secret],
      linkTlsCa: file("authority.pem"),
    });
    await book.until("registered with a center");
    expect(center.nodes.map(({ id }) => id)).toEqual([node.id]);
    const answer = await center.cluster.countConnections({});
    expect(answer.nodes).toEqual([{ nodeId: node.id, ok: true, value: 0 }]);
  });

  test("a host name is checked as well as an address", async () => {
    const { center } = await startTlsCenter();
    const port = center.addresses.link.split(":")[1];
    const { book } = await startNode({
      centers: [`localhost:${port}`],
      linkSecret: [secret],
      linkTlsCa: file("authority.pem"),
    });
    await book.until("registered with a center");
  });

  test.each([
    ["that does not know the authority", "center", { linkTls: true }, /certificate/, "LINK_UNTRUSTED"],
    ["that trusts another authority", "center", { linkTlsCa: "stranger" }, /certificate/, "LINK_UNTRUSTED"],
    [
      "that dials an address which the certificate does not name",
      "elsewhere",
      { linkTlsCa: "authority" },
      /altnames/,
      "LINK_UNTRUSTED",
    ],
    ["that speaks no TLS", "center", {}, /set WSC_LINK_TLS_CA/, "LINK_LOST"],
  ] as const)("a node %s does not register", async (_case, certificate, options, why, code) => {
    const { center } = await startTlsCenter(certificate);
    const { book } = await startNode({
      centers: [center.addresses.link],
      linkSecret: [secret],
      ...("linkTlsCa" in options ? { linkTlsCa: file(`${options.linkTlsCa}.pem`) } : options),
    });
    const line = await book.until("no link to the center");
    expect(line.msg).toMatch(why);
    // What somebody has to mend first is an error, and is dialled again slowly.
    expect(line).toMatchObject({ code, level: code === "LINK_LOST" ? "warn" : "error" });
    if (code === "LINK_LOST") expect(line["retryMs"]).toBeLessThan(1000);
    else expect(line["retryMs"]).toBeGreaterThan(10_000);
    expect(center.nodes).toEqual([]);
  });

  test("a node that wants TLS does not register with a center that speaks none", async () => {
    const { center } = await startCenter({ linkSecret: [secret] });
    const { book } = await startNode({
      centers: [center.addresses.link],
      linkSecret: [secret],
      linkTlsCa: file("authority.pem"),
    });
    const line = await book.until("no link to the center");
    expect(line.msg).toMatch(/does that link port have TLS/);
    expect(center.nodes).toEqual([]);
  });

  test("what passes between them cannot be read: neither frames nor ids", async () => {
    const { center } = await startTlsCenter();
    const proxy = await TcpProxy.open(Number(center.addresses.link.split(":")[1]));
    const { node, book } = await startNode({
      centers: [`127.0.0.1:${proxy.port}`],
      linkSecret: [secret],
      linkTlsCa: file("authority.pem"),
    });
    await book.until("registered with a center");
    await center.cluster.isUserOnline({ userId: "a-rather-long-user-id" });
    expect(proxy.bytes.length).toBeGreaterThan(500);
    for (const text of [node.id, center.id, "a-rather-long-user-id", "welcome", "isUserOnline"]) {
      expect(proxy.bytes.includes(text)).toBe(false);
    }
    await proxy.close();
  });

  test("files that are not there refuse at once, by name", async () => {
    await expect(
      startCenter({ linkTlsCert: file("nothing.pem"), linkTlsKey: file("center.key") }),
    ).rejects.toThrow(/nothing\.pem/);
    await expect(startNode({ linkTlsCa: file("nothing.pem") })).rejects.toThrow(/nothing\.pem/);
  });
});
