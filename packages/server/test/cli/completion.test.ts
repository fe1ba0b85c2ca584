import { spawnSync } from "node:child_process";
import { classicEvents } from "@websocket-center/protocol";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { optionsOf } from "../../src/config/options.js";
import { flagOf } from "../../src/config/names.js";
import { findProgram } from "../programs.js";
import { endAll, run } from "./command.js";

afterEach(endAll);

const bash = findProgram("bash");
let script = "";
beforeAll(async () => {
  script = (await run(["completion", "bash"])).stdout;
});

/** What a real bash offers at the end of that line, the words divided as it does. */
function completions(...words: string[]): string[] {
  const ask = [
    script,
    `COMP_WORDS=(websocket-center "$@")`,
    `COMP_CWORD=$#`,
    `$(complete -p websocket-center | sed 's/.*-F \\([^ ]*\\).*/\\1/')`,
    `printf '%s\\n' "\${COMPREPLY[@]}"`,
  ].join("\n");
  const { status, stdout, stderr } = spawnSync(bash ?? "", ["-c", ask, "bash", ...words], {
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.split("\n").filter((line) => line !== "");
}

describe.skipIf(bash === undefined)("completion in a real bash", () => {
  test("offers every command, and those that begin as what was written", () => {
    const commands = [
      "center",
      "node",
      "dev",
      "config",
      "api-token",
      "call",
      "status",
      "services",
      "register",
      "remove",
    ];
    expect(completions("")).toEqual(
      expect.arrayContaining([...commands, "drain", "undrain", "listen", "completion", "help", "--version"]),
    );
    expect(completions("un")).toEqual(["undrain"]);
    expect(completions("re")).toEqual(["register", "remove"]);
    expect(completions("completion", "")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
    expect(completions("config", "n")).toEqual(["node"]);
  });

  test("offers the flags of the command, that of config included", () => {
    expect(completions("status", "--")).toEqual(
      expect.arrayContaining(["--center", "--token-file", "--timeout-ms", "--json", "--watch", "--help"]),
    );
    const flags = completions("config", "node", "--");
    for (const [key, spec] of optionsOf("node")) {
      if (spec.kind.input === "value") expect(flags).toContain(flagOf(key));
    }
    expect(completions("drain", "--wa")).toEqual([]);
  });

  test("offers all events of call, in a list of several too, and then their parameters", () => {
    expect(completions("call", "").sort()).toEqual(Object.keys(classicEvents).sort());
    expect(completions("call", "sendTo")).toEqual(["sendToClient", "sendToGroup"]);
    expect(completions("call", "bindId,joinGroupById,sendToG")).toEqual(["bindId,joinGroupById,sendToGroup"]);
    expect(completions("call", "sendToGroup", "")).toEqual([
      "groupId=",
      "msg=",
      "excludeIds[]=",
      "exclude_Ids[]=",
    ]);
    expect(completions("call", "--center", "http", ":", "//127.0.0.1", ":", "8011", "bindId", "_")).toEqual([
      "_id=",
    ]);
    expect(completions("call", "bindId", "--js")).toEqual(["--json"]);
  });

  test("offers files, and values, where a flag takes them", () => {
    expect(completions("call", "--token-file", "package.js")).toEqual(["package.json"]);
    expect(completions("node", "--log-level", "de")).toEqual(["debug"]);
    expect(completions("status", "--center", "")).toEqual([]);
  });
});

describe("completion", () => {
  test.each(["bash", "zsh", "fish"])(
    "prints a script for %s that knows commands, flags and events",
    async (shell) => {
      const { code, stdout, stderr } = await run(["completion", shell]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      for (const word of ["undrain", "timeout-ms", "sendMessageToGroupByOnly_Id"])
        expect(stdout).toContain(word);
    },
  );

  test.each([[["completion"]], [["completion", "tcsh"]]])("%s is wrong usage", async (args) => {
    const { code, stdout } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});
