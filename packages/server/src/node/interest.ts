import { type FrameOf, type InterestKind, isInterestId } from "@websocket-center/protocol";
import type { Channel } from "../rpc/channel.js";
import { type Clock, systemClock } from "../rpc/clock.js";
import type { Hub } from "./hub.js";
import { Settling, type Witness } from "./settling.js";

/** What one frame tells at most, in UTF-16 units of ids: it goes whole, whatever their characters are. */
const FRAME_UNITS = 12_000;
/** What an id takes besides. */
const ID_UNITS = 4;

const kinds: readonly InterestKind[] = ["user", "group"];

/** What the feed needs of a link. */
export type FeedChannel = Pick<Channel, "send"> & { readonly member: { readonly id: string } };

/** Users and groups that are about to be held. */
export interface Holding {
  userId?: string | undefined;
  groups?: readonly string[] | undefined;
}

type Telling = FrameOf<"interest">[2];
type Item = readonly [kind: InterestKind, id: string, isHeld: boolean];

interface Link {
  readonly channel: FeedChannel;
  readonly witness: Witness;
}

/**
 * Tells every center which users and groups this node holds: everything when it links, each change as it happens, and
 * knows when they may be relied upon to know.
 *
 * Frames are numbered on each link, in order with all others, and each goes whole, since only then nothing overtakes
 * them. Telling something twice does no harm, so that a snapshot may run while the hub changes.
 */
export class InterestFeed {
  readonly #hub: Pick<Hub, "held" | "heldCount" | "holds">;
  readonly #clock: Clock;
  readonly #settling: Settling;
  readonly #onWaited: (ms: number) => void;
  readonly #links = new Map<FeedChannel, Link>();
  /** The changes that nobody has been told yet, by id. */
  readonly #changes: Record<InterestKind, Map<string, boolean>> = { user: new Map(), group: new Map() };
  #addsSomething = false;
  #isFlushDue = false;
  /** Those who wait for changes that nobody has been told yet. */
  readonly #onTold: (() => void)[] = [];
  /** What is told although the hub does not hold it yet, and how often. */
  readonly #ahead: Record<InterestKind, Map<string, number>> = { user: new Map(), group: new Map() };

  constructor(options: {
    hub: Pick<Hub, "held" | "heldCount" | "holds">;
    clock?: Clock;
    settleMs?: number;
    /** How long somebody waited until centers knew. */
    onWaited?: (ms: number) => void;
  }) {
    const { hub, clock = systemClock, settleMs, onWaited = () => {} } = options;
    this.#hub = hub;
    this.#clock = clock;
    this.#settling = new Settling(settleMs === undefined ? { clock } : { clock, settleMs });
    this.#onWaited = onWaited;
  }

