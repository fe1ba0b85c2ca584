import { type NodeEntry, type NodesAnswer, nodesAnswer } from "./answers.js";
import { createCenterClient, showUrl, whyNotReached } from "./center-client.js";
import type { CenterAccess } from "./center-flags.js";
import { CommandFailure } from "./command-failure.js";

/** `unknown`: neither the center was asked, nor does the node say. */
export type LinkState = "linked" | "suspect" | "missing" | "unknown";

/** A center that was asked, or that only nodes tell of: then it has no `url`. */
export interface CenterView {
  url: string | null;
  /** Why nothing is known of it but its address. */
  problem?: string;
  isReached: boolean;
  id?: string;
  version?: string;
  startedAt?: string;
  linkAddress?: string;
  otherCenters?: string[];
  nodes?: number;
}

export interface NodeView extends NodeEntry {
  /** By the center's id. */
  links: Record<string, LinkState>;
}

/** What all centers together say. Sums are over nodes: a user that is on two nodes counts twice. */
export interface ClusterView {
  at: string;
  centers: CenterView[];
  nodes: NodeView[];
  missingLinks: { nodeId: string; centerId: string }[];
  totals: {
    centers: number;
    nodes: number;
    links: number;
    connections: number;
    users: number;
    groups: number;
  };
}

/** Asks all centers at once. Never fails: what went wrong with a center is its `problem`. */
export async function viewCluster(access: CenterAccess): Promise<ClusterView> {
  const asked = await Promise.all(access.centers.map((url) => askCenter(url, access)));
  const answers = asked.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const entries = newestEntries(answers);
  const centers = asked.map(({ view }) => view);
  const known = new Set(answers.map(({ centerId }) => centerId));
  for (const id of new Set(entries.flatMap(({ centerIds = [] }) => centerIds))) {
    if (known.has(id)) continue;
    known.add(id);
    centers.push({ url: null, isReached: false, id, problem: "not asked, or gave no answer" });
  }
  const nodes = entries.map((entry) => ({
    ...entry,
    links: Object.fromEntries(Array.from(known, (id) => [id, linkState(entry, id, answers)])),
  }));
  const links = nodes.flatMap(({ id, links }) =>
    Object.entries(links).map(([centerId, state]) => ({ nodeId: id, centerId, state })),
  );
  const missing = links.filter(({ state }) => state === "missing");
  const sum = (key: "connections" | "users" | "groups"): number =>
    nodes.reduce((total, node) => total + node[key], 0);
  return {
    at: new Date().toISOString(),
    centers,
    nodes,
    missingLinks: missing.map(({ nodeId, centerId }) => ({ nodeId, centerId })),
    totals: {
      centers: known.size,
      nodes: nodes.length,
      links: links.filter(({ state }) => state === "linked" || state === "suspect").length,
      connections: sum("connections"),
      users: sum("users"),
      groups: sum("groups"),
    },
  };
}

async function askCenter(
  url: URL,
  access: CenterAccess,
): Promise<{ view: CenterView; answer?: NodesAnswer }> {
  const reason = await whyNotReached(url);
  const shown = showUrl(url);
  if (reason !== undefined) return { view: { url: shown, isReached: false, problem: reason } };
  try {
    const answer = await createCenterClient(url, access).get("nodes", nodesAnswer);
    const { center } = answer;
    const about =
      center === undefined
        ? {}
        : {
            version: center.version,
            startedAt: center.startedAt,
            linkAddress: center.addresses.link,
            otherCenters: center.otherCenters,
          };
    const view = { url: shown, isReached: true, id: answer.centerId, ...about, nodes: answer.nodes.length };
    return { view, answer };
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    return { view: { url: shown, isReached: true, problem: error.message.replace(`${shown}: `, "") } };
  }
}

/** Each node once, as a center tells it that it answers. */
function newestEntries(answers: readonly NodesAnswer[]): NodeEntry[] {
  const byId = new Map<string, NodeEntry>();
  for (const entry of answers.flatMap(({ nodes }) => nodes)) {
    const known = byId.get(entry.id);
    if (known === undefined || (known.state === "suspect" && entry.state === "linked"))
      byId.set(entry.id, entry);
  }
  return [...byId.values()];
}

function linkState(node: NodeEntry, centerId: string, answers: readonly NodesAnswer[]): LinkState {
  const answer = answers.find((candidate) => candidate.centerId === centerId);
  if (answer !== undefined) return answer.nodes.find(({ id }) => id === node.id)?.state ?? "missing";
  if (node.centerIds === undefined) return "unknown";
  return node.centerIds.includes(centerId) ? "linked" : "missing";
}
