import { check, events } from "./model-parameters.js";
import type { Parameters } from "./model-parameters.js";
import type { Json } from "./http.js";
import type { Value, ValueMap } from "./values.js";

/** What the contract lets one node answer for one event. */
export type Outcome =
  | { readonly kind: "value"; readonly value: Json }
  /** A list whose order is not promised. */
  | { readonly kind: "list"; readonly items: readonly string[] }
  | { readonly kind: "failure" };

/** One send at one node: to all of `to`, or with `pick` to exactly one of them (none where empty). */
export interface Send {
  readonly text: string;
  readonly to: readonly string[];
  readonly pick: boolean;
}

export interface Close {
  readonly connection: string;
  readonly reason: string;
}

/** The answer to a whole request, and what reaches the clients because of it. */
export type Expected =
  | { readonly kind: "failure" }
  | {
      readonly kind: "answer";
      /** By event; each has one outcome a node at a center, one in all at a node's port. */
      readonly data: ReadonlyMap<string, readonly Outcome[]>;
      /** How many texts `extra` has. */
      readonly extra: number;
      /** By node, in the order sent. */
      readonly sends: readonly (readonly Send[])[];
      readonly closes: readonly Close[];
    };

interface Connection {
  readonly data: Json;
  user: string | undefined;
  readonly groups: Set<string>;
}

export type Place = "center" | number;

/** What the contract says a cluster is, without any process or socket. */
export class Model {
  readonly nodes: readonly Map<string, Connection>[];

  constructor(nodeCount: number) {
    this.nodes = Array.from({ length: nodeCount }, () => new Map<string, Connection>());
  }

  open(node: number, id: string, data: Json = {}): void {
    this.#node(node).set(id, { data, user: undefined, groups: new Set() });
  }

  close(id: string): void {
    for (const node of this.nodes) {
      node.delete(id);
    }
  }

  /** Runs a request whose `event` is `names`, with what it holds under each event's name. */
  apply(place: Place, names: Value | undefined, holder: ValueMap): Expected {
    const batch = splitNames(names);
    if (batch === undefined) {
      return { kind: "failure" };
    }
    const known = batch.filter((name) => events.has(name));
    const checked = new Map(known.map((name) => [name, check(name, holder.get(name))]));
    const atNode = place !== "center";
    if (atNode && (known.length === 0 || [...checked.values()].includes(undefined))) {
      return { kind: "failure" };
    }
    const asked = atNode ? [place] : [...this.nodes.keys()];
    const data = new Map<string, readonly Outcome[]>();
    const run = new Run(this.nodes, asked);
    for (const name of atNode ? known : batch) {
      const parameters = checked.get(name);
      const outcomes = parameters === undefined ? undefined : run.event(name, parameters);
      data.set(name, outcomes ?? asked.map(() => ({ kind: "failure" })));
    }
    for (const { connection } of run.closes) {
      this.close(connection);
    }
    const extra = atNode ? batch.length - known.length : 0;
    return { kind: "answer", data, extra, sends: run.sends, closes: run.closes };
  }

  #node(index: number): Map<string, Connection> {
    const node = this.nodes[index];
    if (node === undefined) {
      throw new Error(`no node ${index}`);
    }
    return node;
  }
}

/** The events of a batch; undefined is the contract's `event error`. */
function splitNames(names: Value | undefined): readonly string[] | undefined {
  if (typeof names !== "string" || names === "0") {
    return undefined;
  }
  const trimmed = names.split(",").map((name) => name.replaceAll(/^ +| +$/g, ""));
  const batch = [...new Set(trimmed.filter((name) => name !== ""))];
  return batch.length === 0 ? undefined : batch;
}

/** One request on its way through the nodes that it asks. */
class Run {
  readonly sends: Send[][];
  readonly closes: Close[] = [];
  readonly #nodes: readonly Map<string, Connection>[];
  readonly #asked: readonly number[];

  constructor(nodes: readonly Map<string, Connection>[], asked: readonly number[]) {
    this.#nodes = nodes;
    this.#asked = asked;
    this.sends = nodes.map(() => []);
  }

  event(name: string, parameters: Parameters): readonly Outcome[] {
    const groups = this.#asked.flatMap((index) =>
      groupsToReach(name, this.#nodes[index] ?? new Map(), parameters),
    );
    return this.#asked.map((index) => this.#atNode(index, name, parameters, new Set(groups)));
  }

