import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

/** What the documents' examples take from around them. */
const globals = `
  type Package = typeof import("@websocket-center/client");
  declare const createClient: Package["createClient"];
  declare const client: import("@websocket-center/client").Client<unknown>;
  declare const backend: import("@websocket-center/client/server").Backend;
  declare const url: string;
  declare const connectionId: string;
  declare const token: string;
  declare function fetchToken(): Promise<string>;
  declare function show(message: unknown): void;
  declare function reloadWhatChanged(from: number, to: number): void;
`;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsc-client-consumer-"));
  for (const name of ["client", "protocol"]) {
    const place = path.join(folder, "node_modules/@websocket-center", name);
    mkdirSync(place, { recursive: true });
    run(
      "npm",
      ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder],
      path.join(root, "packages", name),
    );
    const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "";
    run("tar", ["-xzf", path.join(folder, tarball), "--strip-components=1", "-C", place], folder);
    rmSync(path.join(folder, tarball));
  }
  for (const name of [
    "@types/node",
    "@types/react",
    "@types/ws",
    "csstype",
    "react",
    "undici-types",
    "zod",
  ]) {
    const place = path.join(folder, "node_modules", name);
    mkdirSync(path.dirname(place), { recursive: true });
    symlinkSync(path.join(root, "node_modules", name), place);
  }
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(path.join(folder, "globals.d.ts"), globals);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, args: string[], cwd: string): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  expect(status, `${stdout}${stderr}`).toBe(0);
}

/** Writes each example of a document to a file of its own, as it stands there. */
function examplesOf(document: string): string[] {
  const text = readFileSync(path.join(root, "docs", document), "utf8");
  return [...text.matchAll(/^```(tsx?)\n([^]*?)^```$/gm)].map(([, extension, code], at) => {
    const file = `${document}-${at + 1}.${extension ?? ""}`;
    writeFileSync(path.join(folder, file), `${code ?? ""}\nexport {};\n`);
    return file;
  });
}

test.each([
  ["CLIENT.md", 7, { lib: ["ES2022", "DOM"], types: ["react"], jsx: "react-jsx" }],
  ["CLIENT-TOKENS.md", 2, { lib: ["ES2022", "DOM"], types: [] }],
  ["BACKEND-SDK.md", 3, { lib: ["ES2022"], types: ["node"] }],
])(
  "the examples of %s compile as they stand, strictly, against the packed client",
  (document, count, environment) => {
    const files = examplesOf(document);
    expect(files.length).toBe(count);
    const compilerOptions = {
      ...environment,
      ...{ module: "NodeNext", target: "ES2022", noEmit: true, skipLibCheck: false },
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    };
    const config = path.join(folder, `${document}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions, files: ["globals.d.ts", ...files] }));
    run(process.execPath, [tsc, "--project", config], folder);
  },
  180_000,
);
