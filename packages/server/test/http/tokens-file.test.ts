import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { CenterError } from "../../src/errors.js";
import { TokensFile } from "../../src/http/tokens-file.js";
import { Mailbox } from "../link/link-port.js";

const sha256 = createHash("sha256").update("s3cret").digest("hex");
const otherSha256 = createHash("sha256").update("other").digest("hex");
const reports = { name: "reports", sha256, scopes: ["read"] };

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tokens-file-"));
  path = join(folder, "tokens.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function write(content: unknown, to = path): Promise<void> {
  return writeFile(to, typeof content === "string" ? content : JSON.stringify(content));
}

/** A watched file, and what it tells. */
function watchFile(): { file: TokensFile; read: Mailbox<readonly string[]>; faults: Mailbox<CenterError> } {
  const read = new Mailbox<readonly string[]>();
  const faults = new Mailbox<CenterError>();
  const file = new TokensFile(path, { onRead: read.put, onFault: faults.put });
  onTestFinished(() => file.stop());
  file.start();
  return { file, read, faults };
}

test("lists tokens by name, hash, scopes and expiry", async () => {
  await write([
    reports,
    { name: "chat", sha256: otherSha256.toUpperCase(), scopes: ["send", "manage"], expiresAt: "2027-01-31" },
  ]);
  const { file } = watchFile();
  expect(file.tokens).toEqual([
    { name: "reports", sha256: Buffer.from(sha256, "hex"), scopes: new Set(["read"]), expiresAt: Infinity },
    {
      name: "chat",
      sha256: Buffer.from(otherSha256, "hex"),
      scopes: new Set(["send", "manage"]),
      expiresAt: Date.parse("2027-01-31T00:00:00Z"),
    },
  ]);
});

describe("a file that cannot be used", () => {
  test.each([
    ["no list", {}, /expected a list of tokens/],
    ["no JSON", `[{"sha256": ${sha256}`, /is not valid JSON/],
    ["a key too much", [{ ...reports, [sha256]: 1 }], /entry 1: there is a key other than name, sha256/],
    [
      "a token instead of its hash",
      [reports, { ...reports, sha256: "s3cret" }],
      /entry 2, sha256: expected the SHA-256/,
    ],
    [
      "an unknown scope",
      [{ ...reports, scopes: ["read", "s3cret"] }],
      /entry 1, scopes, 1: .*"read"\|"send"\|"manage"/,
    ],
    [
      "no scope",
      [{ ...reports, scopes: [] }],
      /entry 1, scopes: expected at least one of read, send, manage/,
    ],
    [
      "a time without zone",
      [{ ...reports, expiresAt: "2027-01-31T00:00:00" }],
      /entry 1, expiresAt: expected a time/,
    ],
    ["no name", [{ ...reports, name: "" }], /entry 1, name: expected 1 to 64/],
    [
      "a name that means plain tokens",
      [{ ...reports, name: "TOKEN" }],
      /entry 1, name: expected .* not none or TOKEN/,
    ],
    ["one name twice", [reports, { ...reports, sha256: otherSha256 }], /entries 1 and 2 have the same name/],
    [
      "one hash twice",
      [reports, { ...reports, name: "twin", sha256: sha256.toUpperCase() }],
      /entries 1 and 2 have the same sha256/,
    ],
  ])("because it has %s says so, and nothing that stands in it", async (_what, content, problem) => {
    await write(content);
    try {
      watchFile();
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringMatching(problem) });
      expect(error).toMatchObject({ message: expect.stringContaining(path) });
      expect(String(error).toLowerCase()).not.toContain("s3cret");
      expect(String(error).toLowerCase()).not.toContain(sha256.slice(0, 8));
    }
  });

  test("because it is not there says so", () => {
    expect(watchFile).toThrow(/tokens\.json cannot be read: there is no such file/);
  });
});

describe("a change", () => {
  const chat = [{ name: "chat", sha256: otherSha256, scopes: ["send"] }];
  const names = (file: TokensFile): string[] => file.tokens.map(({ name }) => name);

  test("in place counts", async () => {
    await write([reports]);
    const { file, read } = watchFile();
    await write(chat);
    expect(await read.next()).toEqual(["chat"]);
    expect(names(file)).toEqual(["chat"]);
  });

  test("by a new file of that name counts, as editors make it", async () => {
    await write([reports]);
    const { file, read } = watchFile();
    for (const [content, expected] of [
      [chat, ["chat"]],
      [[reports], ["reports"]],
    ] as const) {
      await write(content, `${path}.new`);
      await rename(`${path}.new`, path);
      expect(await read.next()).toEqual(expected);
    }
    expect(names(file)).toEqual(["reports"]);
  });

  test("of a link on the way to it counts, as Kubernetes makes it", async () => {
    for (const [version, content] of [
      ["..1", [reports]],
      ["..2", chat],
    ] as const) {
      await mkdir(join(folder, version));
      await write(content, join(folder, version, "tokens.json"));
    }
    await symlink("..1", join(folder, "..data"));
    await symlink("..data/tokens.json", path);
    const { file, read } = watchFile();
    expect(names(file)).toEqual(["reports"]);
    await symlink("..2", join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    expect(await read.next()).toEqual(["chat"]);
  });

  test("of a file in another folder, to which a link leads, counts without a watcher's help", async () => {
    const elsewhere = join(folder, "elsewhere");
    await mkdir(elsewhere);
    await write([reports], join(elsewhere, "real.json"));
    await mkdir(join(folder, "linked"));
    path = join(folder, "linked", "tokens.json");
    await symlink(join(elsewhere, "real.json"), path);
    const { read } = watchFile();
    await write(chat, join(elsewhere, "real.json"));
    expect(await read.next()).toEqual(["chat"]);
  });

  test("to what cannot be used keeps the list, and is told once; mended, it counts", async () => {
    await write([reports]);
    const { file, read, faults } = watchFile();
    await write("[");
    expect((await faults.next()).message).toContain("is not valid JSON");
    expect(names(file)).toEqual(["reports"]);
    await rm(path);
    expect((await faults.next()).message).toContain("there is no such file");
    expect(names(file)).toEqual(["reports"]);
    await write([]);
    expect(await read.next()).toEqual([]);
    expect(faults.all).toHaveLength(2);
  });

  test("is seen while much else changes in the folder", async () => {
    await write([reports]);
    const { read } = watchFile();
    const controller = new AbortController();
    const others = (async () => {
      for (let round = 0; !controller.signal.aborted; round++) {
        await write(String(round), join(folder, "other"));
      }
    })();
    await write(chat);
    expect(await read.next()).toEqual(["chat"]);
    controller.abort();
    await others;
  });

  test("after the end is not looked at", async () => {
    await write([reports]);
    const { file, read } = watchFile();
    file.stop();
    await write(chat);
    const second = watchFile();
    await write([reports]);
    await second.read.next();
    expect(read.all).toEqual([]);
  });
});
