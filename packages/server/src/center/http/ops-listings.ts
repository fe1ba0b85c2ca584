import { MAX_PAGE_ITEMS } from "@websocket-center/protocol";
import { CenterError } from "../../errors.js";
import { json } from "../../http/answers.js";
import type { RouteRequest, Routes } from "../../http/routes.js";
import type { Channel } from "../../rpc/channel.js";
import type { OperatedNodes } from "../operations/operations.js";
import { type ListOperation, pageOf, type PageRequest } from "../operations/listing.js";
import { numberParam, textParam } from "./read-query.js";

const DEFAULT_LIMIT = 50;
const CONNECTION_MS = 3000;

/** Pages of connections, users and groups, and one connection. */
export function listingRoutes(nodes: OperatedNodes): Routes {
  return {
    "/ops/connections": {
      scope: "read",
      handle: (request) =>
        answerPage(nodes, request, "listConnections", ["userId", "groupId"], ({ id }) => id),
    },
    "/ops/users": {
      scope: "read",
      handle: (request) => answerPage(nodes, request, "listUsers", ["groupId"], ({ userId }) => userId),
    },
    "/ops/groups": {
      scope: "read",
      handle: (request) => answerPage(nodes, request, "listGroups", ["userId"], ({ groupId }) => groupId),
    },
    "/ops/connections/{id}": { scope: "read", handle: (request) => answerConnection(nodes, request) },
  };
}

async function answerPage<O extends ListOperation>(
  nodes: OperatedNodes,
  { query, signal }: RouteRequest,
  operation: O,
  names: readonly ("userId" | "groupId")[],
  keyOf: PageRequest<O>["keyOf"],
) {
  const search = textParam(query, "search");
  const nodeId = textParam(query, "nodeId");
  const filter: Record<string, string> = search === undefined ? {} : { search };
  let asked: readonly Channel[] = nodeId === undefined ? nodes.channels() : [nodes.find(nodeId)];
  for (const name of names) {
    const value = textParam(query, name);
    if (value === undefined) continue;
    filter[name] = value;
    const holders = nodes.holders(name === "userId" ? "user" : "group", value);
    asked = asked.filter((channel) => holders.has(channel));
  }
  const page = await pageOf(nodes.asker, {
    operation,
    nodes: asked,
    filter: filter as PageRequest<O>["filter"],
    nodeId,
    limit: numberParam(query, "limit", { min: 1, max: MAX_PAGE_ITEMS, byDefault: DEFAULT_LIMIT }),
    cursor: textParam(query, "cursor"),
    keyOf,
    signal,
  });
  return json(200, page);
}

async function answerConnection(nodes: OperatedNodes, { params, signal }: RouteRequest) {
  const connectionId = params["id"] ?? "";
  const channel = nodes.nodeOf(connectionId);
  if (channel === undefined) throw unknownConnection();
  const told = await nodes.asker.ask(
    channel,
    "getConnection",
    { connectionId },
    { timeoutMs: CONNECTION_MS, signal },
  );
  if (!told.ok) throw told.error;
  if (told.value === null) throw unknownConnection();
  return json(200, { ...told.value, nodeId: channel.member.id });
}

export function unknownConnection(): CenterError {
  return new CenterError("UNKNOWN_CONNECTION", "no linked node has a connection with that id");
}
