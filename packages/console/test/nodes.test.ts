import { expect, test, vi } from "vitest";
import { accessibilityFaults, describeInChromium, openConsole } from "./browser.js";
import { connectClient, consoleOf, startCenter, startCluster } from "./cluster.js";

describeInChromium("the nodes", () => {
  test("are listed, and one is drained and takes clients again", async () => {
    const { console, nodes } = await startCluster({ nodes: 2 });
    const [first, second] = nodes;
    if (first === undefined || second === undefined) throw new Error("there are not two nodes");
    await connectClient(first, { userId: "ada" });
    const page = await openConsole(console, { path: "/nodes" });
    const table = page.getByRole("table", { name: "Nodes" });
    await table.getByRole("link", { name: second.publicUrl }).waitFor();
    await table.getByRole("link", { name: first.publicUrl }).click();
    await page.getByRole("heading", { level: 1, name: `Node ${first.publicUrl.slice(5)}` }).waitFor();
    await page.getByRole("region", { name: "Services" }).getByText("websocket").waitFor();
    await page.getByRole("button", { name: "Drain" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
    await page.getByRole("button", { name: "Take clients again" }).waitFor();
    await vi.waitFor(() => expect(first.hub.countConnections({})).toBe(0), { timeout: 10_000 });
    await page.getByRole("button", { name: "Take clients again" }).click();
    await page.getByRole("button", { name: "Drain" }).waitFor();
    await connectClient(first);
  });

  test("are told of another center, and register with it", async () => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    const third = await startCenter();
    const page = await openConsole(console, { path: "/nodes", mayFail: /400/ });
    await page.getByRole("textbox", { name: "Link address" }).fill("nowhere:0:0");
    await page.getByRole("button", { name: "Register" }).click();
    await page.getByText(/expected/).waitFor();
    await page.getByRole("textbox", { name: "Link address" }).fill(third.addresses.link);
    await page.getByRole("button", { name: "Register" }).click();
    await vi.waitFor(() => expect(third.nodes.map(({ id }) => id)).toEqual([nodes[0]?.id]), {
      timeout: 10_000,
    });
    await page.goto(`${consoleOf(third)}#/nodes/${nodes[0]?.id ?? ""}`);
    await page.getByRole("table", { name: "Its centers" }).getByText(third.addresses.link).waitFor();
  });

  test.each(["/nodes", "/services"])("%s can be read by everybody", async (path) => {
    const { console } = await startCluster({ nodes: 2 });
    const page = await openConsole(console, { path });
    await page
      .getByText(/linked|websocket/)
      .last()
      .waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  test("that nobody knows are told of, and what to do", async () => {
    const { console } = await startCluster({ nodes: 0 });
    const page = await openConsole(console, { path: "/nodes", language: "zh" });
    await page.getByRole("heading", { level: 1, name: "节点" }).waitFor();
    await page.getByText("没有已连接的节点").waitFor();
  });
});
