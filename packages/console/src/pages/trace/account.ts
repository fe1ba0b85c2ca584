import type { CenterTrace, NodeTrace, OpsTrace } from "@websocket-center/protocol";
import type { Subject } from "../../shared/subject.ts";

/** What one center answered, or that it did not. */
export type CenterAnswer = { center: string } & (
  | { ok: true; trace: OpsTrace }
  | { ok: false; message: string }
);

/** Something that happened, where and when. */
export type Happening = { at: number; key: string } & (
  | { where: "center"; center: string; trace: CenterTrace }
  | { where: "node"; nodeId: string; trace: NodeTrace }
);

/** One command as its center and its nodes remember it. */
export interface CommandAccount {
  center: string;
  trace: CenterTrace;
  /** What the nodes that were asked remember of it. */
  nodes: { nodeId: string; trace: NodeTrace }[];
}

/** All that is remembered, put together from what the centers answered. */
export interface Account {
  subject: Subject;
  commands: CommandAccount[];
  /** Newest first. */
  happenings: Happening[];
  /** Nothing older is remembered by all of them; undefined where nothing was forgotten. */
  since: number | undefined;
  /** Centers and nodes that could not be asked. */
  missing: string[];
}

/**
 * Each center knows the calls that it took; of nodes, all centers tell the same, so that the first that reached one
 * speaks for it.
 */
export function accountOf(subject: Subject, answers: readonly CenterAnswer[]): Account {
  const nodes = new Map<string, { since: number | null; items: NodeTrace[] }>();
  const commands: Omit<CommandAccount, "nodes">[] = [];
  const missing = new Set<string>();
  const sinces: number[] = [];
  for (const answer of answers) {
    if (!answer.ok) {
      missing.add(answer.center);
      continue;
    }
    const { trace } = answer;
    if (trace.center.since !== null) sinces.push(trace.center.since);
    for (const item of trace.center.items) commands.push({ center: answer.center, trace: item });
    for (const { nodeId, since, items } of trace.nodes) {
      const known = nodes.get(nodeId);
      // Where a call is looked up, only the center that took it can say which numbers it had.
      if (known === undefined) nodes.set(nodeId, { since, items });
      else nodes.set(nodeId, { since, items: merged(known.items, items) });
    }
  }
  for (const answer of answers) {
    if (!answer.ok) continue;
    for (const { nodeId } of answer.trace.failed) if (!nodes.has(nodeId)) missing.add(nodeId);
  }
  for (const { since } of nodes.values()) if (since !== null) sinces.push(since);
  const nodeHappenings = [...nodes].flatMap(([nodeId, { items }]) =>
    items.map((trace, at): Happening => ({
      where: "node",
      at: trace.at,
      key: `${nodeId} ${at}`,
      nodeId,
      trace,
    })),
  );
  const centerHappenings = commands.map(({ center, trace }, at): Happening => ({
    where: "center",
    at: trace.at,
    key: `${center} ${at}`,
    center,
    trace,
  }));
  return {
    subject,
    commands: commands
      .toSorted((a, b) => b.trace.at - a.trace.at)
      .map((command) => ({ ...command, nodes: nodesOf(command.trace, nodes) })),
    happenings: [...nodeHappenings, ...centerHappenings].toSorted((a, b) => b.at - a.at),
    since: sinces.length === 0 ? undefined : Math.max(...sinces),
    missing: [...missing],
  };
}

function merged(some: readonly NodeTrace[], others: readonly NodeTrace[]): NodeTrace[] {
  const known = new Set(some.map((item) => JSON.stringify(item)));
  return [...some, ...others.filter((item) => !known.has(JSON.stringify(item)))];
}

function nodesOf(
  { asked, command }: CenterTrace,
  nodes: ReadonlyMap<string, { items: readonly NodeTrace[] }>,
): CommandAccount["nodes"] {
  return asked.flatMap(({ nodeId, call }) => {
    const trace = nodes
      .get(nodeId)
      ?.items.find((item) => call !== undefined && item.call === call && item.what === command);
    return trace === undefined ? [] : [{ nodeId, trace }];
  });
}
