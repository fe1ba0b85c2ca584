import { expect, test } from "vitest";
import { describeInChromium, openConsole } from "./browser.js";
import { startCluster } from "./cluster.js";

const MAX_FIRST_LOAD_BYTES = 400_000;

describeInChromium("the first load", () => {
  test("of the overview takes less than 400 kB on the wire, and nothing from elsewhere", async () => {
    const { console } = await startCluster({ nodes: 1 });
    const page = await openConsole(console);
    await page.locator("[data-status=live]").waitFor();
    await page.getByText("2 centers and 1 node;").waitFor();
    const files = await page.evaluate(() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map(
        (entry) => {
          const { name, encodedBodySize, decodedBodySize } = entry as PerformanceResourceTiming;
          return { name, encodedBodySize, decodedBodySize };
        },
      ),
    );
    const own = files.filter(({ name }) => name.startsWith(console));
    const bytes = own.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(MAX_FIRST_LOAD_BYTES);
    for (const { name } of files) expect(new URL(name).origin).toBe(new URL(console).origin);
    const script = own.find(({ name }) => name.endsWith(".js"));
    expect(script?.encodedBodySize).toBeLessThan((script?.decodedBodySize ?? 0) / 2);
  });
});
