import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CenterOptions, NodeOptions } from "../../src/index.js";
import { findProgram } from "../programs.js";
import { portOf, startCenter, startNode } from "./running.js";

const hasOpenssl = findProgram("openssl") !== undefined;
const run = promisify(execFile);
const script = fileURLToPath(new URL("../../../../scripts/make-test-ca.sh", import.meta.url));
const secret = "s".repeat(32);
let folder = "";
/** A file of one of two authorities. */
const file = (authority: "ours" | "strange", name: string): string => join(folder, authority, name);

beforeAll(async () => {
  if (!hasOpenssl) return;
  folder = await mkdtemp(join(tmpdir(), "link-certificates-"));
  await run("sh", [script, file("ours", "")], { env: { ...process.env, NODE_CN: "node-7" } });
  await run("sh", [script, file("strange", "")]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A center that asks nodes for certificates. */
const startAskingCenter = (options: CenterOptions = {}) =>
  startCenter({
    linkTlsCert: file("ours", "center.crt"),
    linkTlsKey: file("ours", "center.key"),
    linkTlsClientCa: file("ours", "ca.crt"),
    ...options,
  });
const shown = (authority: "ours" | "strange", name: string): NodeOptions => ({
  linkTlsCert: file(authority, `${name}.crt`),
  linkTlsKey: file(authority, `${name}.key`),
});
/** Asks for a link over TLS without a certificate. `session`: of an earlier connection. */
async function knock(
  link: string,
  session?: Buffer,
): Promise<{ answer: string; session: Buffer | undefined; isReused: boolean }> {
  const socket = connect({
    port: Number(portOf(link)),
    host: "127.0.0.1",
    ca: await readFile(file("ours", "ca.crt")),
    ...(session === undefined ? {} : { session }),
  });
  let kept: Buffer | undefined;
  socket.on("session", (given) => (kept = given));
  await once(socket, "secureConnect");
  socket.write(
    "GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  const [data] = (await once(socket, "data")) as [Buffer];
  const isReused = socket.isSessionReused();
  socket.destroy();
  return { answer: data.toString(), session: kept, isReused };
}
const startNodeAt = (link: string, options: NodeOptions) =>
  startNode({ centers: [`127.0.0.1:${portOf(link)}`], linkTlsCa: file("ours", "ca.crt"), ...options });

describe.skipIf(!hasOpenssl)("a center that asks for certificates", () => {
  test("takes a node with one of its authority, without any secret, and says whom it names", async () => {
    const { center, book } = await startAskingCenter();
    const { node, book: ofNode } = await startNodeAt(center.addresses.link, shown("ours", "node"));
    await ofNode.until("registered with a center");
    expect(await book.until("a node registered")).toMatchObject({ nodeId: node.id, certificate: "node-7" });
    const answer = await center.cluster.countConnections({});
    expect(answer.nodes).toEqual([{ nodeId: node.id, ok: true, value: 0 }]);
  });

  test("may listen beyond loopback without a secret", async () => {
    const { center } = await startAskingCenter({ host: "0.0.0.0", token: ["t"] });
    const { book } = await startNodeAt(center.addresses.link, shown("ours", "node"));
    await book.until("registered with a center");
  });

  test.each([
    ["without one", () => ({}), /the node showed no certificate: set WSC_LINK_TLS_CERT/],
    ["with one of another authority", () => shown("strange", "node"), /not one of the center's authority/],
    ["with one that is for servers", () => shown("ours", "center"), /or not valid: INVALID_PURPOSE/],
  ])("refuses a node %s, which both say once, and which dials slowly", async (_what, options, why) => {
    const { center, book } = await startAskingCenter();
    const { book: ofNode } = await startNodeAt(center.addresses.link, options());
    const refused = await ofNode.until("no link to the center");
    expect(refused).toMatchObject({ level: "error", code: "LINK_CERT_REFUSED" });
    expect(refused.msg).toMatch(why);
    expect(refused["retryMs"]).toBeGreaterThanOrEqual(15_000);
    const said = await book.until("a peer was not let in at the link port");
    expect(said).toMatchObject({ level: "warn", code: "LINK_CERT_REFUSED" });
    expect(said.msg).toMatch(why);
    expect(book.with("not let in")).toHaveLength(1);
    expect(ofNode.with("no link")).toHaveLength(1);
    expect(center.nodes).toEqual([]);
  });

  test("refuses a peer without one in a session that it takes up again, too", async () => {
    const { center, book } = await startAskingCenter();
    const first = await knock(center.addresses.link);
    expect(first.answer).toContain("403");
    const again = await knock(center.addresses.link, first.session);
    expect(again.isReused).toBe(true);
    expect(again.answer).toContain("403");
    expect(await book.until("not let in", 2)).toMatchObject({ code: "LINK_CERT_REFUSED" });
  });

  test("and has a secret wants both", async () => {
    const { center } = await startAskingCenter({ linkSecret: [secret] });
    const { link } = center.addresses;
    const onlyCertificate = await startNodeAt(link, shown("ours", "node"));
    expect(await onlyCertificate.book.until("no link")).toMatchObject({ code: "LINK_AUTH_FAILED" });
    const onlySecret = await startNodeAt(link, { linkSecret: [secret] });
    expect(await onlySecret.book.until("no link")).toMatchObject({ code: "LINK_CERT_REFUSED" });
    expect(center.nodes).toEqual([]);
    const both = await startNodeAt(link, { linkSecret: [secret], ...shown("ours", "node") });
    await both.book.until("registered with a center");
  });

  test("does not start with an authority that is none", async () => {
    await expect(startAskingCenter({ linkTlsClientCa: file("ours", "ca.key") })).rejects.toThrow(
      /ca\.key does not hold a certificate/,
    );
    await expect(startAskingCenter({ linkTlsClientCa: file("ours", "nothing") })).rejects.toThrow(
      /^linkTlsClientCa \(WSC_LINK_TLS_CLIENT_CA\): .*nothing cannot be read: there is no such file$/,
    );
  });
});

test.skipIf(!hasOpenssl)("the script for tests overwrites nothing", async () => {
  const before = await readFile(file("ours", "ca.key"), "utf8");
  const again = run("sh", [script, file("ours", "")]);
  await expect(again).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("is there already") });
  expect(await readFile(file("ours", "ca.key"), "utf8")).toBe(before);
});
