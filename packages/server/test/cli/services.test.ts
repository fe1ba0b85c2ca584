import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { type Center, createCenter, createNode, createSilentLogger, method, z } from "../../src/index.js";
import { until } from "../contract/child.js";
import { endAll, run } from "./command.js";

afterEach(endAll);

const log = createSilentLogger();
const nothing = method({ params: z.object({}), result: z.null(), handler: () => null });

/** A center, and a node with services of two names. */
async function start(): Promise<{ url: string; nodeId: string }> {
  const center: Center = createCenter({ linkPort: 0, httpPort: 0 }, { log });
  onTestFinished(() => center.stop());
  await center.start();
  const node = createNode({ port: 0, centers: [center.addresses.link] }, { log });
  onTestFinished(() => node.stop());
  node.services.register({
    name: "reports",
    metadata: { env: "prod", limits: { daily: 3 }, note: "\u001b[2J" },
    methods: { count: nothing, list: nothing },
  });
  const names = Array.from({ length: 12 }, (_, at) => `m${at}`);
  node.services.register({
    name: "cache",
    metadata: { env: "test" },
    methods: Object.fromEntries(names.map((name) => [name, nothing])),
  });
  await node.start();
  await until("the center knows the services", () =>
    Promise.resolve(center.services.find({ name: "cache" }).length === 1 ? true : undefined),
  );
  return { url: center.addresses.http, nodeId: node.id };
}

function rowsOf(stdout: string): string[][] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
}

describe("services", () => {
  test("lists every service with its node, metadata and methods, the first of many", async () => {
    const { url, nodeId } = await start();
    const { code, stdout, stderr } = await run(["services", "--center", url]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const shortId = nodeId.slice(0, 12);
    const [head, ...rows] = rowsOf(stdout);
    expect(head).toEqual(["SERVICE", "NODE", "METADATA", "METHODS"]);
    expect(rows).toEqual(
      expect.arrayContaining([
        ["reports", shortId, String.raw`env=prod limits={"daily":3} note=\u001b[2J`, "count, list"],
        ["cache", shortId, "env=test", "m0, m1, m2, m3, m4, m5, m6 and 5 more"],
      ]),
    );
    expect(rows.map(([name]) => name)).toContain("websocket");
  });

  test("finds them by name and by metadata, and has everything with --json", async () => {
    const { url, nodeId } = await start();
    const byMeta = await run(["services", "--center", url, "--meta", "env=test"]);
    expect(rowsOf(byMeta.stdout).map(([name]) => name)).toEqual(["SERVICE", "cache"]);
    const byBoth = await run([
      "services",
      "--center",
      url,
      "--json",
      "--name",
      "reports",
      "--meta",
      "env=prod",
    ]);
    expect(JSON.parse(byBoth.stdout)).toMatchObject({
      services: [{ name: "reports", nodeId, metadata: { env: "prod" }, methods: ["count", "list"] }],
    });
  });

  test("says so where there is none, and that is no failure", async () => {
    const { url } = await start();
    const { code, stdout, stderr } = await run(["services", "--center", url, "--name", "other"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toBe(`http://${url} knows of no such service.\n`);
  });

  test("a condition without a key is wrong usage, and a center that is away ends it with 3", async () => {
    for (const meta of ["env", "=prod"]) expect((await run(["services", "--meta", meta])).code).toBe(2);
    expect((await run(["services", "--center", "http://127.0.0.1:1"])).code).toBe(3);
  });
});
