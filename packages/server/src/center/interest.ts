import { type FrameOf, type InterestKind } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
import type { Channel } from "../rpc/channel.js";
import { type Clock, systemClock } from "../rpc/clock.js";
import { InterestIndex } from "./interest-index.js";
import { type Lease, Leases } from "./lease.js";

/** What interest needs of a link. */
export type InterestChannel = Pick<Channel, "send">;

interface Known {
  /** By which the index knows the link. */
  readonly holder: number;
  readonly lease: Lease;
  isAckDue: boolean;
}

/**
 * Which nodes have to be asked about a user or group: those that are known to hold it, and those that are not trusted
 * now, about which nothing is known for sure.
 *
 * Everything belongs to a link, not to a node: with a new link of the same node everything begins anew.
 */
export class Interest<C extends InterestChannel = Channel> {
  readonly #clock: Clock;
  readonly #index: InterestIndex;
  readonly #leases: Leases<C>;
  readonly #known = new Map<C, Known>();
  readonly #channels = new Map<number, C>();
  #nextHolder = 0;

  constructor({
    clock = systemClock,
    leaseMs,
    maxKeys,
  }: { clock?: Clock; leaseMs?: number; maxKeys?: number } = {}) {
    this.#clock = clock;
    this.#index = new InterestIndex({ clock, maxKeys });
    this.#leases = new Leases({ clock, leaseMs });
  }

  /** Users and groups that are known. */
  get size(): number {
    return this.#index.size;
  }

  /** Users or groups that some node holds, each once, as far as this center knows. */
  count(kind: InterestKind): number {
    return this.#index.count(kind);
  }

  /** How many nodes have to be asked now whatever is known of them. */
  get untrustedCount(): number {
    return this.#leases.untrusted().size;
  }

  isTrusted(channel: C): boolean {
    return this.#known.has(channel) && !this.#leases.untrusted().has(channel);
  }

  add(channel: C): void {
    const holder = this.#nextHolder++;
    this.#known.set(channel, { holder, lease: this.#leases.add(channel), isAckDue: false });
    this.#channels.set(holder, channel);
  }

  remove(channel: C): void {
    const known = this.#known.get(channel);
    if (known === undefined) return;
    this.#known.delete(channel);
    this.#channels.delete(known.holder);
    this.#leases.remove(channel);
    this.#index.drop(known.holder);
  }

  /** @throws CenterError LINK_PROTOCOL where a frame is missing: what is known would not be what was told. */
  onInterest(channel: C, [, number, told]: FrameOf<"interest">): void {
    const known = this.#known.get(channel);
    if (known === undefined) return;
    const { holder, lease } = known;
    if (number !== lease.applied + 1) {
      throw new CenterError("LINK_PROTOCOL", `interest frame ${number} follows ${lease.applied}`);
    }
    this.#forget("user", told.goneUsers, holder);
    this.#forget("group", told.goneGroups, holder);
    const isKept = this.#keep("user", told.users, holder) && this.#keep("group", told.groups, holder);
    if (!isKept) lease.isCut = true;
    if (told.whole === true) lease.isWhole = true;
    lease.applied = number;
    this.#leases.review(channel);
    this.#acknowledge(channel, known);
  }

  /** @param sentAt - when the ping was sent that the node has answered; undefined where that was not kept. */
  onPong(channel: C, [, , , promised]: FrameOf<"pong">, sentAt: number | undefined): void {
    this.#known.get(channel)?.lease.onAnswered(sentAt, promised);
    this.#leases.review(channel);
  }

  /** Those that hold it, and those of which it is not known; each once. */
  mayHold(kind: InterestKind, id: string): C[] {
    const untrusted = this.#leases.untrusted();
    const channels = untrusted.size === 0 ? [] : [...untrusted];
    const holders = this.#index.holdersOf(kind, id);
    if (holders === undefined) return channels;
    if (typeof holders === "number") this.#addHolder(holders, untrusted, channels);
    else for (const holder of holders) this.#addHolder(holder, untrusted, channels);
    return channels;
  }

  #addHolder(holder: number, untrusted: ReadonlySet<C>, channels: C[]): void {
    const channel = this.#channels.get(holder);
    if (channel !== undefined && !untrusted.has(channel)) channels.push(channel);
  }

  close(): void {
    this.#index.close();
  }

  #keep(kind: InterestKind, ids: readonly string[] = [], holder: number): boolean {
    return ids.every((id) => this.#index.add(kind, id, holder));
  }

  #forget(kind: InterestKind, ids: readonly string[] = [], holder: number): void {
    for (const id of ids) this.#index.remove(kind, id, holder);
  }

  /** Once for all that comes in together. */
  #acknowledge(channel: C, known: Known): void {
    if (known.isAckDue) return;
    known.isAckDue = true;
    this.#clock.soon(() => {
      known.isAckDue = false;
      if (this.#known.get(channel) === known) channel.send(["ack", known.lease.applied]);
    });
  }
}
