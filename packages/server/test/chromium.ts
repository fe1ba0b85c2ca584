import { type Browser, chromium } from "playwright-core";
import { findProgram } from "./programs.js";

/** Empty where it is not installed; tests are then skipped, by name. */
export const chromiumPath = findProgram("chromium") ?? "";

/** The browser of all tests. `args`: what one test needs beside what all do. */
export function launchChromium(...args: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    // A page that was left and comes back shall be the same page, as for people.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...args,
    ],
  });
}
