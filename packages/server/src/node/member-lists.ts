import type { FrameOf } from "@websocket-center/protocol";
import { fromMemberInfo, type SteeringMember } from "../steering/member.js";

/** How long what a lost center told is still counted: its nodes come back to it one by one. */
const GRACE_MS = 30_000;

/**
 * The nodes of the cluster as its centers tell of them, and this node itself.
 *
 * A node that any center knows counts. What a lost center told counts for 30 s more, and for as long as no center is
 * linked at all; what another center has said to be gone does not.
 */
export class MemberLists {
  readonly #own: () => SteeringMember;
  readonly #now: () => number;
  readonly #live = new Map<object, Map<string, SteeringMember>>();
  readonly #lost = new Map<string, { member: SteeringMember; lostAt: number }>();
  /** When a center said so. */
  readonly #gone = new Map<string, number>();
  #liveSince = -Infinity;
  #merged: { list: readonly SteeringMember[]; own: SteeringMember; endsAt: number } | undefined;

  constructor(own: () => SteeringMember, now: () => number = () => performance.now()) {
    this.#own = own;
    this.#now = now;
  }

  /** The same array until something changes. */
  list(): readonly SteeringMember[] {
    const own = this.#own();
    if (this.#merged !== undefined && this.#now() < this.#merged.endsAt && isSame(this.#merged.own, own)) {
      return this.#merged.list;
    }
    this.#forgetOld();
    const byId = new Map<string, SteeringMember>();
    for (const members of this.#live.values()) {
      for (const member of members.values()) byId.set(member.id, merge(byId.get(member.id), member));
    }
    let endsAt = Infinity;
    for (const [id, { member, lostAt }] of this.#lost) {
      if (!byId.has(id)) byId.set(id, member);
      endsAt = Math.min(endsAt, this.#lostEnd(lostAt));
    }
    byId.set(own.id, { ...own, connections: byId.get(own.id)?.connections ?? own.connections });
    this.#merged = { list: [...byId.values()], own, endsAt };
    return this.#merged.list;
  }

  onMembers(link: object, [, isWhole, members, goneIds]: FrameOf<"members">): void {
    this.#merged = undefined;
    if (this.#live.size === 0) this.#liveSince = this.#now();
    let list = this.#live.get(link);
    if (list === undefined || isWhole) {
      list = new Map();
      this.#live.set(link, list);
    }
    for (const info of members) {
      list.set(info[0], fromMemberInfo(info));
      this.#gone.delete(info[0]);
    }
    for (const id of goneIds) {
      list.delete(id);
      this.#lost.delete(id);
      this.#gone.set(id, this.#now());
    }
  }

  onUnlinked(link: object): void {
    const members = this.#live.get(link);
    if (members === undefined) return;
    this.#merged = undefined;
    this.#live.delete(link);
    this.#forgetOld();
    const lostAt = this.#now();
    for (const member of members.values()) {
      if (!this.#gone.has(member.id)) this.#lost.set(member.id, { member, lostAt });
    }
  }

  /** Infinity while no center is linked. */
  #lostEnd(lostAt: number): number {
    return this.#live.size === 0 ? Infinity : Math.max(lostAt, this.#liveSince) + GRACE_MS;
  }

  #forgetOld(): void {
    const now = this.#now();
    for (const [id, { lostAt }] of this.#lost) if (now >= this.#lostEnd(lostAt)) this.#lost.delete(id);
    for (const [id, goneAt] of this.#gone) if (now >= goneAt + GRACE_MS) this.#gone.delete(id);
  }
}

/** Of two centers that know it: it takes clients if one of them says so, for a center may see it as silent alone. */
function merge(first: SteeringMember | undefined, second: SteeringMember): SteeringMember {
  if (first === undefined) return second;
  return {
    ...second,
    takesClients: first.takesClients || second.takesClients,
    connections: Math.max(first.connections, second.connections),
  };
}

function isSame(a: SteeringMember, b: SteeringMember): boolean {
  return a.id === b.id && a.address === b.address && a.takesClients === b.takesClients;
}
