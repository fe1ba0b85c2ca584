// Whether listings page through a large cluster without loading it: nodes with clients on all cores, and every page of
// connections, users and groups, as the console asks for them.
//
//   npm run build && node bench/listing.mjs [--clients 100000] [--nodes 8] [--limit 50]
//
// Prints how long a page took, and a search that finds one user or nothing; ends with 1 where something was seen twice
// or not at all.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { startServers } from "./cluster.mjs";
import { openConnections } from "./load.mjs";
import { groupName } from "./peers/groups.mjs";
import { stopAll } from "./process.mjs";
import { summary } from "./report/numbers.mjs";
import { setUp } from "./setup.mjs";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "100000" },
    nodes: { type: "string", default: "8" },
    limit: { type: "string", default: "50" },
  },
});
const clients = Number(values.clients);
const nodeCount = Number(values.nodes);
const GROUPS = 1000;
/** Below what a process may open where `ulimit -n` is 20,000. */
const MOST_A_PROCESS = 12_500;

setUp((text) => console.error(text));
const core = `0-${availableParallelism() - 1}`;
const { ports, http } = await startServers({
  nodes: nodeCount,
  groups: GROUPS,
  centerCore: core,
  nodeCore: core,
});
const programs = Math.ceil(clients / MOST_A_PROCESS);
for (let at = 0; at < programs; at += 1) {
  const connections = Math.floor(clients / programs) + (at < clients % programs ? 1 : 0);
  // All programs share the addresses, each of which has some 28,000 ports.
  const load = await openConnections({ ports, connections, args: ["--sources", String(programs)] });
  await load.settle();
  console.error(`${at + 1} of ${programs} programs are connected`);
}

const get = async (path) => {
  const startedAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${http}/ops/${path}`);
  const page = await response.json();
  if (!response.ok || page.failed.length > 0) throw new Error(`${path}: ${JSON.stringify(page)}`);
  return { ...page, ms: performance.now() - startedAt };
};

const rows = [];
for (const kind of ["connections", "users", "groups"]) {
  const seen = new Set();
  const times = [];
  let listed = 0;
  let cursor;
  do {
    const query = new URLSearchParams({ limit: values.limit, ...(cursor === undefined ? {} : { cursor }) });
    const page = await get(`${kind}?${query}`);
    times.push(page.ms);
    for (const item of page.items) seen.add(`${item.nodeId} ${item.id ?? item.userId ?? item.groupId}`);
    listed += page.items.length;
    ({ cursor } = page);
  } while (cursor !== undefined && cursor !== null);
  const { median, max } = summary(times);
  rows.push({ kind, listed, pages: times.length, "p50, ms": ms(median), "longest, ms": ms(max) });
  const isWhole = listed === seen.size && (kind === "groups" || listed === clients);
  if (!isWhole) {
    console.error(`${kind}: ${listed} were listed, ${seen.size} of them once, of ${clients} clients`);
    process.exitCode = 1;
  }
}
console.table(rows);
const one = await get(`users?search=${groupName(0)}`);
const none = await get("connections?search=nobody-has-this");
console.table([
  { search: "one user", found: one.items.length, ms: ms(one.ms) },
  { search: "nothing", found: none.items.length, ms: ms(none.ms) },
]);
await stopAll();

function ms(value) {
  return Math.round(value * 10) / 10;
}
