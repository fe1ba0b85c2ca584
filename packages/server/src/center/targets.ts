import {
  type Command,
  commands as commandTable,
  type InterestKind,
  isInterestId,
  nodeKeyOf,
} from "@websocket-center/protocol";
import type { Channel } from "../rpc/channel.js";
import type { Interest } from "./interest.js";
import type { Registry } from "./registry.js";

/** Whom a command concerns. */
export type Concern = "every" | { kind: InterestKind | "connection"; ids: readonly string[] };

/** Finds the nodes that have to be asked. */
export class Targets {
  /** Round trips to every node, and to those that matter. */
  readonly counts = { toEvery: 0, toSome: 0 };
  readonly #registry: Registry;
  readonly #interest: Interest;

  constructor(registry: Registry, interest: Interest) {
    this.#registry = registry;
    this.#interest = interest;
  }

  /**
   * Those of `nodes` that at least one of the commands concerns: a batch goes whole to each of them. Costs what it
   * finds, not what is linked, while `nodes` are those that the registry lists.
   *
   * One that has left since it was listed is still asked, and answers NODE_LEFT: what it held is unknown, not absent.
   */
  of(commands: readonly Command[], nodes: readonly Channel[]): readonly Channel[] {
    const [only] = commands;
    if (commands.length === 1 && only !== undefined && nodes === this.#registry.channels()) {
      return this.ofOne(only);
    }
    const concerns = commands.map(concernOf);
    const some = concerns.filter((concern) => concern !== "every");
    if (some.length < concerns.length) {
      this.counts.toEvery += 1;
      return nodes;
    }
    this.counts.toSome += 1;
    const found = this.#find(some);
    if (nodes === this.#registry.channels()) return [...found];
    return nodes.filter(
      (node) => found.has(node) || (node.leftReason !== undefined && mayHaveConcerned(some, node)),
    );
  }

  /** As `of`, for one command and all that are linked. */
  ofOne(command: Command): readonly Channel[] {
    const concern = concernOf(command);
    if (concern === "every") {
      this.counts.toEvery += 1;
      return this.#registry.channels();
    }
    this.counts.toSome += 1;
    const [id] = concern.ids;
    return concern.ids.length === 1 && id !== undefined
      ? this.#findOne(concern.kind, id)
      : [...this.#find([concern])];
  }

  /** Those that hold the user or group, or of which it is not known. */
  holders(kind: InterestKind, id: string): ReadonlySet<Channel> {
    if (!isInterestId(id)) return new Set(this.#registry.channels());
    return new Set(this.#interest.mayHold(kind, id));
  }

  #findOne(kind: InterestKind | "connection", id: string): readonly Channel[] {
    if (kind === "connection") {
      const node = this.#registry.nodeOf(id);
      return node === undefined ? [] : [node];
    }
    return this.#interest.mayHold(kind, id);
  }

  #find(concerns: readonly Exclude<Concern, "every">[]): Set<Channel> {
    const found = new Set<Channel>();
    for (const { kind, ids } of concerns) {
      for (const id of ids) for (const node of this.#findOne(kind, id)) found.add(node);
    }
    return found;
  }
}

function mayHaveConcerned(concerns: readonly Exclude<Concern, "every">[], { member }: Channel): boolean {
  const key = nodeKeyOf(member.id);
  return concerns.some(({ kind, ids }) => kind !== "connection" || ids.some((id) => nodeKeyOf(id) === key));
}

export function concernOf({ name, params }: Command): Concern {
  switch (commandTable[name].target) {
    case "connection":
      return "connectionId" in params ? { kind: "connection", ids: [params.connectionId] } : "every";
    case "user":
      return "userId" in params ? byInterest("user", [params.userId]) : "every";
    case "group":
      if ("groupId" in params) return byInterest("group", [params.groupId]);
      return "groupIds" in params ? byInterest("group", params.groupIds) : "every";
    case "all":
      return "every";
  }
}

function byInterest(kind: InterestKind, ids: readonly string[]): Concern {
  return ids.every(isInterestId) ? { kind, ids } : "every";
}
