import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { describeInChromium, openConsole } from "./browser.js";
import { connectClient, startCluster } from "./cluster.js";
import { freePort } from "../../server/test/free-ports.js";

const nginx = "/usr/sbin/nginx";

/** The block of docs/OPERATIONS.md that puts a center behind a prefix. */
function documentedLocation(): string {
  const page = readFileSync(new URL("../../../docs/OPERATIONS.md", import.meta.url), "utf8");
  const [, block] = /```\n(location \/wsc\/ \{.*?\n\})\n```/s.exec(page) ?? [];
  if (block === undefined) throw new Error("docs/OPERATIONS.md has no location block");
  return block;
}

/** nginx with the documented block, in front of that center. */
async function startProxy(center: string): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "wsc-console-proxy-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const file = path.join(folder, "nginx.conf");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr; events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n")}
      server { listen 127.0.0.1:${port}; ${documentedLocation().replace("127.0.0.1:8011", center)} }
    }`,
  );
  const child = spawn(nginx, ["-p", folder, "-c", file, "-e", "stderr"], { stdio: "ignore" });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  const url = `http://127.0.0.1:${port}/wsc/`;
  await vi.waitFor(async () => expect((await fetch(`${url}livez`)).status).toBe(200), { timeout: 10_000 });
  return url;
}

describeInChromium("behind a reverse proxy and a prefix, as the documents say", () => {
  test.skipIf(!existsSync(nginx))(
    "the console loads, asks for the token, shows what is live, and sends",
    async () => {
      const token = "behind-a-proxy-1";
      const { centers, nodes } = await startCluster({ nodes: 2, center: { token: [token] } });
      const url = await startProxy(centers[0].addresses.http);
      const [node] = nodes;
      if (node === undefined) throw new Error("there is no node");
      const client = await connectClient(node, { userId: "ada" });
      const page = await openConsole(`${url}console/`, { path: "/send?userId=ada", mayFail: /401/ });
      await page.getByRole("textbox", { name: "Token" }).fill(token);
      await page.getByRole("button", { name: "Go on" }).click();
      await page.locator("[data-status=live]").waitFor();
      await page
        .getByText(`through ${new URL(url).host}/wsc`)
        .first()
        .waitFor();
      await page.getByRole("textbox", { name: "Message" }).fill("through the proxy");
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await vi.waitFor(() => expect(client.messages).toEqual(["through the proxy"]), { timeout: 10_000 });
      await page.getByRole("link", { name: "API explorer" }).click();
      await page.getByRole("button", { name: "Add broadcast", exact: true }).waitFor();
    },
  );
});
