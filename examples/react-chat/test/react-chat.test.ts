import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type App, chromiumPath, openPage, runApp } from "../../run-app.js";

describe.skipIf(chromiumPath === "")("the React chat in a real browser", () => {
  let app: App;

  beforeAll(async () => {
    app = await runApp("react-chat");
  });

  afterAll(async () => {
    expect(await app.stop()).toBe(0);
  });

  async function enter(name: string): Promise<Page> {
    const page = await openPage(app);
    await page.getByLabel("name").fill(name);
    await page.getByRole("button", { name: "Enter" }).click();
    await page.getByText("connected", { exact: true }).waitFor();
    return page;
  }

  test("people hear each other, in strict mode over one connection each", async () => {
    const ada = await enter("ada");
    const bob = await enter("bob");
    await ada.getByText("bob came in").waitFor();
    expect(await app.call("getConnectionCount", {})).toBe(2);
    await bob.getByLabel("message").fill("hello, ada");
    await bob.getByRole("button", { name: "Say" }).click();
    await ada.getByText("bob: hello, ada").waitFor();
    await bob.close();
    await ada.getByText("bob left").waitFor();
    await ada.close();
  });

  test("a lost connection comes back by itself, and the page says what may have been missed", async () => {
    const ada = await enter("ada");
    await app.disconnectAll();
    await ada.getByText("You may have missed what was said").waitFor();
    await ada.getByText("connected", { exact: true }).waitFor();
    await ada.getByLabel("message").fill("I am back");
    await ada.getByRole("button", { name: "Say" }).click();
    await ada.getByText("ada: I am back").waitFor();
    await ada.close();
  });
});
