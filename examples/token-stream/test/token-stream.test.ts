import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type App, chromiumPath, openPage, runApp } from "../../run-app.js";

const numbers = Array.from({ length: 50 }, (_, at) => at + 1).join(" ");
const answerTo = (prompt: string): string =>
  `You asked: ${prompt}. Here are the numbers to fifty: ${numbers}`;

describe.skipIf(chromiumPath === "")("the token stream in a real browser", () => {
  let app: App;

  beforeAll(async () => {
    app = await runApp("token-stream");
  });

  afterAll(async () => {
    expect(await app.stop()).toBe(0);
  });

  test("an answer comes whole to both tabs of the user, though their connections are lost in its middle", async () => {
    const pages = [await openPage(app, "?name=ada"), await openPage(app, "?name=ada")];
    for (const page of pages) await page.getByRole("status").getByText("open").waitFor();
    await pages[0]?.getByLabel("prompt").fill("numbers");
    await pages[0]?.getByRole("button", { name: "Ask" }).click();
    for (const page of pages) await page.getByText("fifty: 1 2 3").waitFor();
    await app.disconnectAll();
    for (const page of pages) {
      await page.getByText("49 50").waitFor();
      expect(await page.locator("#answer").textContent()).toBe(answerTo("numbers"));
    }
  });

  test("another user hears nothing of it", async () => {
    const [ada, bob] = [await openPage(app, "?name=ada"), await openPage(app, "?name=bob")];
    for (const page of [ada, bob]) await page.getByRole("status").getByText("open").waitFor();
    await ada.getByLabel("prompt").fill("a secret");
    await ada.getByRole("button", { name: "Ask" }).click();
    await ada.getByText("49 50").waitFor();
    await bob.getByLabel("prompt").fill("mine");
    await bob.getByRole("button", { name: "Ask" }).click();
    await bob.getByText("49 50").waitFor();
    expect(await bob.locator("#answer").textContent()).toBe(answerTo("mine"));
    expect(await ada.locator("#answer").textContent()).toBe(answerTo("a secret"));
  });
});
