import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import {
  type CenterProcess,
  connectClient,
  type NodeProcess,
  startCenter,
  startNode,
} from "../cli/cluster.js";
import { endAll } from "../cli/command.js";
import { freePort } from "../free-ports.js";
import { ask, Client, startNode as startNodeHere } from "../node/running-node.js";
import { findProgram } from "../programs.js";
import { documented } from "./documented.js";

const nginx = findProgram("nginx") ?? findProgram("/usr/sbin/nginx");

afterEach(endAll);
vi.setConfig({ testTimeout: 60_000 });

/** nginx with the documented configuration, in front of these `host:port`. */
async function startProxy(upstreams: readonly [string, string, string]): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "wsc-nginx-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  let replaced = 0;
  const recipe = documented("nginx")
    .replaceAll(/10\.0\.0\.1[123]:8090/g, () => upstreams[replaced++] ?? "")
    .replace("listen 80;", `listen 127.0.0.1:${port};`);
  expect(replaced).toBe(3);
  expect(recipe).toContain(`127.0.0.1:${port};`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const file = path.join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n")}
      ${recipe}
    }`,
  );
  const child = spawn(nginx ?? "nginx", ["-p", folder, "-c", file, "-e", "stderr"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  const address = `127.0.0.1:${port}`;
  await vi.waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`);
      await ask(address, "/");
    },
    { timeout: 10_000 },
  );
  return address;
}

const hostOf = ({ url }: NodeProcess): string => url.replace("ws://", "");

test.skipIf(nginx === undefined)(
  "the nginx recipe keeps an id at its node, and survives a node that drains and one that is killed",
  async () => {
    const center: CenterProcess = await startCenter();
    const remoteAddresses: string[] = [];
    const nodes = [await startNode([center]), await startNode([center])] as const;
    const here = await startNodeHere(
      { centers: [center.link], trustedProxies: ["127.0.0.1"] },
      {
        authorize: (_request, { remoteAddress }) => {
          remoteAddresses.push(remoteAddress);
          return { admit: true };
        },
      },
    );
    const proxy = await startProxy([hostOf(nodes[0]), hostOf(nodes[1]), here.addresses.client]);
    const keys = [...nodes.map(({ id }) => id), here.id].map((id) => id.slice(0, 12));
    const keyOf = ({ id }: { id: string }): string => id.slice(0, 12);
    const connect = (id: string): ReturnType<typeof connectClient> =>
      connectClient(`ws://${proxy}/?id=${encodeURIComponent(id)}`);

    // The same id, the same node; all nodes have some.
    const ids = Array.from({ length: 40 }, (_, at) => `user ${at}`);
    const clients = await Promise.all(ids.map(connect));
    const again = await Promise.all(ids.map(connect));
    expect(again.map(keyOf)).toEqual(clients.map(keyOf));
    expect(new Set(clients.map(keyOf))).toEqual(new Set(keys));
    const nameless = await Promise.all(ids.map(() => connectClient(`ws://${proxy}/chat`)));
    expect(new Set(nameless.map(keyOf))).toEqual(new Set(keys));

    // The client's own address comes through, and what it claims itself does not count.
    const ofHere = ids[clients.findIndex((client) => keyOf(client) === keys[2])] ?? "";
    await Client.connect(`ws://${proxy}`, {
      path: `/?id=${encodeURIComponent(ofHere)}`,
      localAddress: "127.0.0.2",
      headers: { "X-Forwarded-For": "192.0.2.1", Forwarded: "for=192.0.2.2" },
    });
    expect(remoteAddresses.at(-1)).toBe("127.0.0.2");

    // The nodes' own API stays inside.
    const call = "/?event=getConnectionCount";
    for (const headers of [{}, { Upgrade: "h2c", Connection: "upgrade" }]) {
      expect((await ask(proxy, call, { headers: { Host: "localhost", ...headers } })).status).toBe(426);
    }

    // One is killed: its clients are closed, come back by the same address, and the others notice nothing.
    const [killed, kept] = nodes;
    const lost = clients.filter((client) => keyOf(client) === keyOf(killed));
    killed.command.signal("SIGKILL");
    await Promise.all(lost.map(({ closed }) => closed));
    const after = await Promise.all(ids.map(connect));
    for (const [at, client] of clients.entries()) {
      const now = after[at]?.id.slice(0, 12);
      if (keyOf(client) === keyOf(killed)) expect([keyOf(kept), keys[2]]).toContain(now);
      else expect(now).toBe(keyOf(client));
    }

    // One drains, and refuses with 503: the next one takes its clients.
    const leaving = after.filter((client) => keyOf(client) === keyOf(kept));
    const drained = await fetch(`${center.url}/nodes/${kept.id}/drain`, { method: "POST", body: "{}" });
    expect(drained.status).toBe(200);
    expect(await Promise.all(leaving.map(({ closed }) => closed))).toEqual(leaving.map(() => 1012));
    expect(new Set((await Promise.all(ids.map(connect))).map(keyOf))).toEqual(new Set([keys[2]]));
    for (const client of clients.filter((each) => keyOf(each) === keys[2])) {
      expect(client.socket.readyState).toBe(client.socket.OPEN);
    }
  },
);
