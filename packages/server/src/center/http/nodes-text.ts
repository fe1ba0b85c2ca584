import type { Channel } from "../../rpc/channel.js";

/**
 * What classic answers say of the linked nodes. All but the places of those that were asked is the same in answer after
 * answer: it is made once, and pieces of it are taken, so that an answer costs what was asked and not what is linked.
 */
export class NodesText {
  /** All before the events in `data`. */
  readonly head: string;
  /** The key of each node in a list of places, behind a comma where it is not the first. */
  readonly #keys: readonly string[];
  /** Where each value would begin in a list of places whose values are empty. */
  readonly #valueAt: readonly number[];
  readonly #indexes: ReadonlyMap<Channel, number>;
  /** Lists of places with the same value in each, by that value. */
  readonly #lists = new Map<string, string>();

  constructor(nodes: readonly Channel[]) {
    const ids = nodes.map(({ member }) => JSON.stringify(member.id));
    this.head = `{"code":0,"msg":"ok","extra":[],"master_ids":[${ids.join(",")}],"data":{`;
    this.#keys = ids.map((id, at) => `${at === 0 ? "" : ","}${id}:`);
    let end = 0;
    this.#valueAt = this.#keys.map((key) => (end += key.length));
    this.#indexes = new Map(nodes.map((node, at) => [node, at]));
  }

  /** The same value in the place of every node. */
  list(value: string): string {
    return this.#keys.map((key) => key + value).join("");
  }

  /**
   * The places of those that were asked, and `rest` in all others.
   * @param rest - one of few values.
   */
  places<Outcome>(
    rest: string,
    asked: ReadonlyMap<Channel, Outcome>,
    textOf: (outcome: Outcome) => string,
  ): string {
    const list = this.#listOf(rest);
    let text = "";
    let from = 0;
    for (const [index, outcome] of this.#inOrder(asked)) {
      const valueAt = (this.#valueAt[index] ?? 0) + index * rest.length;
      text += list.slice(from, valueAt) + textOf(outcome);
      from = valueAt + rest.length;
    }
    return from === 0 ? list : text + list.slice(from);
  }

  #inOrder<Outcome>(asked: ReadonlyMap<Channel, Outcome>): [number, Outcome][] {
    const places: [number, Outcome][] = [];
    for (const [node, outcome] of asked) {
      const index = this.#indexes.get(node);
      if (index !== undefined) places.push([index, outcome]);
    }
    return places.length > 1 ? places.sort(([one], [other]) => one - other) : places;
  }

  #listOf(value: string): string {
    let list = this.#lists.get(value);
    if (list === undefined) this.#lists.set(value, (list = this.list(value)));
    return list;
  }
}
