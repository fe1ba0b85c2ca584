import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";

/** A program of the benchmark, which answers each line of JSON with one. */
function startPeer(file: string): { ask: (command: object) => Promise<unknown>; ready: Promise<unknown> } {
  const path = fileURLToPath(new URL(`../../../../bench/peers/${file}`, import.meta.url));
  const child = spawn(process.execPath, [path], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${file} has ended`);
    return JSON.parse(value) as unknown;
  };
  const ready = answer();
  return {
    ready,
    ask: (command) => {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return answer();
    },
  };
}

test("the nodes that the benchmark simulates link, tell, answer and come back as a center expects of nodes", async () => {
  const router = startPeer("router.mjs");
  const simulated = startPeer("simulated-nodes.mjs");
  const { link } = (await router.ready) as { link: number };
  await simulated.ready;
  await simulated.ask({ link: { port: link, nodes: 3 } });
  await simulated.ask({ tell: { users: 3000 } });
  const isTrusted = (keys: number): Promise<void> =>
    vi.waitFor(
      async () => expect(await router.ask({ state: {} })).toMatchObject({ linked: 3, untrusted: 0, keys }),
      { timeout: 10_000 },
    );
  await isTrusted(3000);
  const routed = (await router.ask({ route: { seconds: 0.05, inFlight: 4, users: 3000 } })) as {
    calls: number;
  };
  expect(routed.calls).toBeGreaterThan(0);
  await simulated.ask({ reconnect: { first: 3000, users: 500 } });
  await isTrusted(2500);
  const probe = await router.ask({ probe: { seconds: 0.05, first: 3000, users: 500 } });
  expect(probe).toMatchObject({ failed: 0 });
});
