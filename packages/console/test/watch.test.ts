import { expect, test } from "vitest";
import { accessibilityFaults, describeInChromium, openConsole } from "./browser.js";
import { connectClient, startCluster } from "./cluster.js";

describeInChromium("a watch", () => {
  test("shows every frame of a user, also of a connection that comes later, until it is stopped", async () => {
    const { console, nodes } = await startCluster({ nodes: 2 });
    const [first, second] = nodes;
    if (first === undefined || second === undefined) throw new Error("there are not two nodes");
    const client = await connectClient(first, { userId: "ada" });
    const page = await openConsole(console, { path: "/watch?userId=ada" });
    await page.getByRole("button", { name: "Start" }).click();
    const table = page.getByRole("table", { name: "Watch" });
    await table.getByRole("cell", { name: "is there" }).waitFor();
    first.hub.sendToUser({ userId: "ada", message: "hello" });
    client.socket.send("hi");
    for (const name of ["queued", "written", "drained", "received"]) {
      await table.getByRole("cell", { name, exact: true }).first().waitFor();
    }
    const later = await connectClient(second, { userId: "ada" });
    await table.getByRole("link", { name: later.id }).first().waitFor();
    later.socket.close(1000);
    await table.getByRole("cell", { name: "closed", exact: true }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Stopped").waitFor();
  });

  test("ends by itself when its time is over, and keeps what it saw", async () => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    if (nodes[0] !== undefined) await connectClient(nodes[0], { userId: "ada" });
    const page = await openConsole(console, { path: "/watch?userId=ada" });
    await page.getByRole("combobox", { name: "For" }).click();
    await page.getByRole("option", { name: "10 seconds" }).click();
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText(/^\d+ s left$/).waitFor();
    await page.getByText("The time is over").waitFor();
    await page.getByRole("table", { name: "Watch" }).getByRole("cell", { name: "is there" }).waitFor();
    expect(await page.getByRole("button", { name: "Stop" }).count()).toBe(0);
  });

  test.each(["en", "zh"] as const)("can be read by everybody, in %s", async (language) => {
    const { console, nodes } = await startCluster({ nodes: 1 });
    if (nodes[0] !== undefined) await connectClient(nodes[0], { userId: "ada" });
    const page = await openConsole(console, { path: "/watch?userId=ada", language });
    await page.getByRole("button", { name: /Start|开始/ }).click();
    await page
      .getByRole("table", { name: /Watch|观察/ })
      .getByRole("cell", { name: /is there|在线/ })
      .waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
