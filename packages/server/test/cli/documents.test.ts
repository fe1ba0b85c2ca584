import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { findProgram } from "../programs.js";
import { connectClient, startCluster } from "./cluster.js";
import { endAll } from "./command.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const read = (file: string): string => readFileSync(`${root}${file}`, "utf8");
const run = promisify(execFile);

afterEach(endAll);

/** The connection id that the documents use. */
const exampleId = "deaa48e06ac243b6aff0cdc2bf44bc8a";
const readmes = ["README.md", "README.zh-CN.md"];

/** The rows of "The API by example", as commands. */
function tableCommands(text: string): string[] {
  const [, head = "", rows = ""] =
    /`(curl [^`]*\?event=\.\.\.')` \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(text) ?? [];
  return rows.split("\n").flatMap((row) => {
    const spans = [...row.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span);
    const body = spans.find((span) => span.startsWith("-d ")) ?? "";
    const events = spans.filter((span) => !span.startsWith("-d "));
    return events.map((event) => `${head.replace("...", () => event)} ${body}`);
  });
}

describe.skipIf(findProgram("curl") === undefined)("as they stand there, run by curl", () => {
  test.each(readmes)("the commands of %s do what it says", async (file) => {
    const text = read(file);
    const { centers, nodes } = await startCluster();
    const client = await connectClient(nodes[0].url);
    const shell = async (command: string): Promise<{ code: number; data: Record<string, object> }> => {
      const here = command
        .replaceAll("http://127.0.0.1:8011", centers[0].url)
        .replaceAll("http://127.0.0.1:8013", centers[1].url)
        .replaceAll(exampleId, client.id);
      const { stdout } = await run("sh", ["-c", here.replace("curl", "curl -sS")]);
      return JSON.parse(stdout) as { code: number; data: Record<string, object> };
    };

    const [bind = "", send = ""] = text.match(/^curl .*$/gm) ?? [];
    expect(Object.values((await shell(bind)).data["bindId"] ?? {})).toContain(0);
    expect(Object.values((await shell(send)).data["sendMessageToId"] ?? {})).toContain(1);
    expect(await client.next()).toBe("hello");

    const commands = tableCommands(text);
    expect(commands).toHaveLength(8);
    for (const command of commands) expect(await shell(command), command).toMatchObject({ code: 0 });
    expect(await client.next()).toBe("hello");
    expect(await client.closed).toBe(4500);
  });
});

test("no command for curl has brackets in its URL, which curl takes for a range, but with -g", () => {
  const files = ["docs", "examples"].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(?:md|mjs|sh)$/.test(file) && !file.includes("node_modules"))
      .map((file) => `${folder}/${file}`),
  );
  const lines = [...readmes, ...files]
    .flatMap((file) => read(file).split("\n"))
    .filter((line) => /curl [^'"]*(['"])[^'"]*\[.*?\1/.test(line));
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => !line.includes("curl -g "))).toEqual([]);
});
