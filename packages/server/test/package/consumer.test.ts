import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

/** What somebody has who installed the package and the types of Node.js: no other types. */
const published = {
  "websocket-center": "packages/server",
  "@websocket-center/protocol": "packages/protocol",
};
const withTypesOfTheirOwn = ["zod", "pino", "prom-client", "commander", "lossless-json", "ws"];
const needed = [...withTypesOfTheirOwn, "@types/node"];

const program = `
  import { createCenter, createNode, method, z, type Connection, type NodeEvents } from "websocket-center";
  const center = createCenter({ linkPort: 0, httpPort: 0 }, { middleware: [(request, response, next) => next()] });
  const node = createNode({ port: 0 }, { authorize: async ({ headers }) => ({ admit: headers.host !== "" }) });
  const opened: NodeEvents["open"] = (connection: Connection) => void connection.send("hello");
  node.on("open", opened);
  node.services.register({
    name: "sums",
    methods: {
      add: method({ params: z.object({ a: z.int() }), result: z.int(), handler: ({ a }) => a + 1 }),
    },
  });
  export async function run(): Promise<number> {
    await center.start();
    const { value, failures } = await node.cluster.countConnections({}, { timeoutMs: 100 });
    return value + failures.length;
  }
`;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsc-consumer-"));
  const modules = path.join(folder, "node_modules");
  for (const [name, source] of Object.entries(published)) {
    const place = path.join(modules, name);
    mkdirSync(place, { recursive: true });
    run(
      "npm",
      ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder],
      path.join(root, source),
    );
    const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "";
    run("tar", ["-xzf", path.join(folder, tarball), "--strip-components=1", "-C", place], folder);
    rmSync(path.join(folder, tarball));
  }
  for (const name of needed) {
    const place = path.join(modules, name);
    mkdirSync(path.dirname(place), { recursive: true });
    symlinkSync(path.join(root, "node_modules", name), place);
  }
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(path.join(folder, "program.ts"), program);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, args: string[], cwd: string): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  expect(status, `${stdout}${stderr}`).toBe(0);
}

test("the published types need nothing but the package and @types/node", () => {
  expect(existsSync(path.join(folder, "node_modules/@types/ws"))).toBe(false);
  const options = {
    ...{
      module: "NodeNext",
      moduleResolution: "NodeNext",
      target: "ES2022",
      lib: ["ES2023"],
      types: ["node"],
    },
    ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true },
  };
  const config = { compilerOptions: options, files: ["program.ts"] };
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
  run(process.execPath, [tsc, "--project", folder], folder);
}, 180_000);
