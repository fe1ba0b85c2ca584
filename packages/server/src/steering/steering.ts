import {
  anyId,
  chooseByLeastConnections,
  chooseByModulo,
  chooseByRendezvous,
  type Place,
  seedOf,
  type SteeringStrategy,
  utf8Length,
} from "@websocket-center/protocol";
import { publicAddressOf } from "../config/addresses.js";
import { CenterError } from "../errors.js";
import type { SteeringMember } from "./member.js";

/** Where a user shall connect. `nodeId`: a node behind the URL; where several share it, the first by id. */
export interface Assignment {
  url: string;
  nodeId: string;
}

export interface SteeringConfig {
  assignStrategy: SteeringStrategy;
  assignNodes: readonly string[];
  maxIdBytes: number;
}

interface MemberPlace extends Place {
  readonly members: SteeringMember[];
}

/** How long an assignment counts as a connection to come: at least this, and less than twice as long. */
const RECENT_MS = 1000;

/** Tells users where to connect. Answers from memory: nobody is asked. */
export class Steering {
  readonly #config: SteeringConfig;
  readonly #listed: readonly string[];
  readonly #members: () => readonly SteeringMember[];
  readonly #recent: RecentAssignments;
  #places: { of: readonly SteeringMember[]; byAddress: Map<string, MemberPlace>; all: MemberPlace[] } = {
    of: [],
    byAddress: new Map(),
    all: [],
  };

  /**
   * @param members - all that are known; the same array as long as no member came, went, or began or ceased to take
   *   clients. Its members' `connections` may change meanwhile.
   */
  constructor(
    config: SteeringConfig,
    members: () => readonly SteeringMember[],
    now: () => number = () => performance.now(),
  ) {
    this.#config = config;
    this.#listed = config.assignNodes.map((url) => publicAddressOf(url) ?? url);
    this.#members = members;
    this.#recent = new RecentAssignments(now);
  }

  /** @throws CenterError INVALID_PARAMS or NO_NODE */
  assign(userId: string): Assignment {
    const { maxIdBytes } = this.#config;
    if (!anyId.safeParse(userId).success) {
      throw new CenterError(
        "INVALID_PARAMS",
        "id: expected a text that is not empty and has no lone surrogate",
      );
    }
    if (utf8Length(userId) > maxIdBytes) {
      throw new CenterError("INVALID_PARAMS", `id: longer than ${maxIdBytes} bytes`);
    }
    const place = this.#choose(userId);
    const [member] = place?.members ?? [];
    if (place === undefined || member === undefined) throw new CenterError("NO_NODE", this.#whyNone());
    return { url: place.address, nodeId: member.id };
  }

  #choose(userId: string): MemberPlace | undefined {
    const { byAddress, all } = this.#currentPlaces();
    switch (this.#config.assignStrategy) {
      case "rendezvous":
        return chooseByRendezvous(userId, all);
      case "modulo": {
        const address = chooseByModulo(userId, this.#listed, (listed) => byAddress.has(listed));
        return address === undefined ? undefined : byAddress.get(address);
      }
      case "least-connections": {
        const recentlySentTo = this.#recent.counts();
        const place = chooseByLeastConnections(
          userId,
          all,
          ({ address, members }) => connectionsOf(members) + recentlySentTo(address),
        );
        if (place !== undefined) this.#recent.add(place.address);
        return place;
      }
    }
  }

  #currentPlaces(): { byAddress: Map<string, MemberPlace>; all: MemberPlace[] } {
    const members = this.#members();
    if (this.#places.of === members) return this.#places;
    const byAddress = new Map<string, MemberPlace>();
    for (const member of members) {
      if (!member.takesClients) continue;
      const { address } = member;
      const place = byAddress.get(address);
      if (place === undefined) byAddress.set(address, { address, seed: seedOf(address), members: [member] });
      else place.members.push(member);
    }
    const all = [...byAddress.values()];
    for (const place of all) place.members.sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#places = { of: members, byAddress, all };
    return this.#places;
  }

  #whyNone(): string {
    const { byAddress } = this.#currentPlaces();
    if (byAddress.size > 0) return "no node at the addresses of assignNodes takes clients";
    return this.#members().length === 0
      ? "no node is known"
      : "all nodes that are known are full, draining or silent";
  }
}

function connectionsOf(members: readonly SteeringMember[]): number {
  let sum = 0;
  for (const { connections } of members) sum += connections;
  return sum;
}

/** Assignments of the last moments, whose connections are in no status yet. */
class RecentAssignments {
  readonly #now: () => number;
  #startedAt = -Infinity;
  #current = new Map<string, number>();
  #previous = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The counts of this moment, by address. */
  counts(): (address: string) => number {
    this.#rotate();
    return (address) => (this.#current.get(address) ?? 0) + (this.#previous.get(address) ?? 0);
  }

  add(address: string): void {
    this.#rotate();
    this.#current.set(address, (this.#current.get(address) ?? 0) + 1);
  }

  #rotate(): void {
    const now = this.#now();
    const isNext = now < this.#startedAt + 2 * RECENT_MS;
    if (now < this.#startedAt + RECENT_MS) return;
    this.#previous = isNext ? this.#current : new Map();
    this.#current = new Map();
    this.#startedAt = isNext ? this.#startedAt + RECENT_MS : now;
  }
}
