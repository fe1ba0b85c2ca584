import { afterEach, expect, test, vi } from "vitest";
import { ask, type CenterProcess, connectClient, startCluster } from "../../server/test/cli/cluster.js";
import { endAll } from "../../server/test/cli/command.js";
import { describeInChromium, openConsole, untilKnown } from "./browser.js";

const WAIT = { timeout: 20_000, interval: 500 };

afterEach(endAll);

const address = ({ url }: CenterProcess): string => new URL(url).host;

describeInChromium("a center that goes without a word under an open console", () => {
  test.each([
    { signal: "SIGKILL", fate: "killed" },
    { signal: "SIGSTOP", fate: "frozen" },
  ] as const)("is left for the next one when it is $fate", async ({ signal }) => {
    const { centers, nodes } = await startCluster();
    const { id } = await connectClient(nodes[0].url);
    const page = await openConsole(`${centers[0].url}/console/`, { mayFail: /ERR_|Failed to load/ });
    await page.getByText("2 centers and 2 nodes; every link is up.").waitFor();
    await page.waitForFunction(() =>
      performance.getEntriesByType("resource").some(({ name }) => name.includes("/send-page")),
    );
    await page
      .getByText(`through ${address(centers[0])}`)
      .first()
      .waitFor();
    await untilKnown(page, address(centers[1]));
    centers[0].command.signal(signal);
    // Asked of the lost center first, since nobody knows yet.
    await page.getByRole("link", { name: "Connections", exact: true }).click();
    await page
      .getByText(`through ${address(centers[1])}`)
      .first()
      .waitFor();
    await page.locator("[data-status=live]").waitFor();
    await page.getByRole("link", { name: id }).waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByText("2 centers and 2 nodes; 2 links are lost.").waitFor();
    // What is pressed from now on reaches the cluster.
    await page.getByRole("link", { name: "Send", exact: true }).click();
    await page.getByRole("textbox", { name: "Message" }).fill("hi");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("status").filter({ hasText: "1 connection queued it" }).waitFor();
    expect(await page.getByRole("table", { name: "Results by node" }).getByRole("row").count()).toBe(3);
  });

  test("takes along no page that was not loaded: it says so, and where the console is else", async () => {
    const { centers } = await startCluster();
    const page = await openConsole(`${centers[0].url}/console/`, { mayFail: /ERR_|dynamically imported/ });
    await page.route("**/send-page*.js", (route) => route.abort());
    await page.getByText("2 centers and 2 nodes; every link is up.").waitFor();
    await untilKnown(page, address(centers[1]));
    await page.getByRole("link", { name: "Send", exact: true }).click();
    await page.getByText(/Failed to fetch dynamically imported module/).waitFor();
    await page.getByRole("link", { name: "Live log" }).click();
    await page.getByRole("log", { name: "Log" }).waitFor();
    await page.getByRole("link", { name: "Send", exact: true }).click();
    await page.getByRole("link", { name: `${centers[1].url}/console/` }).click();
    await page.unrouteAll();
    await page.reload();
    await page.getByRole("textbox", { name: "Message" }).waitFor();
    expect(page.url()).toBe(`${centers[1].url}/console/#/send`);
  });

  test.each(["SIGKILL", "SIGSTOP"] as const)("ends no log (%s)", async (signal) => {
    const { centers } = await startCluster();
    const page = await openConsole(`${centers[0].url}/console/`, {
      path: "/log",
      mayFail: /ERR_|Failed to load/,
    });
    const log = page.getByRole("log", { name: "Log" });
    await page.getByText("live", { exact: true }).nth(1).waitFor();
    await ask(centers[0], { broadcast: { msg: "hi" } });
    await log.getByText("call", { exact: true }).first().waitFor();
    await untilKnown(page, address(centers[1]));
    await page.getByRole("textbox", { name: "Filter by text" }).fill("gap");
    centers[0].command.signal(signal);
    await log.getByText("gap", { exact: true }).first().waitFor();
    await page.getByRole("textbox", { name: "Filter by text" }).fill("broadcast");
    await vi.waitFor(async () => {
      await ask(centers[1], { broadcast: { msg: "hi" } });
      expect(await log.getByText("call", { exact: true }).count()).toBeGreaterThan(1);
    }, WAIT);
  });
});
