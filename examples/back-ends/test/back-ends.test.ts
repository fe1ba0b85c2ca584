import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type CenterProcess,
  connectClient,
  type NodeProcess,
  startCenter,
  startNode,
} from "../../../packages/server/test/cli/cluster.js";
import { endAll } from "../../../packages/server/test/cli/command.js";
import { findProgram } from "../../../packages/server/test/programs.js";

const TOKEN = "the-token-of-back-ends";

interface BackEnd {
  name: string;
  needs: string[];
  command: string[];
  /** What it says of a wrong token. */
  refusal?: string;
}

/** Each does the same, and prints the same lines. */
const backEnds: BackEnd[] = [
  { name: "bash with curl and jq", needs: ["bash", "curl", "jq"], command: ["bash", "curl/back-end.sh"] },
  { name: "PHP", needs: ["php"], command: ["php", "php/back-end.php"] },
  { name: "Python", needs: ["python3"], command: ["python3", "python/back_end.py"] },
  { name: "TypeScript", needs: [], command: [process.execPath, "typescript/dist/back-end.js"] },
  {
    name: "TypeScript, with the package",
    needs: [],
    command: [process.execPath, "typescript/dist/with-package.js"],
    refusal: "this endpoint needs a token",
  },
];

async function run(
  [program = "", file = ""]: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = "",
): Promise<{ code: number; stdout: string[]; stderr: string }> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const child = spawn(program, [path, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined).end(input);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number];
  return { code, stdout: stdout.trimEnd().split("\n"), stderr };
}

const canRun = (needs: readonly string[]): boolean =>
  needs.every((program) => findProgram(program) !== undefined);

describe.each(backEnds)("a back end in $name", ({ needs, command, refusal = "token error" }) => {
  describe.skipIf(!canRun(needs))("with a center and two nodes", () => {
    let center: CenterProcess;
    let nodes: [NodeProcess, NodeProcess];
    let env: Record<string, string>;

    beforeAll(async () => {
      center = await startCenter([], { TOKEN });
      nodes = await Promise.all([startNode([center]), startNode([center])]);
      env = { CENTER_URL: center.url, TOKEN };
    });
    afterAll(endAll);

    test("lets a client in, and sends to user, group and everyone", async () => {
      const ada = await connectClient(nodes[0].url);
      const other = await connectClient(nodes[1].url);
      const { code, stdout, stderr } = await run(command, [ada.id], env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toEqual([
        "bound: true",
        "queued: 1",
        "queued: 1",
        "queued: 1",
        "ada is online: true",
        "users: ada",
      ]);
      expect([await ada.next(), await ada.next()]).toEqual(["welcome", '{"from":"ada","text":"hi"}']);
      expect(await other.next()).toBe("ada is here");
    });

    test("says that it has the wrong token", async () => {
      const { code, stderr } = await run(command, ["0".repeat(32)], { ...env, TOKEN: "another" });
      expect(code).not.toBe(0);
      expect(stderr).toContain(refusal);
    });

    test("fails where no center is", async () => {
      const { code, stderr } = await run(command, ["0".repeat(32)], {
        CENTER_URL: "http://127.0.0.1:1",
      });
      expect(code).not.toBe(0);
      expect(stderr).not.toBe("");
    });

    test("serves the others while a node hangs, and says which one gave no answer", async () => {
      const [awake, asleep] = nodes;
      const ada = await connectClient(awake.url);
      asleep.command.signal("SIGSTOP");
      onTestFinished(() => asleep.command.signal("SIGCONT"));
      const { code, stdout, stderr } = await run(command, [ada.id], env);
      expect(code).toBe(0);
      expect(stdout.slice(0, 2)).toEqual(["bound: true", "queued: 1"]);
      expect(stderr).toContain(`broadcast at node ${asleep.id}: `);
      expect(stderr).not.toContain(awake.id);
      expect(await ada.next()).toBe("welcome");
    });
  });
});

describe.skipIf(!canRun(["php"]))("a back end of two clusters", () => {
  afterAll(endAll);

  test("adds up the nodes of both, and goes on with one of them", async () => {
    const centers = [await startCenter(), await startCenter()] as const;
    const nodes = [await startNode([centers[0]]), await startNode([centers[1]])] as const;
    for (const [at, { url }] of nodes.entries()) {
      const { id } = await connectClient(url);
      const bind = `event=bindId&bindId[id]=ada&bindId[_id]=${id}`;
      await (await fetch(`${centers[at]?.url}/?${bind}`)).text();
    }
    const command = ["php", "php/two-clusters.php"];
    const env = { CENTER_URLS: centers.map(({ url }) => url).join() };
    const both = await run(command, ["ada", "hello"], env);
    expect(both).toEqual({ code: 0, stdout: ["queued: 2", "connections: 2"], stderr: "" });
    centers[0].command.signal("SIGKILL");
    await centers[0].command.exited;
    const one = await run(command, ["ada", "hello"], env);
    expect(one.stdout).toEqual(["queued: 1", "connections: 1"]);
    expect(one.stderr).toContain(`cannot reach the center ${centers[0].url}`);
  });
});

describe("a stream of commands", () => {
  afterAll(endAll);

  /** A center, two nodes, and a client that is the user ada and in the room. */
  async function startAll() {
    const center = await startCenter([], { TOKEN });
    const nodes = await Promise.all([startNode([center]), startNode([center])]);
    const ada = await connectClient(nodes[0].url);
    const bind = `bindId[id]=ada&bindId[_id]=${ada.id}`;
    const join = "joinGroupById[groupId]=room&joinGroupById[id]=ada";
    await (await fetch(`${center.url}/?token=${TOKEN}&event=bindId,joinGroupById&${bind}&${join}`)).text();
    return { ada, env: { CENTER_URL: center.url, TOKEN } };
  }

  test.skipIf(!canRun(["php"]))("goes out of PHP while its answers come in", async () => {
    const { ada, env } = await startAll();
    const lines = Array.from({ length: 5000 }, (_, at) => `line ${at}`);
    const sent = await run(["php", "php/stream.php"], ["ada"], env, lines.join("\n"));
    expect(sent).toEqual({ code: 0, stdout: ["sent: 5000", "queued: 5000"], stderr: "" });
    for (const line of lines) expect(await ada.next()).toBe(line);
    const refused = await run(["php", "php/stream.php"], ["ada"], { ...env, TOKEN: "another" }, "hi");
    expect(refused.code).not.toBe(0);
    expect(refused.stdout.join() + refused.stderr).toContain("TOKEN_REQUIRED");
  });

  test.skipIf(!canRun(["bash", "curl", "jq"]))("goes out of the shell", async () => {
    const { ada, env } = await startAll();
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const [, script = ""] = /```\n(seq [^`]*)```/.exec(readme) ?? [];
    const withToken = script.replace("/batch", `/batch?token=${TOKEN}`);
    const child = await promisify(execFile)("bash", ["-c", withToken], { env: { ...process.env, ...env } });
    expect(child.stdout.trim()).toBe("1000");
    for (let number = 1; number <= 1000; number += 1) expect(await ada.next()).toBe(String(number));
  });
});
