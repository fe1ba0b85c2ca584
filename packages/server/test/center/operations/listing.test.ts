import { expect, test, vi } from "vitest";
import type { Center } from "../../../src/index.js";
import { get, startCenter } from "../../services/cluster.js";
import { type Script, startScriptedNode } from "./scripted-node.js";

vi.setConfig({ testTimeout: 30_000 });

interface Page {
  items: { id: string; nodeId: string }[];
  cursor?: string;
  failed: { nodeId: string; code: string }[];
}

const nodeIds = ["1", "2", "3"].map((digit) => digit.repeat(32)) as [string, string, string];

/** Holds connections whose ids begin with its own key. */
function holding(nodeId: string, count: number): Script {
  const ids = Array.from({ length: count }, (_, at) => nodeId.slice(0, 12) + String(at).padStart(20, "0"));
  const summary = (id: string) => ({
    id,
    userId: null,
    groups: 0,
    remoteAddress: "127.0.0.1",
    openedAt: 1,
    bytesIn: 0,
    bytesOut: 0,
    bufferedBytes: 0,
  });
  return {
    listConnections: ({ after = "", search = "", limit }) => {
      const left = ids.filter((id) => id > after && id.includes(search));
      return { items: left.slice(0, limit).map(summary), more: left.length > limit };
    },
    getConnection: ({ connectionId }) =>
      ids.includes(connectionId)
        ? {
            ...summary(connectionId),
            groupIds: [],
            data: {},
            origin: null,
            userAgent: null,
            messagesIn: 0,
            messagesOut: 0,
            compressed: false,
          }
        : null,
  };
}

async function allPages(center: Center, path: string): Promise<{ pages: Page[]; ids: string[] }> {
  const pages: Page[] = [];
  let cursor: string | undefined;
  do {
    const place = cursor === undefined ? path : `${path}&cursor=${cursor}`;
    const page = (await get(center, place)) as unknown as Page;
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== undefined && pages.length < 100);
  return { pages, ids: pages.flatMap(({ items }) => items.map(({ id }) => id)) };
}

async function codeOf(center: Center, path: string): Promise<unknown> {
  return (await get(center, path))["code"];
}

test("pages go over all nodes in the order of their ids, and each connection is in one of them", async () => {
  const center = await startCenter();
  for (const [at, id] of nodeIds.toReversed().entries())
    await startScriptedNode([center], holding(id, 5 + at), id);
  for (const limit of [1, 4, 6, 18, 500]) {
    const { pages, ids } = await allPages(center, `/ops/connections?limit=${limit}`);
    expect(ids).toHaveLength(18);
    expect(ids).toEqual([...new Set(ids)].toSorted());
    for (const { items } of pages) expect(items.length).toBeLessThanOrEqual(limit);
  }
  const { ids } = await allPages(center, `/ops/connections?limit=3&nodeId=${nodeIds[1]}`);
  expect(ids).toHaveLength(6);
});

test("a node that is too old or does not answer is named, and the others' items come all the same", async () => {
  const center = await startCenter();
  await startScriptedNode([center], holding(nodeIds[0], 3), nodeIds[0]);
  await startScriptedNode([center], "old", nodeIds[1]);
  await startScriptedNode([center], {}, nodeIds[2]);
  const { pages, ids } = await allPages(center, "/ops/connections?limit=50");
  expect(ids).toHaveLength(3);
  expect(pages.flatMap(({ failed }) => failed.map(({ nodeId, code }) => [nodeId, code]))).toEqual([
    [nodeIds[1], "UNKNOWN_SERVICE"],
    [nodeIds[2], "NODE_TIMEOUT"],
  ]);
});

test("a cursor is taken for the listing that gave it, and for no other; a forged one is refused", async () => {
  const center = await startCenter();
  await startScriptedNode([center], holding(nodeIds[0], 3), nodeIds[0]);
  const { cursor = "" } = (await get(center, "/ops/connections?limit=1")) as unknown as Page;
  expect(cursor).not.toBe("");
  const forged = Buffer.from(JSON.stringify([1, "x", nodeIds[0], "a"])).toString("base64url");
  const places = [
    `/ops/connections?search=1&cursor=${cursor}`,
    `/ops/users?cursor=${cursor}`,
    `/ops/connections?cursor=${forged}`,
    "/ops/connections?cursor=%00",
    "/ops/connections?cursor[]=1",
    "/ops/connections?limit=0",
    "/ops/connections?limit=501",
  ];
  for (const place of places) expect(await codeOf(center, place), place).toBe("INVALID_PARAMS");
  // With another limit it is the same listing.
  expect(
    ((await get(center, `/ops/connections?limit=5&cursor=${cursor}`)) as unknown as Page).items,
  ).toHaveLength(2);
});

test("one connection is asked for at its own node, and 404 says that it is not there", async () => {
  const center = await startCenter();
  const [here, there] = [
    await startScriptedNode([center], holding(nodeIds[0], 1), nodeIds[0]),
    await startScriptedNode([center], holding(nodeIds[1], 1), nodeIds[1]),
  ];
  const id = nodeIds[0].slice(0, 12) + "0".repeat(20);
  expect(await get(center, `/ops/connections/${id}`)).toMatchObject({ id, nodeId: nodeIds[0] });
  expect(there.asked["getConnection"]).toBeUndefined();
  expect(await codeOf(center, `/ops/connections/${id.slice(0, 31)}9`)).toBe("UNKNOWN_CONNECTION");
  expect(await codeOf(center, `/ops/connections/${"9".repeat(32)}`)).toBe("UNKNOWN_CONNECTION");
  expect(here.asked["getConnection"]).toHaveLength(2);
});
