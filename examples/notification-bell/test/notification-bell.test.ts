import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type App, chromiumPath, openPage, runApp } from "../../run-app.js";

describe.skipIf(chromiumPath === "")("the notification bell in a real browser", () => {
  let app: App;

  beforeAll(async () => {
    app = await runApp("notification-bell");
  });

  afterAll(async () => {
    expect(await app.stop()).toBe(0);
  });

  test("a back end rings it in all of the user's tabs; one that has seen the news quiets the others", async () => {
    const pages = [await openPage(app, "?name=ada"), await openPage(app, "?name=ada")];
    for (const page of pages) await page.getByRole("status").getByText("open").waitFor();
    for (const news of ["a parcel", "a letter"]) {
      expect(await app.call("sendMessageToId", { id: "ada", msg: { news } })).toBe(2);
    }
    for (const page of pages) await page.locator("#count").getByText("2").waitFor();
    await pages[0]?.getByLabel("notifications").click();
    expect(await pages[0]?.getByRole("listitem").allTextContents()).toEqual(["a parcel", "a letter"]);
    for (const page of pages)
      await page.waitForFunction("document.querySelector('#count').textContent === ''");
  });

  test("it says for how long it could not ring", async () => {
    const page = await openPage(app, "?name=bob");
    await page.getByRole("status").getByText("open").waitFor();
    await app.disconnectAll();
    await page.getByText(/nothing was heard for \d+ s/).waitFor();
  });
});
