import type { NodeOperationParams, NodeOperationResult, OpsConnections } from "@websocket-center/protocol";
import type { Channel } from "../../rpc/channel.js";
import type { CallSignal } from "../../call-signal.js";
import { decodeCursor, encodeCursor, type Position } from "./cursor.js";
import type { NodeAsker, NodeTold } from "./node-asker.js";

export type ListOperation = "listConnections" | "listUsers" | "listGroups";
type Item<O extends ListOperation> = NodeOperationResult<O>["items"][number];

export interface Page<O extends ListOperation> {
  items: (Item<O> & { nodeId: string })[];
  cursor?: string;
  failed: OpsConnections["failed"];
}

export interface PageRequest<O extends ListOperation> {
  operation: O;
  /** Those that can have such items. */
  nodes: readonly Channel[];
  filter: Omit<NodeOperationParams<O>, "after" | "limit">;
  /** The one node that was asked for, where one was: a cursor belongs to that. */
  nodeId: string | undefined;
  limit: number;
  cursor: string | undefined;
  keyOf: (item: Item<O>) => string;
  signal?: CallSignal | undefined;
}

/** A page is given out after this time, with what there is, and a cursor for the rest. */
const PAGE_MS = 4000;
const NODE_MS = 2000;
/** One node at first, since it may well fill the page; twice as many each time that they did not. */
const MAX_AT_ONCE = 32;

/** One page over many nodes, in the order of their ids. Nodes that fail are named, and the page goes on without them. */
export async function pageOf<O extends ListOperation>(
  asker: NodeAsker,
  request: PageRequest<O>,
): Promise<Page<O>> {
  const { operation, filter, nodeId, limit, keyOf, signal } = request;
  const listing = [operation, Object.entries(filter), nodeId];
  const start = request.cursor === undefined ? undefined : decodeCursor(request.cursor, listing);
  const nodes = request.nodes
    .filter(({ member }) => start === undefined || member.id >= start.nodeId)
    .toSorted((one, other) => (one.member.id < other.member.id ? -1 : 1));
  const page: Page<O> = { items: [], failed: [] };
  const endsAt = performance.now() + PAGE_MS;
  const endAt = (position: Position): Page<O> => ({ ...page, cursor: encodeCursor(position, listing) });
  let at = 0;
  for (let atOnce = 1; at < nodes.length; atOnce = Math.min(atOnce * 2, MAX_AT_ONCE)) {
    const left = limit - page.items.length;
    const timeLeftMs = endsAt - performance.now();
    const next = nodes[at]?.member.id ?? "";
    if (left === 0 || timeLeftMs <= 0 || signal?.aborted === true)
      return endAt({ nodeId: next, after: undefined });
    const some = nodes.slice(at, at + atOnce);
    const told = await Promise.all(
      some.map((channel) => {
        const after = channel.member.id === start?.nodeId ? start.after : undefined;
        const params = { ...filter, limit: left, ...(after === undefined ? {} : { after }) };
        const timeoutMs = Math.min(NODE_MS, timeLeftMs);
        return asker.ask(channel, operation, params as NodeOperationParams<O>, { timeoutMs, signal });
      }),
    );
    for (const [index, channel] of some.entries()) {
      const { id } = channel.member;
      const answer = told[index];
      if (answer === undefined) continue;
      if (page.items.length === limit) return endAt({ nodeId: id, after: undefined });
      const last = take(page, id, answer, limit);
      if (last !== undefined) return endAt({ nodeId: id, after: keyOf(last) });
    }
    at += some.length;
  }
  return page;
}

/** @returns the last item that was taken, where the node has more. */
function take<O extends ListOperation>(
  page: Page<O>,
  nodeId: string,
  answer: NodeTold<O>,
  limit: number,
): Item<O> | undefined {
  if (!answer.ok) {
    const { code, message } = answer.error;
    page.failed.push({ nodeId, code, message });
    return undefined;
  }
  const { items, more } = answer.value as { items: Item<O>[]; more: boolean };
  const taken = items.slice(0, limit - page.items.length);
  for (const item of taken) page.items.push({ ...item, nodeId });
  return more || taken.length < items.length ? taken.at(-1) : undefined;
}
