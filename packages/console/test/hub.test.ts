import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { accessibilityFaults, describeInChromium, openConsole } from "./browser.js";
import { connectClient, startCluster } from "./cluster.js";

const WAIT = { timeout: 10_000 };

describeInChromium("connections, users and groups", () => {
  test("are paged through without loading all, forth and back", async () => {
    const { console, nodes } = await startCluster({ nodes: 2 });
    const ids: string[] = [];
    for (let number = 0; number < 70; number += 1) {
      const node = nodes[number % 2];
      if (node !== undefined) ids.push((await connectClient(node, { userId: `user-${number}` })).id);
    }
    const page = await openConsole(console, { path: "/connections" });
    const table = page.getByRole("table", { name: "Connections" });
    const rows = table.getByRole("row");
    await vi.waitFor(async () => expect(await rows.count()).toBe(51), WAIT);
    const first = await rows.nth(1).getByRole("link").first().textContent();
    await page.getByRole("button", { name: "Next" }).click();
    await vi.waitFor(async () => expect(await rows.count()).toBe(21), WAIT);
    const second = await rows.nth(1).getByRole("link").first().textContent();
    expect([first, second]).toEqual([ids.toSorted()[0], ids.toSorted()[50]]);
    expect(await page.getByRole("button", { name: "Next" }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Previous" }).click();
    await vi.waitFor(async () => expect(await rows.count()).toBe(51), WAIT);
  });

  test("are searched, as the page's address says too", async () => {
    const { console, nodes } = await startCluster({ nodes: 2 });
    for (const [at, userId] of ["ada", "adam", "bob"].entries()) {
      const node = nodes[at % 2];
      if (node !== undefined) await connectClient(node, { userId });
    }
    const page = await openConsole(console, { path: "/users" });
    await page.getByRole("link", { name: "bob" }).waitFor();
    await page.getByRole("textbox", { name: "Search" }).fill("ada");
    await page.getByRole("link", { name: "bob" }).waitFor({ state: "detached" });
    expect(new URL(page.url()).hash).toBe("#/users?search=ada");
    await page.reload();
    await page.getByRole("link", { name: "adam" }).waitFor();
    expect(await page.getByRole("table").getByRole("row").count()).toBe(3);
  });

  test("a connection is bound, joins, leaves, is unbound and closed from its page", async () => {
    const { console, nodes } = await startCluster({ nodes: 2 });
    const [node] = nodes;
    if (node === undefined) throw new Error("there is no node");
    const client = await connectClient(node, { query: "?lang=en" });
    const page = await openConsole(console, { path: `/connections/${client.id}`, mayFail: /404/ });
    await page.getByText('"lang": "en"').waitFor();
    await page.getByRole("textbox", { name: "User id" }).fill("ada/1 %");
    await page.getByRole("button", { name: "Bind to a user" }).click();
    await page.getByRole("link", { name: "ada/1 %" }).waitFor();
    expect(node.hub.getUserOfConnection({ connectionId: client.id })).toBe("ada/1 %");
    await page.getByRole("textbox", { name: "Group id" }).fill("room");
    await page.getByRole("button", { name: "Join a group" }).click();
    await page.getByRole("button", { name: "Leave room" }).click();
    await page.getByText("no groups").waitFor();
    await page.getByRole("link", { name: "ada/1 %" }).click();
    await page.getByRole("heading", { level: 1, name: "User ada/1 %" }).waitFor();
    await page.getByRole("link", { name: client.id }).click();
    await page.getByRole("button", { name: "Unbind" }).click();
    await page.getByRole("textbox", { name: "User id" }).waitFor();
    await page.getByRole("button", { name: "Close" }).first().click();
    await page.getByRole("dialog").getByRole("textbox").fill("bye");
    const closed = new Promise((resolve) =>
      client.socket.once("close", (code, reason) => resolve([code, String(reason)])),
    );
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
    expect(await closed).toEqual([4500, "bye"]);
    await page.getByText("This connection is not there any more").waitFor();
  }, 60_000);

  test("what a token does not allow cannot be pressed, and says which scope is missing", async () => {
    const token = "r".repeat(43);
    const folder = mkdtempSync(path.join(tmpdir(), "wsc-console-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const tokensFile = path.join(folder, "tokens.json");
    const sha256 = createHash("sha256").update(token).digest("hex");
    writeFileSync(tokensFile, JSON.stringify([{ name: "viewer", sha256, scopes: ["read"] }]));
    const { console, nodes } = await startCluster({ nodes: 1, center: { tokensFile } });
    if (nodes[0] === undefined) throw new Error("there is no node");
    const client = await connectClient(nodes[0], { userId: "ada" });
    const page = await openConsole(console, { path: `/connections/${client.id}`, mayFail: /401/ });
    await page.getByRole("textbox", { name: "Token" }).fill(token);
    await page.getByRole("button", { name: "Go on" }).click();
    const close = page.getByRole("button", { name: "Close" }).first();
    await close.waitFor();
    await vi.waitFor(async () => expect(await close.isDisabled()).toBe(true), WAIT);
    await close.locator("..").hover();
    await page.getByText(/lacks the scope "manage"/).waitFor();
    await page.getByRole("link", { name: "Send" }).first().click();
    expect(await page.getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
  });

  test("a token is asked for, kept in the tab alone, and forgotten when one wishes", async () => {
    const { console, nodes } = await startCluster({ nodes: 1, center: { token: ["t".repeat(16)] } });
    const [node] = nodes;
    if (node === undefined) throw new Error("there is no node");
    await connectClient(node, { userId: "ada" });
    const page = await openConsole(console, { path: "/users", mayFail: /401/ });
    await page.getByRole("textbox", { name: "Token" }).fill("wrong");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("That token is not accepted.").waitFor();
    await page.getByRole("textbox", { name: "Token" }).fill("t".repeat(16));
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("link", { name: "ada" }).waitFor();
    expect(await page.evaluate(() => [sessionStorage.length, localStorage.getItem("wsc-token")])).toEqual([
      1,
      null,
    ]);
    await page.getByRole("button", { name: "Forget the token" }).click();
    await page.getByRole("textbox", { name: "Token" }).waitFor();
  });

  test.each(["/connections", "/users/ada", "/groups/room"])("%s can be read by everybody", async (path) => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    if (nodes[0] !== undefined) await connectClient(nodes[0], { userId: "ada", groups: ["room"] });
    const page = await openConsole(console, { path });
    await page.getByRole("table").first().waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  test("fit a phone: nothing but tables is wider than the screen", async () => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    if (nodes[0] !== undefined) await connectClient(nodes[0], { userId: "ada", groups: ["room"] });
    const page = await openConsole(console, { path: "/connections", screen: "phone" });
    await page.getByRole("table").waitFor();
    for (const path of [
      "/",
      "/nodes",
      "/users/ada",
      "/send",
      "/try",
      "/trace",
      "/watch",
      "/log",
      "/explorer",
      "/services",
    ]) {
      await page.goto(`${console}#${path}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect({ path, width }).toEqual({ path, width: 360 });
    }
  });
});