  #atNode(index: number, name: string, parameters: Parameters, reach: ReadonlySet<string>): Outcome {
    const node = this.#nodes[index] ?? new Map<string, Connection>();
    const text = (key: string): string => parameters.text.get(key) ?? "";
    const skip = new Set(parameters.lists.get("exclude_Ids"));
    const skipUsers = new Set(parameters.lists.get("excludeIds"));
    const all = [...node];
    const one = node.get(text("_id"));
    const ofUser = all.filter(([, { user }]) => user === text("id"));
    const inGroup = all.filter(([, { groups }]) => groups.has(text("groupId")));
    const send = (to: readonly [string, Connection][]): Outcome => {
      const ids = to.map(([id]) => id).filter((id) => !skip.has(id));
      this.sends[index]?.push({ text: text("msg"), to: ids, pick: false });
      return value(ids.length);
    };
    const pick = (among: readonly [string, Connection][]): boolean => {
      this.sends[index]?.push({ text: text("data"), to: among.map(([id]) => id), pick: true });
      return among.length > 0;
    };
    const shut = (ids: readonly string[]): Outcome => {
      this.closes.push(...ids.map((connection) => ({ connection, reason: text("reason") })));
      return value(ids.length);
    };
    const self: [string, Connection][] = one === undefined ? [] : [[text("_id"), one]];
    switch (name) {
      case "getConnectionCount":
      case "get_IdCount":
        return value(all.length);
      case "get_Ids":
        return list(node.keys());
      case "getIds":
      case "getBindIds":
        return list(usersOf(all));
      case "getIdCount":
      case "getBindIdCount":
        return value(usersOf(all).size);
      case "getBind_Ids":
        return list(bound(all));
      case "getBind_IdCount":
        return value(bound(all).length);
      case "getBind_IdsById":
        return list(ofUser.map(([id]) => id));
      case "getIdBy_Id":
        return value(one?.user ?? 0);
      case "get_IdData":
        return value(one?.data ?? {});
      case "isOnlineId":
        return value(ofUser.length > 0);
      case "isOnline_Id":
        return value(one !== undefined);
      case "bindId":
        return value(bind(one, text("id")));
      case "unBindId":
        return value(unbind(ofUser.map(([, connection]) => connection)));
      case "unBind_Id":
        return value(unbind(one?.user === undefined ? [] : [one]));
      case "joinGroupById":
        return value(join(ofUser, parameters.lists.get("groupId") ?? []));
      case "joinGroupBy_Id":
        return value(join(self, [text("groupId")]));
      case "leaveGroupById":
        return value(leave(ofUser, parameters.lists.get("groupId") ?? []));
      case "leaveGroupBy_Id":
        return value(leave(self, [text("groupId")]));
      case "leaveAllGroupById":
        return value(leave(ofUser, groupsOf(ofUser)));
      case "leaveAllGroupBy_Id":
        return value(leave(self, groupsOf(self)));
      case "getGroupIds":
        return list(groupsOf(all));
      case "getGroupIdsById":
        return list(groupsOf(ofUser));
      case "getGroupIdsBy_Id":
        return list(groupsOf(self));
      case "getGroupCountById":
        return value(groupsOf(ofUser).length);
      case "getGroupCountBy_Id":
        return value(groupsOf(self).length);
      case "isInGroupById":
        return value(groupsOf(ofUser).includes(text("groupId")));
      case "isInGroupBy_Id":
        return value(groupsOf(self).includes(text("groupId")));
      case "getGroupIdCount":
        return value(usersOf(inGroup).size);
      case "getGroup_IdCount":
        return value(inGroup.length);
      case "sendMessageToId":
        return send(ofUser);
      case "sendMessageTo_Id":
        return send(self);
      case "sendToClient":
        return send(text("id") === "" ? self : ofUser);
      case "sendToGroup":
        return send(inGroup.filter(([, { user }]) => user === undefined || !skipUsers.has(user)));
      case "sendMessageToGroupByOnlyId":
      case "sendMessageToGroupByOnly_Id":
        return send(all.filter(([, { groups }]) => [...groups].some((group) => reach.has(group))));
      case "broadcast":
        return send(all);
      case "randSendToConnection":
        return value(pick(all));
      case "broadcastToGroupOnce":
        return value(pick(inGroup) ? 1 : 0);
      case "closeById":
        return shut(ofUser.map(([id]) => id));
      case "closeBy_Id":
        return shut(self.map(([id]) => id));
      default:
        throw new Error(`the model does not know ${name}`);
    }
  }
}

type Entries = readonly (readonly [string, Connection])[];

const value = (content: Json): Outcome => ({ kind: "value", value: content });
const list = (items: Iterable<string>): Outcome => ({ kind: "list", items: [...items] });

function usersOf(connections: Entries): Set<string> {
  return new Set(connections.flatMap(([, { user }]) => (user === undefined ? [] : [user])));
}

function bound(connections: Entries): string[] {
  return connections.filter(([, { user }]) => user !== undefined).map(([id]) => id);
}

function groupsOf(connections: Entries): string[] {
  return [...new Set(connections.flatMap(([, { groups }]) => [...groups]))];
}

/** The groups whose members `sendMessageToGroupByOnly*` reaches, as far as this node holds the sender. */
function groupsToReach(name: string, node: ReadonlyMap<string, Connection>, { text }: Parameters): string[] {
  if (name === "sendMessageToGroupByOnlyId") {
    return groupsOf([...node].filter(([, { user }]) => user === text.get("id")));
  }
  if (name === "sendMessageToGroupByOnly_Id") {
    return groupsOf([...node].filter(([id]) => id === text.get("_id")));
  }
  return [];
}

function bind(connection: Connection | undefined, user: string): number {
  if (connection === undefined) {
    return 2;
  }
  if (connection.user !== undefined) {
    return 1;
  }
  connection.user = user;
  return 0;
}

function unbind(connections: readonly Connection[]): number {
  for (const connection of connections) {
    connection.user = undefined;
  }
  return connections.length === 0 ? 1 : 0;
}

function join(connections: Entries, groups: readonly string[]): number {
  const before = connections.reduce((sum, [, connection]) => sum + connection.groups.size, 0);
  for (const [, connection] of connections) {
    groups.forEach((group) => connection.groups.add(group));
  }
  const after = connections.reduce((sum, [, connection]) => sum + connection.groups.size, 0);
  return connections.length === 0 ? 2 : after > before ? 0 : 1;
}

function leave(connections: Entries, groups: readonly string[]): number {
  const left = connections.filter(([, connection]) =>
    groups.map((group) => connection.groups.delete(group)).includes(true),
  );
  return connections.length === 0 ? 2 : left.length > 0 ? 0 : 1;
}
