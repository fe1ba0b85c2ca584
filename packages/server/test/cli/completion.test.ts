import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
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
      expect.arrayContaining([
        ...commands,
        "drain",
        "undrain",
        "listen",
        "bench",
        "completion",
        "help",
        "--version",
      ]),
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
    expect(completions("bench", "--")).toEqual(
      expect.arrayContaining(["--allow-host", "--rate", "--center"]),
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

/** What `shell` prints when it runs the completion's script and then `ask`. */
async function printsIn(shell: string, ask: string, words: readonly string[]): Promise<string[]> {
  const { stdout: completion } = await run(["completion", shell]);
  const flags = shell === "zsh" ? ["-f"] : ["--no-config"];
  const environment = { ...process.env, HOME: tmpdir(), XDG_CONFIG_HOME: tmpdir(), XDG_DATA_HOME: tmpdir() };
  const { status, stdout, stderr } = spawnSync(shell, [...flags, "-c", ask, shell, ...words], {
    encoding: "utf8",
    env: { ...environment, SCRIPT: completion },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.split("\n").filter((line) => line !== "");
}

/** The functions of zsh's completion print instead. */
const zshAsk = [
  "compdef() { }; compset() { }",
  'compadd() { print -rl -- "$@" }; _describe() { print -rl -- "${(@P)2}" }',
  'eval "$SCRIPT"',
  'words=(websocket-center "$@"); CURRENT=$#words',
  "_websocket_center",
].join("\n");

describe.skipIf(findProgram("zsh") === undefined)("completion in a real zsh", () => {
  test("offers commands and flags with what they do, events, parameters and values", async () => {
    expect(await printsIn("zsh", zshAsk, [""])).toEqual(
      expect.arrayContaining([
        "undrain:Let a drained node take clients again",
        "--version:output the version number",
      ]),
    );
    expect(await printsIn("zsh", zshAsk, ["call", ""])).toEqual(expect.arrayContaining(["sendToGroup"]));
    expect(await printsIn("zsh", zshAsk, ["call", "bindId,joinGroupById", ""])).toEqual(
      expect.arrayContaining(["groupId=", "id=", "_id="]),
    );
    expect(await printsIn("zsh", zshAsk, ["node", "--log-level", ""])).toEqual(
      expect.arrayContaining(["debug"]),
    );
  });
});

describe.skipIf(findProgram("fish") === undefined)("completion in a real fish", () => {
  const offers = async (line: string): Promise<string[]> => {
    const ask = "printf %s $SCRIPT | source; complete --do-complete $argv[2]";
    return (await printsIn("fish", ask, [`websocket-center ${line}`])).map((one) => one.split("\t")[0] ?? "");
  };

  test("offers commands, flags, events, parameters and values", async () => {
    expect(await offers("un")).toEqual(["undrain"]);
    expect(await offers("status --wa")).toEqual(["--watch"]);
    expect(await offers("drain --wa")).toEqual([]);
    expect(await offers("call sendTo")).toEqual(["sendToClient", "sendToGroup"]);
    expect(await offers("call bindId,sendToG")).toEqual(["bindId,sendToGroup"]);
    expect((await offers("call bindId,joinGroupById ")).sort()).toEqual(["_id=", "groupId=", "id="]);
    expect((await offers("call sendToGroup ")).sort()).toEqual([
      "excludeIds[]=",
      "exclude_Ids[]=",
      "groupId=",
      "msg=",
    ]);
    expect(await offers("node --log-level de")).toEqual(["debug"]);
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
