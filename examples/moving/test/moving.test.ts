import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { connectClient, startCenter, startNode } from "../../../packages/server/test/cli/cluster.js";
import { endAll } from "../../../packages/server/test/cli/command.js";
import { findProgram } from "../../../packages/server/test/programs.js";
import { freePort } from "../../../packages/server/test/free-ports.js";

const nginx = findProgram("nginx") ?? findProgram("/usr/sbin/nginx");
const CLIENTS = 40;
/** Behind a proxy a center needs one: without, it answers only callers that name it as localhost. */
const TOKEN = "moving";

async function startCluster() {
  const center = await startCenter([], { TOKEN });
  const nodes = await Promise.all([startNode([center]), startNode([center])]);
  return { center, ports: nodes.map(({ url }) => new URL(url).port) };
}

/** nginx with the example's configuration, but for its ports. */
async function startNginx(ports: Record<string, string>): Promise<void> {
  let config = readFileSync(new URL("../nginx.conf", import.meta.url), "utf8");
  for (const [written, port] of Object.entries(ports)) {
    expect(config).toContain(`127.0.0.1:${written};`);
    config = config.replace(`127.0.0.1:${written};`, `127.0.0.1:${port};`);
  }
  const folder = mkdtempSync(path.join(tmpdir(), "wsc-nginx-"));
  writeFileSync(path.join(folder, "nginx.conf"), config);
  const child = spawn(nginx ?? "", ["-p", folder, "-c", "nginx.conf"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  await vi.waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${stderr}`);
      const socket = connect(Number(ports["8000"]), "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
    },
    { timeout: 10_000 },
  );
}

async function call(url: string, event: string, message?: string): Promise<number> {
  const body = message === undefined ? "" : JSON.stringify({ [event]: { msg: message } });
  const answer = await fetch(`${url}/?event=${event}&token=${TOKEN}`, { method: "POST", body });
  const { data } = (await answer.json()) as { data: Record<string, Record<string, number>> };
  return Object.values(data[event] ?? {}).reduce((sum, count) => sum + count, 0);
}

describe.skipIf(nginx === undefined)("nginx in front of two clusters", () => {
  afterAll(endAll);

  test("a share of the clients goes to the new one, and both are told what back ends say", async () => {
    const [older, newer] = await Promise.all([startCluster(), startCluster()]);
    const [clientPort, apiPort] = [String(await freePort()), String(await freePort())];
    await startNginx({
      "8090": older.ports[0] ?? "",
      "8091": older.ports[1] ?? "",
      "8190": newer.ports[0] ?? "",
      "8191": newer.ports[1] ?? "",
      "8011": new URL(older.center.url).port,
      "8111": new URL(newer.center.url).port,
      "8000": clientPort,
      "8001": apiPort,
    });
    const clients = [];
    for (let id = 0; id < CLIENTS; id += 1) {
      clients.push(await connectClient(`ws://127.0.0.1:${clientPort}/?id=${id}`));
    }
    const moved = await call(newer.center.url, "getConnectionCount");
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(CLIENTS / 2);
    expect(await call(older.center.url, "getConnectionCount")).toBe(CLIENTS - moved);

    expect(await call(`http://127.0.0.1:${apiPort}`, "broadcast", "to all")).toBe(CLIENTS - moved);
    for (const client of clients) expect(await client.next()).toBe("to all");
  });
});
