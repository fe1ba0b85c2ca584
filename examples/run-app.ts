import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../packages/server/test/chromium.js";

export { chromiumPath } from "../packages/server/test/chromium.js";

export interface App {
  /** Of the page. */
  readonly url: string;
  readonly browser: Browser;
  /** Runs an event of the API, and gives the value of the one node. */
  call(event: string, params: object): Promise<unknown>;
  /** The node loses all of its clients. */
  disconnectAll(): Promise<void>;
  /** @returns the exit code of the example. */
  stop(): Promise<number | null>;
}

/** Starts an example that has a page, as its first lines say, and a browser to look at it. */
export async function runApp(example: string): Promise<App> {
  const app = spawn(process.execPath, [fileURLToPath(new URL(`${example}/server.mjs`, import.meta.url))], {
    env: { ...process.env, PORT: "0", HTTP_PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const browser = await launchChromium();
  let found: RegExpExecArray | null = null;
  for await (const line of createInterface(app.stdout)) {
    found = /page is at (\S+), the API at (\S+)/.exec(line);
    if (found !== null) break;
  }
  const [, url = "", api = ""] = found ?? [];
  const call = async (event: string, params: object): Promise<unknown> => {
    const body = JSON.stringify({ [event]: params });
    const response = await fetch(`${api}?event=${event}`, { method: "POST", body });
    const { data } = (await response.json()) as { data: Record<string, Record<string, unknown>> };
    return Object.values(data[event] ?? {})[0];
  };
  return {
    url,
    browser,
    call,
    async disconnectAll() {
      const { nodes } = (await (await fetch(`${api}nodes`)).json()) as { nodes: { id: string }[] };
      for (const change of ["drain", "undrain"]) {
        const response = await fetch(`${api}nodes/${nodes[0]?.id}/${change}`, { method: "POST" });
        if (!response.ok) throw new Error(await response.text());
        if (change === "drain") {
          while ((await call("getConnectionCount", {})) !== 0);
        }
      }
    },
    async stop() {
      await browser.close();
      const exited = once(app, "exit");
      app.kill("SIGINT");
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}

export async function openPage(app: App, path = ""): Promise<Page> {
  const page = await app.browser.newPage();
  await page.goto(app.url + path);
  return page;
}
