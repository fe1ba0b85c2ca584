import { afterEach, expect, test, vi } from "vitest";
import { type CenterProcess, type NodeProcess, startCenter, startNode } from "../cli/cluster.js";
import { endAll } from "../cli/command.js";
import { userIds } from "./places.js";

afterEach(endAll);
vi.setConfig({ testTimeout: 60_000 });

type Places = Record<string, string>;

async function placesAt(base: string): Promise<Places> {
  const answers = userIds.map(async (id) => {
    const response = await fetch(`${base}/assign?id=${id}`);
    return [id, ((await response.json()) as { url: string }).url];
  });
  return Object.fromEntries(await Promise.all(answers)) as Places;
}

/** Resolves once all of the processes send users to `nodes`, and to the same ones. */
async function untilSentTo(
  asked: readonly (CenterProcess | NodeProcess)[],
  nodes: readonly NodeProcess[],
): Promise<Places> {
  let places: Places = {};
  await vi.waitFor(
    async () => {
      const all = await Promise.all(asked.map(({ url }) => placesAt(url.replace(/^ws/, "http"))));
      places = all[0] ?? {};
      for (const other of all) expect(other).toEqual(places);
      expect(new Set(Object.values(places))).toEqual(new Set(nodes.map(({ url }) => url)));
    },
    { timeout: 25_000, interval: 50 },
  );
  return places;
}

async function startCluster(): Promise<{
  centers: [CenterProcess, CenterProcess];
  nodes: [NodeProcess, NodeProcess, NodeProcess];
}> {
  const centers: [CenterProcess, CenterProcess] = [await startCenter(), await startCenter()];
  const start = (): Promise<NodeProcess> => startNode(centers);
  return { centers, nodes: [await start(), await start(), await start()] };
}

const moved = (before: Places, after: Places, left: NodeProcess): string[] =>
  userIds.filter((id) => before[id] !== left.url && before[id] !== after[id]);

test("a node that is killed loses its users to all others, and nobody else moves", async () => {
  const { centers, nodes } = await startCluster();
  const [first, second, third] = nodes;
  const before = await untilSentTo([...centers, ...nodes], nodes);
  second.command.signal("SIGKILL");
  await second.command.exited;
  const after = await untilSentTo([...centers, first, third], [first, third]);
  expect(moved(before, after, second)).toEqual([]);
});

test("a node that freezes is left out until it answers again, and then has its own users", async () => {
  const { centers, nodes } = await startCluster();
  const [first, second, third] = nodes;
  const before = await untilSentTo([...centers, ...nodes], nodes);
  third.command.signal("SIGSTOP");
  const after = await untilSentTo([...centers, first, second], [first, second]);
  expect(moved(before, after, third)).toEqual([]);
  third.command.signal("SIGCONT");
  expect(await untilSentTo([...centers, ...nodes], nodes)).toEqual(before);
});

test("a center that is killed moves nobody", async () => {
  const { centers, nodes } = await startCluster();
  const [lost, kept] = centers;
  const before = await untilSentTo([...centers, ...nodes], nodes);
  lost.command.signal("SIGKILL");
  await lost.command.exited;
  for (const { url } of nodes) expect(await placesAt(url.replace(/^ws/, "http"))).toEqual(before);
  expect(await untilSentTo([kept, ...nodes], nodes)).toEqual(before);
});
