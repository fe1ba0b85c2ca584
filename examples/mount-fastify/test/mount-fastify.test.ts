import { describe, expect, test } from "vitest";
import { mountedApplicationSuite, startApplication } from "../../mounted-application.js";

const file = new URL("../mount-fastify.mjs", import.meta.url);

describe("a center and nodes in a Fastify application", () => {
  mountedApplicationSuite(file);

  test("the application's own routes still have their bodies parsed", async () => {
    const { ask } = await startApplication(file);
    const headers = { "Content-Type": "application/json" };
    expect((await ask("/echo", { headers, body: '{"a": 1}' })).text).toBe('{"a":1}');
    expect((await ask("/echo", { headers: { "Content-Type": "text/csv" }, body: "a" })).status).toBe(415);
  });

  test("a prefix is a path of its own, with or without a slash at its end", async () => {
    const { ask } = await startApplication(file);
    expect((await ask("/center?event=getIds")).text).toContain('"code":0');
    expect((await ask("/centers")).status).toBe(404);
  });
});
