import { expect, test } from "vitest";
import { accessibilityFaults, describeInChromium, openConsole, untilKnown } from "./browser.js";
import { connectClient, startCluster } from "./cluster.js";

describeInChromium("the overview", () => {
  test("shows centers, nodes and who is connected, and goes on with the next center when its own is gone", async () => {
    const { centers, console, nodes } = await startCluster();
    const [node] = nodes;
    if (node === undefined) throw new Error("there is no node");
    await connectClient(node, { userId: "ada", groups: ["room"] });
    const page = await openConsole(console, { mayFail: /ERR_|Failed to load/ });
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await page.getByText("2 centers and 3 nodes; every link is up.").waitFor();
    await untilKnown(page, centers[1].addresses.http);
    await centers[0].stop();
    await page.getByText(`through ${centers[1].addresses.http}`).first().waitFor();
    await page.locator("[data-status=live]").waitFor();
    await page.getByText("2 centers and 3 nodes; 3 links are lost.").waitFor();
  });

  test("is asked of another center when one wishes", async () => {
    const { centers, console } = await startCluster({ nodes: 1 });
    const page = await openConsole(console);
    await page.locator("[data-status=live]").waitFor();
    await page.getByRole("button", { name: `through ${centers[0].addresses.http}` }).click();
    await page.getByRole("menuitem", { name: centers[1].addresses.http }).click();
    await page.getByRole("button", { name: `through ${centers[1].addresses.http}` }).waitFor();
    await page.locator("[data-status=live]").waitFor();
  });

  test("can be read by everybody", async () => {
    const { console } = await startCluster();
    const page = await openConsole(console);
    await page.getByText("2 centers and 3 nodes").waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
