import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "rolldown";
import ts from "typescript";
import { expect, test } from "vitest";

const MAX_COMPRESSED_BYTES = 6000;

test("the browser entry has at most 6 kB compressed, and nothing but its own files", async () => {
  const { code, modules, imports } = await bundle("../src/index.ts");
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(MAX_COMPRESSED_BYTES);
  const own = fileURLToPath(new URL("../src/", import.meta.url));
  expect(modules.filter((module) => !module.startsWith(own))).toEqual([]);
  expect(imports).toEqual([]);
});

test.each(["../src/react.ts", "../src/store.ts"])("%s brings no second client along", async (entry) => {
  const { code, imports } = await bundle(entry);
  expect(code).not.toContain("access_token");
  expect(imports.filter((name) => name !== "react")).toEqual([]);
});

test("the browser entry uses no name that only Node has", async () => {
  const { code } = await bundle("../src/index.ts");
  const used = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) used.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("bundle.js", code, ts.ScriptTarget.ES2023, true));
  const ofNode = ["process", "Buffer", "require", "__dirname", "__filename", "setImmediate", "global"];
  expect(ofNode.filter((name) => used.has(name))).toEqual([]);
});

async function bundle(entry: string): Promise<{ code: string; modules: string[]; imports: string[] }> {
  const { output } = await build({
    input: fileURLToPath(new URL(entry, import.meta.url)),
    platform: "browser",
    external: ["react"],
    transform: { target: "es2022" },
    output: { format: "es", minify: true },
    write: false,
  });
  expect(output).toHaveLength(1);
  const [{ code, moduleIds, imports }] = output;
  return { code, modules: moduleIds, imports };
}
