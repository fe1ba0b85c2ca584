import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** A program that uses a center, a node and a client, stops what it started, and says "done" as its last act. */
const program = (stop: string): string => `
  import { once } from "node:events";
  import { createCenter, createNode, createSilentLogger } from ${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)};
  import { WebSocket } from ${JSON.stringify(import.meta.resolve("ws"))};
  const log = createSilentLogger();
  const center = createCenter({ linkPort: 0, httpPort: 0 }, { log });
  await center.start();
  const node = createNode({ port: 0, adminPort: 0, centers: [center.addresses.link, "127.0.0.1:1"], closeSpreadMs: 0 }, { log });
  await node.start();
  while (center.nodes.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const client = new WebSocket("ws://" + node.addresses.client);
  await once(client, "message");
  await fetch("http://" + center.addresses.http + "/?event=broadcast&broadcast[msg]=x");
  await fetch("http://" + node.addresses.admin + "/metrics");
  const closed = once(client, "close");
  ${stop}
  await closed;
  process.once("exit", () => console.log("done"));
`;

test.each([
  [
    "drained and stopped",
    "await node.drain(); await node.stop(); await center.drain(); await center.stop();",
  ],
  ["stopped at once, the center first", "await center.stop(); await node.stop();"],
])("a process whose parts are %s has nothing left that keeps it alive", async (_how, stop) => {
  const run = promisify(execFile);
  // Were anything left, the program would not end by itself, and be killed without its last words.
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program(stop)], {
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  expect(stdout).toBe("done\n");
});
