import { expect, test } from "vitest";
import { method } from "websocket-center";
import { z } from "zod";
import { accessibilityFaults, describeInChromium, openConsole } from "./browser.js";
import { startCluster } from "./cluster.js";

describeInChromium("the services", () => {
  test("are listed with their methods, and called with parameters that are checked", async () => {
    const { console, nodes } = await startCluster({ nodes: 2 });
    nodes[0]?.services.register({
      name: "rooms",
      metadata: { region: "eu" },
      methods: {
        topic: method({
          params: z.object({ room: z.string().min(1) }),
          result: z.string(),
          doc: "What the room talks about.",
          handler: ({ room }) => `all about ${room}`,
        }),
      },
    });
    const page = await openConsole(console, { path: "/services", mayFail: /400/ });
    const service = page.getByRole("region", { name: "rooms" });
    await service.getByText("region=eu").waitFor();
    await service.getByRole("button", { name: /topic/ }).click();
    const params = service.getByRole("textbox", { name: "Parameters (JSON)" });
    await params.fill("{ nothing");
    await service.getByText(/Not JSON/).waitFor();
    expect(await service.getByRole("button", { name: "Call", exact: true }).isDisabled()).toBe(true);
    await params.fill('{"room":""}');
    await service.getByRole("button", { name: "Call", exact: true }).click();
    await service.getByText("INVALID_PARAMS").waitFor();
    await params.fill('{"room":"tea"}');
    await service.getByRole("button", { name: "Call", exact: true }).click();
    await service.getByText('"all about tea"').waitFor();
  });

  test("with an open method can be read by everybody", async () => {
    const { console } = await startCluster({ nodes: 1 });
    const page = await openConsole(console, { path: "/services" });
    await page.getByRole("button", { name: /^bindUser/ }).click();
    await page.getByRole("textbox", { name: "Parameters (JSON)" }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
