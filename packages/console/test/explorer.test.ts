import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { classicEvents } from "@websocket-center/protocol";
import { expect, test, vi } from "vitest";
import { accessibilityFaults, describeInChromium, openConsole } from "./browser.js";
import { connectClient, startCluster } from "./cluster.js";

describeInChromium("the API explorer", () => {
  test("has every event, and sends several in one request, by POST and by GET", async () => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    const [node] = nodes;
    if (node === undefined) throw new Error("there is no node");
    const client = await connectClient(node);
    const page = await openConsole(console, { path: "/explorer" });
    for (const name of Object.keys(classicEvents)) {
      await page.getByRole("button", { name: `Add ${name}`, exact: true }).waitFor();
    }
    await page.getByRole("button", { name: "Add bindId", exact: true }).click();
    const bind = page.getByRole("region", { name: "bindId" });
    await bind.getByRole("textbox", { name: "id", exact: true }).fill("ada");
    await bind.getByRole("textbox", { name: "_id", exact: true }).fill(client.id);
    expect(await page.getByRole("button", { name: "Add bindId", exact: true }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Add sendMessageToId", exact: true }).click();
    const send = page.getByRole("region", { name: "sendMessageToId" });
    await send.getByRole("textbox", { name: "id", exact: true }).fill("ada");
    await send.getByRole("textbox", { name: "msg", exact: true }).fill('{"a":1}');
    await page.getByRole("button", { name: "Send the request" }).click();
    await page.getByText("200 OK").waitFor();
    await vi.waitFor(() => expect(client.messages).toEqual(['{"a":1}']), { timeout: 10_000 });
    expect(node.hub.getUserOfConnection({ connectionId: client.id })).toBe("ada");
    await page.getByText("GET", { exact: true }).click();
    await page.getByRole("button", { name: "Send the request" }).click();
    await vi.waitFor(() => expect(client.messages).toHaveLength(2), { timeout: 10_000 });
  });

  test("calls other endpoints, and links the OpenAPI document", async () => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    const page = await openConsole(console, { path: "/explorer" });
    await page.getByRole("tab", { name: "Other endpoints" }).click();
    await page.getByRole("combobox", { name: "Endpoint" }).click();
    await page.getByRole("option", { name: "GET /nodes", exact: true }).click();
    await page.getByRole("button", { name: "Send the request" }).click();
    await page
      .getByText(`"id": "${nodes[0]?.id ?? ""}"`)
      .first()
      .waitFor();
    await page.getByRole("combobox", { name: "Endpoint" }).click();
    await page.getByRole("option", { name: "POST /centers/register", exact: true }).click();
    await page.getByRole("textbox", { name: "Body (JSON)" }).fill("{ nothing");
    expect(await page.getByRole("button", { name: "Send the request" }).isDisabled()).toBe(true);
    const href = await page.getByRole("link", { name: "OpenAPI document" }).getAttribute("href");
    expect(await (await fetch(href ?? "")).json()).toMatchObject({ openapi: "3.1.0" });
  });

  test("sends each line of a batch, and so does its curl", async () => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    const [node] = nodes;
    if (node === undefined) throw new Error("there is no node");
    const client = await connectClient(node);
    const page = await openConsole(console, { path: "/explorer" });
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("tab", { name: "Other endpoints" }).click();
    await page.getByRole("combobox", { name: "Endpoint" }).click();
    await page.getByRole("option", { name: "POST /batch", exact: true }).click();
    const body = page.getByRole("textbox", { name: "Body (one JSON object a line)" });
    const broadcast = (id: number) =>
      JSON.stringify({ id, command: "broadcast", params: { message: `it's ${id}` } });
    await body.fill(`${broadcast(1)}\n{ nothing`);
    await page.getByText(/Not JSON/).waitFor();
    await body.fill(`${broadcast(1)}\n\n${broadcast(2)}\n`);
    await page.getByRole("button", { name: "Send the request" }).click();
    await page
      .getByText(/"value":1[^]*"value":1/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Copy as curl" }).click();
    const curl = await page.evaluate(() => navigator.clipboard.readText());
    const { stdout } = await promisify(execFile)("sh", ["-c", curl]);
    expect(stdout.match(/"value":1/g)).toHaveLength(2);
    await vi.waitFor(() => expect(client.messages).toEqual(["it's 1", "it's 2", "it's 1", "it's 2"]), {
      timeout: 10_000,
    });
  });

  test.each(["en", "zh"] as const)("can be read by everybody, in %s", async (language) => {
    const { console } = await startCluster({ nodes: 1 });
    const page = await openConsole(console, { path: "/explorer", language });
    await page.getByRole("button", { name: /^(Add|添加) get_Ids$/ }).click();
    await page.getByRole("button", { name: /Send the request|发送请求/ }).click();
    await page.getByText("200 OK").waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