  /** A center is linked: it is told everything, a frame at a time. */
  add(channel: FeedChannel): void {
    const link: Link = { channel, witness: this.#settling.add(channel.member.id) };
    this.#links.set(channel, link);
    // At once: what the hub does with these meanwhile is not told.
    const ahead = this.#toldAhead();
    for (let telling = take(ahead); telling !== undefined; telling = take(ahead)) tell(link, telling);
    this.#tellRest(link, this.#everything());
  }

  remove(channel: FeedChannel): void {
    const link = this.#links.get(channel);
    if (link === undefined) return;
    this.#links.delete(channel);
    this.#settling.end(link.witness);
  }

  /** The hub holds the user or group from now on, or does not any more. */
  changed(kind: InterestKind, id: string, isHeld: boolean): void {
    if (!isInterestId(id) || this.#ahead[kind].has(id)) return;
    this.#change(kind, id, isHeld);
  }

  /**
   * Tells of what is about to be held, so that it can be known before.
   * @returns a function to call once the hub holds it, or when that will not come to pass.
   */
  announce({ userId, groups = [] }: Holding): () => void {
    const items: [InterestKind, string][] = groups.map((id) => ["group", id]);
    if (userId !== undefined) items.push(["user", userId]);
    const told = items.filter(([, id]) => isInterestId(id));
    for (const [kind, id] of told) {
      const times = this.#ahead[kind].get(id) ?? 0;
      this.#ahead[kind].set(id, times + 1);
      // Told though the hub may hold it: what the hub does with it meanwhile is not.
      if (times === 0) this.#change(kind, id, true);
    }
    return () => {
      for (const [kind, id] of told.splice(0)) {
        const left = (this.#ahead[kind].get(id) ?? 1) - 1;
        if (left > 0) {
          this.#ahead[kind].set(id, left);
          continue;
        }
        this.#ahead[kind].delete(id);
        if (!this.#hub.holds(kind, id)) this.#change(kind, id, false);
      }
    };
  }

  /**
   * A ping that is answered now.
   * @returns the number that the answer must carry: that of the last frame on this link.
   */
  onPing(channel: FeedChannel): number {
    this.flush();
    const link = this.#links.get(channel);
    if (link === undefined) return 0;
    this.#settling.onPing(link.witness);
    return link.witness.told;
  }

  onAck(channel: FeedChannel, [, number]: FrameOf<"ack">): void {
    const link = this.#links.get(channel);
    if (link !== undefined) this.#settling.onAck(link.witness, number);
  }

  /** Runs it once any center may be relied upon to know of all that is held now: at once, where they do. */
  whenKnown(run: () => void): void {
    const startedAt = this.#clock.now();
    let isWaiting = false;
    const known = (): void => {
      if (isWaiting) this.#onWaited(this.#clock.now() - startedAt);
      run();
    };
    if (this.#addsSomething) this.#onTold.push(() => this.#settling.whenKnown(known));
    else this.#settling.whenKnown(known);
    isWaiting = true;
  }

  settled(): Promise<void> {
    return new Promise((resolve) => this.whenKnown(resolve));
  }

  /** Tells now what has changed, before whatever is sent from now on. It is told at the end of the tick anyway. */
  flush(): void {
    if (!this.#isFlushDue) return;
    this.#isFlushDue = false;
    const items = this.#takeChanges();
    for (let telling = take(items); telling !== undefined; telling = take(items)) {
      for (const link of this.#links.values()) tell(link, telling);
    }
    if (this.#addsSomething) this.#settling.begin();
    this.#addsSomething = false;
    for (const onTold of this.#onTold.splice(0)) onTold();
  }

  /** Nobody is told anything any more, and nobody waits. */
  close(): void {
    this.#links.clear();
    this.flush();
    this.#settling.close();
  }

  #change(kind: InterestKind, id: string, isHeld: boolean): void {
    this.#changes[kind].set(id, isHeld);
    if (isHeld) this.#addsSomething = true;
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#clock.soon(() => this.flush());
  }

  *#takeChanges(): Generator<Item> {
    for (const kind of kinds) {
      for (const [id, isHeld] of this.#changes[kind]) yield [kind, id, isHeld];
      this.#changes[kind].clear();
    }
  }

  /** Everything that the hub holds, as it is when its turn comes; changes meanwhile are told by themselves. */
  *#everything(): Generator<Item> {
    for (const kind of kinds) {
      // What comes later stands behind, and need not be met.
      let left = this.#hub.heldCount(kind);
      for (const id of this.#hub.held(kind)) {
        if (left === 0) break;
        left -= 1;
        if (isInterestId(id)) yield [kind, id, true];
      }
    }
  }

  *#toldAhead(): Generator<Item> {
    for (const kind of kinds) for (const id of this.#ahead[kind].keys()) yield [kind, id, true];
  }

  /** Tells the rest of a snapshot: the next frame when the link has taken the one before. */
  #tellRest(link: Link, rest: Iterator<Item>): void {
    if (this.#links.get(link.channel) !== link) return;
    const telling = take(rest);
    if (telling === undefined) {
      tell(link, { whole: true });
      return;
    }
    tell(link, telling, (left) => {
      if (left) this.#clock.later(() => this.#tellRest(link, rest));
    });
  }
}

function tell({ channel, witness }: Link, telling: Telling, sent?: (left: boolean) => void): void {
  witness.told += 1;
  channel.send(["interest", witness.told, telling], "", sent);
}

/** What fits a frame; undefined where nothing is left. */
function take(items: Iterator<Item>): Telling | undefined {
  const held: Record<InterestKind, string[]> = { user: [], group: [] };
  const gone: Record<InterestKind, string[]> = { user: [], group: [] };
  let units = 0;
  while (units < FRAME_UNITS) {
    const next = items.next();
    if (next.done === true) break;
    const [kind, id, isHeld] = next.value;
    (isHeld ? held : gone)[kind].push(id);
    units += id.length + ID_UNITS;
  }
  if (units === 0) return undefined;
  const lists = { users: held.user, groups: held.group, goneUsers: gone.user, goneGroups: gone.group };
  return Object.fromEntries(Object.entries(lists).filter(([, ids]) => ids.length > 0));
}
