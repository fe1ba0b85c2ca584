import { expect, test, vi } from "vitest";
import { accessibilityFaults, describeInChromium, openConsole } from "./browser.js";
import { startCluster } from "./cluster.js";

describeInChromium("clients in the page", () => {
  test("two of them connect to two nodes, and what one sends the other gets, whichever page is shown meanwhile", async () => {
    const { console, nodes } = await startCluster({ nodes: 2 });
    const page = await openConsole(console, { path: "/try" });
    await page.getByRole("button", { name: "Two clients on two nodes" }).click();
    const ada = page.getByRole("region", { name: /ada/ });
    const bob = page.getByRole("region", { name: /bob/ });
    for (const client of [ada, bob]) await client.getByText("open", { exact: true }).waitFor();
    await vi.waitFor(() => expect(nodes.map(({ hub }) => hub.countUsers({}))).toEqual([1, 1]), {
      timeout: 10_000,
    });
    await ada.getByRole("textbox", { name: "Message" }).fill('{"hi":1}');
    await ada.getByRole("button", { name: "Send" }).click();
    await bob.getByText('"hi": 1').waitFor();
    await page.getByRole("link", { name: "Nodes" }).click();
    await page.getByRole("table", { name: "Nodes" }).waitFor();
    nodes[1]?.hub.sendToUser({ userId: "bob", message: "while you were away" });
    await page.getByRole("link", { name: "Try it" }).click();
    await bob.getByText("while you were away").waitFor();
  });

  test("come back when their node restarts, and stay away where a back end says so", async () => {
    const { console, centers, nodes } = await startCluster({ nodes: 2 });
    const page = await openConsole(console, { path: "/try", mayFail: /ERR_|Failed to load|WebSocket/ });
    await page.getByRole("textbox", { name: "User id" }).fill("ada");
    await page.getByRole("button", { name: "Add a client" }).click();
    const client = page.getByRole("region", { name: /ada/ });
    await client.getByText("open", { exact: true }).waitFor();
    const its = nodes.find(({ hub }) => hub.countUsers({}) === 1);
    await its?.stop();
    const other = nodes.find((node) => node !== its);
    await vi.waitFor(() => expect(other?.hub.countUsers({})).toBe(1), { timeout: 15_000 });
    await client.getByText("open", { exact: true }).waitFor();
    await centers[0].cluster.closeUser({ userId: "ada", reason: "enough" });
    await client.getByText("closed", { exact: true }).waitFor();
    await client.getByText(/4500 enough/).waitFor();
    await client.getByRole("button", { name: "Connect", exact: true }).click();
    await client.getByText("open", { exact: true }).waitFor();
    await client.getByRole("button", { name: "Disconnect" }).click();
    await vi.waitFor(() => expect(other?.hub.countConnections({})).toBe(0), { timeout: 10_000 });
  });

  test("connect where the cluster assigns them, with their parameters", async () => {
    const { console, centers, nodes } = await startCluster({ nodes: 2 });
    const page = await openConsole(console, { path: "/try" });
    await page.getByRole("combobox", { name: "Node" }).click();
    await page.getByRole("option", { name: /assigns/ }).click();
    await page.getByRole("textbox", { name: "User id" }).fill("cleo");
    await page.getByRole("textbox", { name: "Query parameters" }).fill("app=shop");
    await page.getByRole("button", { name: "Add a client" }).click();
    const assigned = nodes.find(({ id }) => id === centers[0].assign("cleo").nodeId);
    await vi.waitFor(() => expect(assigned?.hub.countUsers({})).toBe(1), { timeout: 10_000 });
    const [connectionId = ""] = assigned?.hub.listConnections({}) ?? [];
    expect(assigned?.hub.getConnectionData({ connectionId })).toEqual({ app: "shop" });
  });

  test("send to their node over their own connection", async () => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    const got: unknown[] = [];
    nodes[0]?.on("message", (connection, data) => {
      got.push(data);
      connection.send("thanks");
    });
    const page = await openConsole(console, { path: "/try" });
    await page.getByRole("button", { name: "Add a client" }).click();
    const client = page.getByRole("region", { name: "Client 1" });
    await client.getByText("open", { exact: true }).waitFor();
    await client.getByRole("combobox", { name: "Send to" }).click();
    await page.getByRole("option", { name: "its node" }).click();
    await client.getByRole("textbox", { name: "Message" }).fill("to you");
    await client.getByRole("button", { name: "Send" }).click();
    await client.getByText("thanks").waitFor();
    expect(got).toEqual(["to you"]);
  });

  test.each(["en", "zh"] as const)("can be read by everybody, in %s", async (language) => {
    const { console } = await startCluster({ nodes: 2 });
    const page = await openConsole(console, { path: "/try", language });
    await page.getByRole("button", { name: /Two clients on two nodes|两个节点上的两个客户端/ }).click();
    await page
      .getByText(/open on|已连接到/)
      .last()
      .waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
