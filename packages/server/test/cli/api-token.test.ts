import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { startCenter } from "./cluster.js";
import { endAll, run } from "./command.js";

afterEach(endAll);

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

test("a token that it makes is let in once its entry stands in the tokens file, for its scopes alone", async () => {
  const { code, stdout } = await run(["api-token", "reports", "--scopes", "read"]);
  const [token = "", entry = "", ...rest] = stdout.trimEnd().split("\n");
  expect({ code, rest }).toEqual({ code: 0, rest: [] });
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(JSON.parse(entry)).toEqual({ name: "reports", sha256: sha256(token), scopes: ["read"] });

  const folder = await mkdtemp(join(tmpdir(), "api-token-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "tokens.json"), `[${entry}]`);
  const center = await startCenter(["--tokens-file", join(folder, "tokens.json")]);
  const env = { WSC_TOKEN: token };
  const reading = await run(["call", "getIds", "--json", "--center", center.url], env);
  expect(reading.stderr).not.toContain("token");
  const sending = await run(["call", "broadcast", "msg=hi", "--center", center.url], env);
  expect(sending.code).toBe(1);
  expect(sending.stderr).toContain('the token "reports" lacks the scope "send" for broadcast');
  const managing = await run(["register", "8010", "--center", center.url], env);
  expect(managing.code).toBe(1);
  expect(managing.stderr).toContain('the token "reports" lacks the scope "manage"');
});

test("with --json both come as one object, the scopes in the table's order, the end as a time", async () => {
  const before = Date.now();
  const args = ["api-token", "chat", "--scopes", "manage, send", "--expires", "30d", "--json"];
  const { stdout, stderr } = await run(args);
  const { token, entry } = JSON.parse(stdout) as {
    token: string;
    entry: { expiresAt: string } & Record<string, unknown>;
  };
  expect(stderr).toBe("");
  expect(entry).toMatchObject({ name: "chat", sha256: sha256(token), scopes: ["send", "manage"] });
  const days = (Date.parse(entry.expiresAt) - before) / 86_400_000;
  expect(days).toBeGreaterThanOrEqual(30);
  const until = await run(["api-token", "chat", "--scopes", "send", "--expires", "2999-01-31", "--json"]);
  expect(JSON.parse(until.stdout)).toMatchObject({ entry: { expiresAt: "2999-01-31T00:00:00.000Z" } });
});

test.each([
  ["no scope", ["reports"], /--scopes/],
  ["an unknown scope", ["reports", "--scopes", "read,write"], /comma list of read, send, manage/],
  ["a name that plain tokens have", ["TOKEN", "--scopes", "read"], /TOKEN and none are taken/],
  ["a name with spaces", ["my token", "--scopes", "read"], /1 to 64 letters/],
  ["an end that has passed", ["reports", "--scopes", "read", "--expires", "2020-01-01"], /a time to come/],
  ["an end that is none", ["reports", "--scopes", "read", "--expires", "soon"], /30d or the like/],
])("%s is wrong usage, and says what is expected", async (_what, args, expected) => {
  const { code, stdout, stderr } = await run(["api-token", ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(expected);
});
