import { expect, test, vi } from "vitest";
import { TcpProxy } from "../../../server/test/link/tcp-proxy.js";
import { type Backend, CenterError } from "../../server/index.js";
import {
  connectClient,
  type Listener,
  runOn,
  spawnCenter,
  startBackend,
  startCenter,
  startNode,
  startStandIn,
} from "./cluster.js";

const modes = [{ pipelining: "auto" }, { pipelining: true }, { pipelining: false }] as const;
const WAYS = 20;

interface Told {
  /** By message: how many connections queued it, or the code of the failure. */
  outcomes: Map<string, number | string>;
  stop: () => Promise<void>;
  reads: { good: number; bad: string[] };
}

/** Sends messages, each once, and asks in between, from many sides until it is stopped. */
function load(backend: Backend): Told {
  const told: Told = { outcomes: new Map(), reads: { good: 0, bad: [] }, stop: async () => {} };
  const over = new AbortController();
  const run = async (way: number): Promise<void> => {
    for (let number = 0; !over.signal.aborted; number += 1) {
      const message = `${way}.${number}`;
      try {
        const { value, failures } = await backend.sendToUser({ userId: "ada", message });
        told.outcomes.set(message, failures.length > 0 ? "FAILURES" : value);
      } catch (error) {
        told.outcomes.set(message, error instanceof CenterError ? error.code : String(error));
      }
      await backend.isUserOnline({ userId: "ada" }).then(
        () => (told.reads.good += 1),
        (error: unknown) => told.reads.bad.push(String(error)),
      );
    }
  };
  const runs = Array.from({ length: WAYS }, (_, way) => run(way));
  told.stop = async () => {
    over.abort();
    await Promise.all(runs);
  };
  return told;
}

/** More calls are answered than now. */
async function goesOn(told: Told, by = 100): Promise<void> {
  const before = told.reads.good;
  await vi.waitFor(() => expect(told.reads.good).toBeGreaterThan(before + by), 20_000);
}

/** No message came twice, none that was told as queued is missing, none came that was told as not run. */
async function checkTruth({ outcomes, reads }: Told, client: Listener): Promise<Record<string, number>> {
  await client.settled();
  const came = new Set<string>();
  for (const message of client.messages) {
    expect(came.has(message), `${message} came twice`).toBe(false);
    came.add(message);
  }
  const counts: Record<string, number> = {};
  for (const [message, outcome] of outcomes) {
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (outcome === "OUTCOME_UNKNOWN" || outcome === "FAILURES") continue;
    expect(came.has(message), `${message}, told as ${outcome}, came`).toBe(outcome === 1);
  }
  expect(reads.bad.slice(0, 3)).toEqual([]);
  expect(counts["1"]).toBeGreaterThan(0);
  return counts;
}

async function listen(links: readonly string[], backend: Backend): Promise<Listener> {
  const client = await connectClient(await startNode(links));
  await backend.bindUser({ userId: "ada", connectionId: client.id });
  return client;
}

test.each(modes)("a center is killed under load: nothing twice, nothing untrue: %j", async (mode) => {
  const centers = await Promise.all([spawnCenter(), spawnCenter()]);
  const backend = startBackend({ centers: centers.map(({ url }) => url), ...mode });
  const client = await listen(
    centers.map(({ link }) => link),
    backend,
  );
  const told = load(backend);
  await goesOn(told);
  centers[0]?.signal("SIGKILL");
  await goesOn(told);
  await told.stop();
  const counts = await checkTruth(told, client);
  // At most what was under way at that moment.
  expect(counts["OUTCOME_UNKNOWN"] ?? 0).toBeLessThanOrEqual(WAYS);
});

test.each(modes)("a center is drained under load: every call is answered: %j", async (mode) => {
  const centers = await Promise.all([spawnCenter(), spawnCenter()]);
  const backend = startBackend({ centers: centers.map(({ url }) => url), ...mode });
  const client = await listen(
    centers.map(({ link }) => link),
    backend,
  );
  const told = load(backend);
  await goesOn(told);
  for (const center of centers.slice(0, 1)) {
    center.signal("SIGTERM");
    await center.exited;
  }
  await goesOn(told);
  await told.stop();
  expect(Object.keys(await checkTruth(told, client))).toEqual(["1"]);
});

test.each(modes)("the only center restarts under load: calls wait for it: %j", async (mode) => {
  const old = await spawnCenter();
  const ports = { httpPort: portOf(old.url), linkPort: portOf(`http://${old.link}`) };
  const backend = startBackend({ centers: [old.url], timeoutMs: 20_000, ...mode });
  const client = await listen([old.link], backend);
  const told = load(backend);
  await goesOn(told);
  old.signal("SIGTERM");
  await old.exited;
  await spawnCenter(ports);
  await goesOn(told);
  await told.stop();
  // A center that has just begun may know no node yet, and then says so: to nobody.
  const counts = await checkTruth(told, client);
  expect(Object.keys(counts).filter((outcome) => outcome !== "0" && outcome !== "1")).toEqual([]);
});

test.each(modes)("a center is frozen under load: calls go on at the other: %j", async (mode) => {
  const centers = await Promise.all([spawnCenter(), spawnCenter()]);
  const backend = startBackend({ centers: centers.map(({ url }) => url), ...mode });
  const client = await listen(
    centers.map(({ link }) => link),
    backend,
  );
  const told = load(backend);
  await goesOn(told);
  centers[0]?.signal("SIGSTOP");
  await goesOn(told);
  centers[0]?.signal("SIGCONT");
  await goesOn(told);
  await told.stop();
  const counts = await checkTruth(told, client);
  expect(counts["OUTCOME_UNKNOWN"] ?? 0).toBeLessThanOrEqual(WAYS);
});

test.each(modes)("connections are cut again and again under load: %j", async (mode) => {
  const { center } = await startCenter();
  const standIn = await startStandIn(runOn(center.cluster), { handle: center.handleRequest });
  const proxy = await TcpProxy.open(portOf(standIn.url));
  const backend = startBackend({ centers: [`http://127.0.0.1:${proxy.port}`], timeoutMs: 20_000, ...mode });
  const client = await listen([center.addresses.link], backend);
  const told = load(backend);
  for (let cut = 0; cut < 10; cut += 1) {
    await goesOn(told, 20);
    proxy.cut();
  }
  await goesOn(told, 20);
  await told.stop();
  await checkTruth(told, client);
  await backend.close();
  await proxy.close();
});

function portOf(url: string): number {
  return Number(new URL(url).port);
}
