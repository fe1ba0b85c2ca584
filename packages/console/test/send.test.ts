import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { curlOf } from "../src/shared/curl.js";
import { jsonBody } from "../src/shared/request-body.js";
import { accessibilityFaults, describeInChromium, openConsole } from "./browser.js";
import { connectClient, startCluster, type TestClient } from "./cluster.js";

const WAIT = { timeout: 10_000 };

describeInChromium("sending", () => {
  test("to a user reaches every connection of it, tells what each node says, and is kept to be sent again", async () => {
    const { console, nodes } = await startCluster({ nodes: 2 });
    const clients: TestClient[] = [];
    for (const node of nodes) clients.push(await connectClient(node, { userId: "ada" }));
    const page = await openConsole(console, { path: "/send?userId=ada" });
    await page.getByRole("textbox", { name: "Message" }).fill("hello");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("status").filter({ hasText: "2 connections queued it" }).waitFor();
    await vi.waitFor(
      () => expect(clients.map(({ messages }) => messages)).toEqual([["hello"], ["hello"]]),
      WAIT,
    );
    expect(await page.getByRole("table", { name: "Results by node" }).getByRole("row").count()).toBe(3);
    await page.reload();
    await page.getByRole("button", { name: "Take up again" }).click();
    await page.getByText("JSON", { exact: true }).click();
    await page.getByText(/Not JSON/).waitFor();
    expect(await page.getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
    await page.getByRole("textbox", { name: "Message" }).fill('{ "a" : [1] }');
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await vi.waitFor(() => expect(clients[0]?.messages).toEqual(["hello", '{"a":[1]}']), WAIT);
  });

  test("to nobody says so, and leads to why", async () => {
    const { console } = await startCluster({ nodes: 2 });
    const page = await openConsole(console, { path: "/send?userId=nobody" });
    await page.getByRole("textbox", { name: "Message" }).fill("hello");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText("No connection queued it").waitFor();
    await page.getByRole("link", { name: "Why? Look it up" }).click();
    await page.getByText(/sendToUser reached nobody/).waitFor();
  });

  test("can be read by everybody", async () => {
    const { console } = await startCluster({ nodes: 1 });
    const page = await openConsole(console, { path: "/send" });
    await page.getByRole("textbox", { name: "Message" }).fill("hello");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("table", { name: "Results by node" }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});

test.each([["it's"], ['"$HOME" `id` \\ !'], ["two\nlines"], ["你好 \u{1F600}"], ["-d @/etc/passwd"]])(
  "a copied curl sends %j as it is",
  async (message) => {
    const { centers, nodes } = await startCluster({ nodes: 1, center: { token: ["a-token-for-tests"] } });
    if (nodes[0] === undefined) throw new Error("there is no node");
    const client = await connectClient(nodes[0]);
    const curl = curlOf({
      method: "POST",
      url: `http://${centers[0].addresses.http}/services/websocket/broadcast`,
      body: jsonBody({ mode: "all", params: { message } }),
      needsToken: true,
    });
    expect(curl).not.toContain("a-token-for-tests");
    const child = spawn("sh", ["-c", curl], {
      env: { ...process.env, TOKEN: "a-token-for-tests" },
      stdio: ["ignore", "ignore", "ignore"],
    });
    await once(child, "exit");
    await vi.waitFor(() => expect(client.messages).toEqual([message]), WAIT);
  },
);
