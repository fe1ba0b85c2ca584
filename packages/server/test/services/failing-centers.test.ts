import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { connect, startCenter, startNode } from "./cluster.js";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** A center in a process of its own, so that it can be killed. */
async function spawnCenter(): Promise<{ link: string; kill: (signal: NodeJS.Signals) => void }> {
  const child = spawn(process.execPath, [main, "center", "--link-port", "0", "--http-port", "0"], {
    env: { PATH: process.env["PATH"], WSC_LOG_FORMAT: "json" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  });
  for await (const text of createInterface(child.stdout)) {
    const line = JSON.parse(text) as { link?: string };
    if (line.link !== undefined) {
      child.stdout.resume();
      return { link: line.link, kill: (signal) => child.kill(signal) };
    }
  }
  throw new Error("the center ended before it listened");
}

/** Sends each message by the cluster, and tells what came of it: done, or the code of the error. */
async function sendAll(
  node: Awaited<ReturnType<typeof startNode>>,
  messages: readonly string[],
  onAnswer: () => void,
  timeoutMs = 2000,
): Promise<Map<string, string>> {
  const outcomes = new Map<string, string>();
  await Promise.all(
    messages.map(async (message) => {
      try {
        const { value, failures } = await node.cluster.broadcast({ message }, { timeoutMs });
        outcomes.set(message, value === 1 ? "done" : (failures[0]?.code ?? "not queued"));
      } catch (error) {
        outcomes.set(message, error instanceof Error && "code" in error ? String(error.code) : String(error));
      }
      onAnswer();
    }),
  );
  return outcomes;
}

const notRun: ReadonlySet<string | undefined> = new Set(["NO_CENTER", "CENTER_BUSY", "NODE_OVERLOADED"]);
/** The center was lost, or the node was too slow to answer it. */
const unknown = ["OUTCOME_UNKNOWN", "NODE_TIMEOUT"];

for (const rest of ["and no other is there", "while another is there"] as const) {
  test(`a center is killed with requests on their way, ${rest}: nothing is sent twice or reported done that is not`, async () => {
    const doomed = await spawnCenter();
    const spare = rest === "while another is there" ? await startCenter() : undefined;
    const node = await startNode([], [], { centers: [doomed.link] });
    await vi.waitFor(() => expect(node.centers[0]?.linked).toBe(true));
    const client = await connect(node);
    await node.cluster.countUsers({});
    if (spare !== undefined) {
      node.register([spare.addresses.link]);
      await vi.waitFor(() => expect(spare.nodes).toHaveLength(1));
    }
    let answers = 0;
    const messages = Array.from({ length: 3000 }, (_, at) => `message ${at}`);
    const outcomes = await sendAll(node, messages, () => {
      answers += 1;
      if (answers === 50) doomed.kill("SIGKILL");
    });
    await client.settled();
    const received = new Map<string, number>();
    for (const message of client.messages) received.set(message, (received.get(message) ?? 0) + 1);
    for (const message of messages) {
      const times = received.get(message) ?? 0;
      const outcome = outcomes.get(message);
      expect(times, `${message}: ${outcome}`).toBeLessThanOrEqual(1);
      if (outcome === "done") expect(times, message).toBe(1);
      else if (notRun.has(outcome)) expect(times, message).toBe(0);
      else expect(unknown, `${message}: ${outcome}`).toContain(outcome);
    }
    const after = await sendAll(node, ["after"], () => undefined);
    expect(after.get("after")).toBe(spare === undefined ? "NO_CENTER" : "done");
  });
}

test("a center that gives no answer leaves the outcome unknown, and is not asked twice", async () => {
  const frozen = await spawnCenter();
  const node = await startNode([], [], { centers: [frozen.link] });
  await vi.waitFor(() => expect(node.centers[0]?.linked).toBe(true));
  const client = await connect(node);
  frozen.kill("SIGSTOP");
  const sending = node.cluster.broadcast({ message: "once" }, { timeoutMs: 200 });
  await expect(sending).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  frozen.kill("SIGCONT");
  await vi.waitFor(async () => expect((await node.cluster.countConnections({})).value).toBe(1));
  await client.settled();
  expect(client.messages.filter((message) => message === "once").length).toBeLessThanOrEqual(1);
});

test("a center that drains refuses requests, which go to another", async () => {
  const centers = [await startCenter(), await startCenter()];
  const node = await startNode(centers);
  const client = await connect(node);
  await node.cluster.countUsers({});
  for (const center of centers) {
    await center.drain();
    const sent = sendAll(node, [center.id], () => undefined);
    expect((await sent).get(center.id)).toBe(center === centers[0] ? "done" : "CENTER_BUSY");
  }
  await client.settled();
  expect(client.messages).toEqual([centers[0]?.id]);
});

for (const rest of ["and no other is there", "while another is there"] as const) {
  test(`a center reads nothing any more, ${rest}: requests over the bound are surely not sent to it`, async () => {
    const frozen = await spawnCenter();
    const spare = rest === "while another is there" ? await startCenter() : undefined;
    const options = { centers: [frozen.link], maxLinkBufferedBytes: 256 * 1024 };
    const node = await startNode([], [], options);
    await vi.waitFor(() => expect(node.centers[0]?.linked).toBe(true));
    const client = await connect(node);
    await node.cluster.countUsers({});
    if (spare !== undefined) {
      node.register([spare.addresses.link]);
      await vi.waitFor(() => expect(spare.nodes).toHaveLength(1));
    }
    frozen.kill("SIGSTOP");
    const padding = "x".repeat(100_000);
    const messages = Array.from({ length: 300 }, (_, at) => `${at} ${padding}`);
    const outcomes = await sendAll(node, messages, () => undefined, 4000);
    const refused = messages.filter((message) => outcomes.get(message) === "CENTER_BUSY");
    const done = messages.filter((message) => outcomes.get(message) === "done");
    expect(refused.length).toBeGreaterThan(100);
    // What the one has no room for goes to the other, as long as that has.
    if (spare === undefined) expect(done).toEqual([]);
    else expect(done.length).toBeGreaterThan(0);
    // The next one goes to the center that answers.
    const after = (await sendAll(node, ["after"], () => undefined)).get("after");
    if (spare !== undefined) expect(after).toBe("done");

    frozen.kill("SIGCONT");
    await vi.waitFor(() => expect(node.cluster.countUsers({})).resolves.toMatchObject({ failures: [] }), {
      timeout: 10_000,
    });
    await client.settled();
    const received = client.messages.map((message) => message.split(" ")[0]);
    expect(new Set(received).size).toBe(received.length);
    for (const message of refused) expect(received).not.toContain(message.split(" ")[0]);
    for (const message of done) expect(received).toContain(message.split(" ")[0]);
  }, 60_000);
}
