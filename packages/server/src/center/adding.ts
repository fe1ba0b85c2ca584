import type { Command } from "@websocket-center/protocol";
import type { Channel } from "../rpc/channel.js";
import { concernOf } from "./targets.js";

/**
 * Users and groups that nodes are about to hold, since a command that makes them is under way: what comes behind it on
 * the same links finds them there, before anybody has told so.
 */
export class Adding {
  readonly #nodes = new Map<string, Map<Channel, number>>();

  begin(command: Command, nodes: readonly Channel[]): void {
    for (const key of addedBy(command)) {
      const counts = this.#nodes.get(key) ?? new Map<Channel, number>();
      this.#nodes.set(key, counts);
      for (const node of nodes) counts.set(node, (counts.get(node) ?? 0) + 1);
    }
  }

  /**
   * It has settled at the node. Where that answered, it is known who holds what, or the node is not trusted. Where the
   * command failed, what comes behind it need not find what it may still do.
   */
  end(command: Command, node: Channel): void {
    for (const key of addedBy(command)) {
      const counts = this.#nodes.get(key);
      const count = (counts?.get(node) ?? 0) - 1;
      if (count > 0) counts?.set(node, count);
      else counts?.delete(node);
      if (counts?.size === 0) this.#nodes.delete(key);
    }
  }

  /** The nodes, and those that are about to hold whom the command concerns. */
  including(command: Command, nodes: readonly Channel[]): readonly Channel[] {
    if (this.#nodes.size === 0) return nodes;
    const concern = concernOf(command);
    if (concern === "every" || concern.kind === "connection") return nodes;
    const all = new Set(nodes);
    for (const id of concern.ids) {
      for (const node of this.#nodes.get(`${concern.kind} ${id}`)?.keys() ?? []) all.add(node);
    }
    return all.size === nodes.length ? nodes : [...all];
  }
}

function addedBy({ name, params }: Command): readonly string[] {
  switch (name) {
    case "bindUser":
      return [`user ${params.userId}`];
    case "joinConnectionToGroup":
      return [`group ${params.groupId}`];
    case "joinUserToGroups":
      return params.groupIds.map((groupId) => `group ${groupId}`);
    default:
      return [];
  }
}
