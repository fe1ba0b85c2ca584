import { expect, test } from "vitest";
import { accessibilityFaults, describeInChromium, openConsole } from "./browser.js";
import { connectClient, startCluster } from "./cluster.js";

describeInChromium("the trace", () => {
  test("of a call that went through another center tells whom it reached, and where", async () => {
    const { console, centers, nodes } = await startCluster({ nodes: 2 });
    for (const node of nodes) await connectClient(node, { userId: "ada" });
    const url = `http://${centers[1].addresses.http}/?event=sendMessageToId&sendMessageToId[id]=ada&sendMessageToId[msg]=hi`;
    const callId = (await fetch(url)).headers.get("WSC-Call-Id") ?? "";
    const page = await openConsole(console, { path: `/trace?callId=${callId}` });
    await page.getByText(/sendToUser was queued on 2 connections of 2 that matched/).waitFor();
    const rows = page.getByRole("table", { name: "Time line" }).getByRole("row");
    expect(await rows.count()).toBe(4);
    await page.getByText(`center ${centers[1].addresses.http}`).waitFor();
  });

  test("of a user that was not there says so, and why its last connection ended", async () => {
    const { console, centers, nodes } = await startCluster({ nodes: 2 });
    const [node] = nodes;
    if (node === undefined) throw new Error("there is no node");
    await connectClient(node, { userId: "ada" });
    await centers[0].cluster.closeUser({ userId: "ada", reason: "bye" });
    await fetch(
      `http://${centers[0].addresses.http}/?event=sendMessageToId&sendMessageToId[id]=ada&sendMessageToId[msg]=hi`,
    );
    const page = await openConsole(console, { path: "/trace" });
    await page.getByRole("textbox", { name: "Id" }).fill("ada");
    await page.getByRole("button", { name: "Look up" }).click();
    await page.getByText(/sendToUser reached nobody/).waitFor();
    await page.getByText(/closed with 4500/).waitFor();
    expect(new URL(page.url()).hash).toBe("#/trace?userId=ada");
  });

  test("of what nobody remembers says that", async () => {
    const { console } = await startCluster({ nodes: 1 });
    const page = await openConsole(console, { path: "/trace?callId=0123456789abcdef", language: "zh" });
    await page.getByText(/不记得此调用/).waitFor();
  });

  test("can be read by everybody", async () => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    if (nodes[0] !== undefined) await connectClient(nodes[0], { userId: "ada" });
    nodes[0]?.hub.sendToUser({ userId: "ada", message: "hi" });
    const page = await openConsole(console, { path: "/trace?userId=ada" });
    await page.getByRole("table", { name: "Time line" }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
