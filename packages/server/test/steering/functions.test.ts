import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findProgram } from "../programs.js";
import { documented, vectors } from "./documented.js";

/** A case a line: strategy, id, addresses, closed ones. Each program answers an address a line. */
const cases = [
  ...vectors.rendezvous.map(({ id, address }) => ({ strategy: "rendezvous", id, closed: [], address })),
  ...vectors.modulo.map(({ id, closed = [], address }) => ({ strategy: "modulo", id, closed, address })),
];
const input = cases
  .map(({ strategy, id, closed }) => [strategy, id, vectors.addresses.join(), closed.join()].join("\t"))
  .join("\n");
const expected = cases.map(({ address }) => address ?? "");

const programs: { language: string; command: string; run: (folder: string) => string }[] = [
  {
    language: "php",
    command: "php",
    run: (folder) => {
      const main = `foreach (explode("\\n", stream_get_contents(STDIN)) as $line) {
        [$strategy, $id, $addresses, $closed] = explode("\\t", $line);
        $all = explode(",", $addresses);
        echo $strategy === "modulo" ? modulo($id, $all, explode(",", $closed)) : rendezvous($id, $all), "\\n";
      }`;
      const file = path.join(folder, "main.php");
      writeFileSync(file, `<?php\n${documented("php")}\n${main}\n`);
      return execFileSync("php", [file], { input, encoding: "utf8" });
    },
  },
  {
    language: "java",
    command: "javac",
    run: (folder) => {
      const main = `import java.util.*;
        final class Main {
          public static void main(String[] args) {
            Scanner in = new Scanner(System.in, "UTF-8").useDelimiter("\\n");
            while (in.hasNext()) {
              String[] line = in.next().split("\\t", -1);
              List<String> all = List.of(line[2].split(","));
              String found = line[0].equals("modulo")
                ? Steering.modulo(line[1], all, Set.of(line[3].split(",")))
                : Steering.rendezvous(line[1], all);
              System.out.println(found == null ? "" : found);
            }
          }
        }`;
      writeFileSync(path.join(folder, "Steering.java"), documented("java"));
      writeFileSync(path.join(folder, "Main.java"), main);
      execFileSync("javac", ["-encoding", "UTF-8", "Steering.java", "Main.java"], { cwd: folder });
      return execFileSync("java", ["-cp", folder, "Main"], { input, encoding: "utf8" });
    },
  },
  {
    language: "go",
    command: "go",
    run: (folder) => {
      const main = `package main
        import ("fmt"; "io"; "os"; "strings")
        func main() {
          text, _ := io.ReadAll(os.Stdin)
          for _, row := range strings.Split(string(text), "\\n") {
            line := strings.Split(row, "\\t")
            all := strings.Split(line[2], ",")
            closed := map[string]bool{}
            for _, address := range strings.Split(line[3], ",") { closed[address] = true }
            if line[0] == "modulo" { fmt.Println(Modulo(line[1], all, closed)) } else { fmt.Println(Rendezvous(line[1], all)) }
          }
        }`;
      writeFileSync(
        path.join(folder, "steering.go"),
        documented("go").replace("package steering", "package main"),
      );
      writeFileSync(path.join(folder, "main.go"), main);
      const env = { ...process.env, GOCACHE: path.join(folder, "cache"), GO111MODULE: "off" };
      return execFileSync("go", ["run", "steering.go", "main.go"], {
        cwd: folder,
        input,
        encoding: "utf8",
        env,
      });
    },
  },
];

// PHP is among the programs that `npm run verify` installs; Java and Go run where they are.
const runnable = programs.filter(
  ({ language, command }) => language === "php" || findProgram(command) !== undefined,
);

for (const { language, command, run } of runnable) {
  test.skipIf(findProgram(command) === undefined)(
    `the functions for ${language} choose what this project chooses`,
    { timeout: 120_000 },
    () => {
      const folder = mkdtempSync(path.join(tmpdir(), "wsc-steering-"));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      expect(run(folder).trimEnd().split("\n")).toEqual(expected.slice(0, -1));
      expect(expected.at(-1)).toBe("");
    },
  );
}
