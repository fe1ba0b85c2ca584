import { afterEach, expect, test, vi } from "vitest";
import { createCenterClient } from "./center-client.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("what changes something is asked of one center, and not said to be undone where that does not answer", async () => {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: URL) => {
    asked.push(url.host);
    throw new TypeError("it does not answer");
  });
  const client = createCenterClient();
  client.session.learn(["http://other.invalid/"]);
  await expect(client.call("x", { method: "POST", body: {} })).rejects.toMatchObject({
    code: "UNREACHABLE",
    message: "http://center.invalid/ does not answer; it may have been done or not",
  });
  expect(asked).toEqual(["center.invalid"]);
  await expect(client.get("x")).rejects.toMatchObject({ message: "no center answers" });
  expect(asked).toEqual(["center.invalid", "other.invalid", "center.invalid"]);
});
