import { describe, expect, test } from "vitest";
import { mountedApplicationSuite, startApplication } from "../../mounted-application.js";

const file = new URL("../mount-express.mjs", import.meta.url);

describe("a center and nodes in an Express application", () => {
  mountedApplicationSuite(file);

  test("a body that express.json() has read before is used as it was parsed", async () => {
    const { ask } = await startApplication(file, { TOKEN: "s3cret" });
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ token: "s3cret", isOnlineId: { id: "ada" } });
    const { text } = await ask("/node/chat/?event=isOnlineId", { headers, body });
    expect(JSON.parse(text)).toMatchObject({ code: 0, data: { isOnlineId: false } });
    expect((await ask("/node/chat/?event=getIds", { headers, body: "[1]" })).text).toContain("token error");
    expect((await ask("/echo", { headers, body })).text).toBe(body);
  });
});
