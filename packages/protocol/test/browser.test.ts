import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const files = readdirSync(dist).filter((file) => file.endsWith(".js"));

test("what is built imports zod and its own files only, so that a browser can load it", () => {
  expect(files).toContain("index.js");
  for (const file of files) {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(dist, file), "utf8"), true, true);
    const imports = importedFiles.map(({ fileName }) => fileName);
    const foreign = imports.filter((name) => name !== "zod" && !files.includes(name.replace(/^\.\//, "")));
    expect({ file, foreign }).toEqual({ file, foreign: [] });
  }
});

test("what is built uses no name that only Node has", () => {
  for (const file of files) {
    const source = ts.createSourceFile(
      file,
      readFileSync(join(dist, file), "utf8"),
      ts.ScriptTarget.ES2023,
      true,
    );
    const used = new Set<string>();
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node)) used.add(node.text);
      ts.forEachChild(node, visit);
    };
    visit(source);
    for (const name of [
      "process",
      "Buffer",
      "require",
      "__dirname",
      "__filename",
      "setImmediate",
      "global",
    ]) {
      expect({ file, uses: used.has(name) ? name : undefined }).toEqual({ file, uses: undefined });
    }
  }
});
