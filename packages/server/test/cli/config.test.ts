import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { offFlagOf, flagOf, fileKeyOf, variablesOf } from "../../src/config/names.js";
import { optionsOf } from "../../src/config/options.js";
import { endAll, run } from "./command.js";

const directory = mkdtempSync(join(tmpdir(), "wsc-cli-"));
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(endAll);

describe("config", () => {
  test("shows every value with its source, and masks secrets", async () => {
    const file = join(directory, "node.json");
    writeFileSync(file, JSON.stringify({ port: 1, maxIdBytes: 64 }));
    const { code, stdout, stderr } = await run(["config", "node", "--config", file, "--no-open-message"], {
      PORT: "9090",
      TOKEN: "hush-one,hush-two",
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual(
      expect.arrayContaining([
        ["option", "value", "source"],
        ["port", "9090", "environment PORT"],
        ["maxIdBytes", "64", `file ${file}`],
        ["openMessage", "false", "flag --no-open-message"],
        ["centers", "8010", "default"],
        ["adminPort", "not set", "default"],
        ["token", "****,****", "environment TOKEN"],
      ]),
    );
    expect(stdout).not.toContain("hush");
  });

  test("writes JSON, of both processes where none is named", async () => {
    const { code, stdout } = await run(["config", "--json"], { REGISTER_CENTER_PORT: "7000", TOKEN: "hush" });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      center: {
        linkPort: { value: 7000, source: "environment REGISTER_CENTER_PORT" },
        token: { value: ["****"], source: "environment TOKEN" },
        tlsCert: { value: null, source: "default" },
      },
      node: { centers: { value: ["7000"], source: "environment REGISTER_CENTER_PORT" } },
    });
  });

  test("reads the file that WSC_CONFIG names", async () => {
    const file = join(directory, "center.json");
    writeFileSync(file, JSON.stringify({ httpPort: 7001, htpPort: 1 }));
    const { stdout, stderr } = await run(["config", "center", "--json"], { WSC_CONFIG: file });
    expect(JSON.parse(stdout)).toMatchObject({ httpPort: { value: 7001, source: `file ${file}` } });
    expect(stderr).toBe(`warning: htpPort in ${file} is unknown: did you mean httpPort?\n`);
  });

  test("says what would keep the process from starting", async () => {
    const { code, stderr } = await run(["config", "node", "--centers", "10.0.0.1:8010"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/a node does not start:\n.*WSC_LINK_SECRET/);
  });

  test("a wrong value ends it with 2 and without a stack", async () => {
    const { code, stdout, stderr } = await run(["config", "center"], { HTTP_PORT: "eighty" });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      "The configuration is wrong:\n" +
        '  httpPort (environment HTTP_PORT) is "eighty": expected a port from 0 to 65535, 0 for any free one\n',
    );
  });
});

describe("help", () => {
  test.each(["center", "node"] as const)(
    "of a %s names the flag and the variables of every option",
    async (kind) => {
      const { code, stdout } = await run([kind, "--help"]);
      expect(code).toBe(0);
      const words = new Set(stdout.split(/[\s(),]+/));
      for (const [key, spec] of optionsOf(kind)) {
        const isSecret = spec.kind.input === "secret";
        const flag = spec.default === true ? offFlagOf(key) : flagOf(isSecret ? fileKeyOf(key) : key);
        expect(words).toContain(flag);
        for (const name of variablesOf(key, spec)) expect(words).toContain(name);
      }
      expect(words).not.toContain("--token");
      expect(words).not.toContain("--link-secret");
    },
  );

  test("the version is that of the package", async () => {
    for (const args of [["--version"], ["node", "--version"]]) {
      const { code, stdout } = await run(args);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    }
  });

  test.each([
    ["an unknown command", ["centre"]],
    ["an unknown flag", ["center", "--prot", "1"]],
    ["a flag without its value", ["center", "--http-port"]],
    ["a secret on the command line", ["center", "--token", "hush"]],
    ["an argument too many", ["node", "8090"]],
    ["nothing at all", []],
  ])("%s ends with 2", async (_what, args) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toContain("    at ");
  });
});
