import {
  centerEventTypes,
  MAX_PAGE_ITEMS,
  nodeEventTypes,
  opsConnection,
  opsConnections,
  opsEventLine,
  opsGroups,
  opsHistory,
  opsLiveLine,
  opsState,
  opsTrace,
  opsUsers,
  opsWatchLine,
} from "@websocket-center/protocol";
import {
  failures,
  got,
  jsonAnswer,
  linesAnswer,
  pathParameter,
  type Paths,
  queryParameter,
  reference,
} from "./parts.js";

/** By their names in the document. */
export function opsSchemas(): Record<string, object> {
  return {
    State: got(opsState),
    History: got(opsHistory),
    LiveLine: got(opsLiveLine),
    ConnectionPage: got(opsConnections),
    Connection: got(opsConnection),
    UserPage: got(opsUsers),
    GroupPage: got(opsGroups),
    EventLine: got(opsEventLine),
    Trace: got(opsTrace),
    WatchLine: got(opsWatchLine),
  };
}

const nodeId = queryParameter("nodeId", "Only at that node.");
const userId = queryParameter("userId", "Only those of that user.");
const groupId = queryParameter("groupId", "Only those of that group.");
const search = queryParameter("search", "Only those whose key contains it.");
const paging = [
  queryParameter("limit", "Items of a page.", {
    type: "integer",
    minimum: 1,
    maximum: MAX_PAGE_ITEMS,
    default: 50,
  }),
  queryParameter("cursor", "That of the page before, with everything else as it was."),
];
const callId = queryParameter("callId", "The `WSC-Call-Id` of an answer.");
const connectionId = queryParameter("connectionId", "A connection.");

function view(operationId: string, summary: string, schema: string, parameters: object[] = []) {
  return {
    get: {
      operationId,
      tags: ["Operations"],
      summary,
      description: "Scope `read`.",
      parameters,
      responses: { "200": jsonAnswer(summary, reference(schema)), ...failures },
    },
  };
}

function stream(operationId: string, summary: string, schema: string, parameters: object[] = []) {
  return {
    get: {
      operationId,
      tags: ["Operations"],
      summary,
      description:
        "Scope `read`. Lines of JSON for as long as the caller reads; an empty line shows that the stream lives.",
      parameters,
      responses: { "200": linesAnswer(summary, reference(schema)), ...failures },
    },
  };
}

/** How operators look at the cluster. */
export function opsPaths(): Paths {
  const types = {
    type: "string",
    description: `Some of: ${[...nodeEventTypes, ...centerEventTypes].join(", ")}.`,
  };
  return {
    "/ops/state": view("opsState", "Centers and nodes, as this center sees them", "State"),
    "/ops/history": view("opsHistory", "The last 15 minutes", "History"),
    "/ops/live": stream("opsLive", "State and rates, each second", "LiveLine"),
    "/ops/connections": view("opsConnections", "A page of connections, by id", "ConnectionPage", [
      nodeId,
      userId,
      groupId,
      search,
      ...paging,
    ]),
    "/ops/connections/{id}": view("opsConnection", "One connection", "Connection", [
      pathParameter("id", "Its id."),
    ]),
    "/ops/users": view("opsUsers", "A page of users, by node and id", "UserPage", [
      nodeId,
      groupId,
      search,
      ...paging,
    ]),
    "/ops/groups": view("opsGroups", "A page of groups, by node and id", "GroupPage", [
      nodeId,
      userId,
      search,
      ...paging,
    ]),
    "/ops/events": stream("opsEvents", "What happens, sampled where it is too much to read", "EventLine", [
      queryParameter("types", "Only these, separated by commas.", types),
    ]),
    "/ops/trace": view(
      "opsTrace",
      "What became of a call, or of what went to a connection, user or group",
      "Trace",
      [
        callId,
        connectionId,
        userId,
        groupId,
        queryParameter("limit", "Entries of the center, and of each node.", {
          type: "integer",
          minimum: 1,
          maximum: 1000,
          default: 200,
        }),
      ],
    ),
    "/ops/watch": stream("opsWatch", "What happens to each frame of a connection or user", "WatchLine", [
      connectionId,
      userId,
      queryParameter("seconds", "How long.", { type: "integer", minimum: 1, maximum: 600, default: 60 }),
    ]),
  };
}
