import type { LinkFrame } from "@websocket-center/protocol";
import { Interest } from "../../src/center/interest.js";
import { Hub, type HubConnection } from "../../src/node/hub.js";
import { InterestFeed } from "../../src/node/interest.js";
import type { Clock } from "../../src/rpc/clock.js";

/**
 * What can happen, one at a time and in any order: nothing happens by itself, not even what is due. So a process that
 * is frozen, a network that delays and a timer that comes late are all the same: a move that is not made.
 */
export type Move =
  | { type: "pass"; ms: number }
  | { type: "beat" | "deliverToNode" | "deliverToCenter" | "relink"; center: number }
  /** A pong overtakes what was sent before it, which no backplane may let it. */
  | { type: "overtake"; center: number }
  | { type: "endAtNode" | "endAtCenter" | "restartCenter"; center: number }
  | { type: "timer" | "later"; process: number }
  | { type: "bind" | "unbind" | "admit"; user: number }
  /** A call is routed, at every center. */
  | { type: "route" };

/** How the world can be made to break a rule, so that the invariant is seen to find it. */
export interface Tampering {
  leaseMs?: number;
  settleMs?: number;
  /** The lease counts from receiving the answer to a ping. */
  leaseFromReceiving?: boolean;
  /** Pongs promise nothing. */
  emptyPromises?: boolean;
  /** Centers take the first frame of a snapshot for all of it. */
  wholeAtOnce?: boolean;
}

/** A process: what it has put off waits for its moves. */
class Process implements Clock {
  readonly #time: () => number;
  readonly #rate: number;
  readonly #timers: { at: number; run: () => void }[] = [];
  readonly #laters: (() => void)[] = [];
  readonly #soons: (() => void)[] = [];

  /** @param rate - how fast its clock goes. */
  constructor(time: () => number, rate: number) {
    this.#time = time;
    this.#rate = rate;
  }

  now(): number {
    return this.#time() * this.#rate;
  }
  after(ms: number, run: () => void): () => void {
    const timer = { at: this.now() + ms, run };
    this.#timers.push(timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }
  soon(run: () => void): void {
    this.#soons.push(run);
  }
  later(run: () => void): void {
    this.#laters.push(run);
  }

  /** One turn: `run`, and what it wants done before anything else comes in. */
  turn(run: () => void): void {
    run();
    for (let soon = this.#soons.shift(); soon !== undefined; soon = this.#soons.shift()) soon();
  }
  runTimer(): void {
    const at = this.#timers.findIndex((timer) => timer.at <= this.now());
    const [timer] = at === -1 ? [] : this.#timers.splice(at, 1);
    if (timer !== undefined) this.turn(timer.run);
  }
  runLater(): void {
    const later = this.#laters.shift();
    if (later !== undefined) this.turn(later);
  }
}

interface Sent {
  frame: LinkFrame;
  sent?: ((left: boolean) => void) | undefined;
}

/** One end of a link. */
class End {
  readonly member: { readonly id: string };
  /** What was sent from here and has not arrived. */
  readonly pipe: Sent[] = [];
  isAlive = true;

  constructor(id: string) {
    this.member = { id };
  }

  send(frame: LinkFrame, _key = "", sent?: (left: boolean) => void): void {
    if (this.isAlive) this.pipe.push({ frame, sent });
    else sent?.(false);
  }
}

interface Link {
  /** What the node sends by, once it was welcomed. */
  readonly atNode: End;
  readonly atCenter: End;
  isWelcome: boolean;
}

interface CenterProcess {
  readonly process: Process;
  interest: Interest<End>;
  id: number;
  pings: number;
  sentAt: Map<number, number>;
  /** The latest link; those before have ended at both ends. */
  link: Link | undefined;
}

const fakeConnection = (id: string): HubConnection => ({
  id,
  userId: undefined,
  groups: undefined,
  slot: -1,
  data: undefined,
  enqueue: () => true,
  close: () => {},
});

/** One node and some centers, of the real parts that tell, wait, trust and route. */
export class World {
  #time = 0;
  readonly #tampering: Tampering;
  readonly #node: Process;
  readonly #hub = new Hub((...change) => this.#feed.changed(...change));
  readonly #feed: InterestFeed;
  readonly #centers: CenterProcess[];
  readonly #connections = new Map<string, HubConnection[]>();
  /** Users whose bind was answered, and that were not unbound since. */
  readonly #answered = new Set<string>();
  #connectionCount = 0;
  #centerCount = 0;
  /** What was seen, to know that the exploration is worth something. */
  readonly seen = { answers: 0, routed: 0, spared: 0 };

  /** @param options.others - users with long ids that the node holds from the beginning: twelve fill a frame. */
  constructor({
    centers,
    rates = [],
    others = 0,
    tampering = {},
  }: {
    centers: number;
    rates?: readonly number[];
    others?: number;
    tampering?: Tampering;
  }) {
    const time = (): number => this.#time;
    this.#tampering = tampering;
    this.#node = new Process(time, rates[0] ?? 1);
    const { settleMs } = tampering;
    this.#feed = new InterestFeed({
      hub: this.#hub,
      clock: this.#node,
      ...(settleMs === undefined ? {} : { settleMs }),
    });
    for (let at = 0; at < others; at += 1) this.#hold(`${at}`.padEnd(1000, "-"));
    this.#centers = Array.from({ length: centers }, (_, at) => {
      const process = new Process(time, rates[at + 1] ?? 1);
      return {
        process,
        interest: this.#createInterest(process),
        id: this.#centerCount++,
        pings: 0,
        sentAt: new Map<number, number>(),
        link: undefined,
      };
    });
  }

  /** Makes the move, where it can be made. */
  make(move: Move): void {
    switch (move.type) {
      case "pass":
        this.#time += move.ms;
        return;
      case "beat":
        return this.#beat(this.#center(move.center));
      case "deliverToNode":
        return this.#deliverToNode(this.#center(move.center));
      case "deliverToCenter":
        return this.#deliverToCenter(this.#center(move.center), 0);
      case "overtake": {
        const pipe = this.#center(move.center).link?.atNode.pipe ?? [];
        return this.#deliverToCenter(
          this.#center(move.center),
          pipe.findIndex(({ frame }) => frame[0] === "pong"),
        );
      }
      case "endAtNode":
        return this.#endAtNode(this.#center(move.center).link);
      case "endAtCenter":
        return this.#endAtCenter(this.#center(move.center));
      case "relink":
        return this.#relink(this.#center(move.center));
      case "restartCenter":
        return this.#restart(this.#center(move.center));
      case "timer":
        return this.#process(move.process).runTimer();
      case "later":
        return this.#process(move.process).runLater();
      case "bind":
        return this.#node.turn(() => this.#bind(`user-${move.user}`));
      case "admit":
        return this.#node.turn(() => this.#admit(`user-${move.user}`));
      case "unbind":
        return this.#node.turn(() => this.#unbind(`user-${move.user}`));
      case "route":
        return this.route();
    }
  }

  /**
   * Routes a call to each user at each center where the node is linked.
   * @throws Error where the node is not asked though a bind was answered.
   */
  route(): void {
    for (const { interest, link } of this.#centers) {
      if (link?.atCenter.isAlive !== true) continue;
      for (const user of ["nobody", ...this.#answered]) {
        const asked = new Set<End>();
        for (const end of interest.mayHold("user", user)) asked.add(end);
        this.seen.routed += 1;
        if (asked.has(link.atCenter)) continue;
        this.seen.spared += 1;
        if (user !== "nobody") throw new Error("a call missed the node that holds its user");
      }
    }
  }

  #createInterest(process: Process): Interest<End> {
    const { leaseMs } = this.#tampering;
    return new Interest<End>({ clock: process, ...(leaseMs === undefined ? {} : { leaseMs }) });
  }

  #center(at: number): CenterProcess {
    const center = this.#centers[at % this.#centers.length];
    if (center === undefined) throw new Error("there is no center");
    return center;
  }

  #process(at: number): Process {
    return at === 0 ? this.#node : this.#center(at - 1).process;
  }

  #beat(center: CenterProcess): void {
    center.pings += 1;
    center.sentAt.set(center.pings, center.process.now());
    center.link?.atCenter.send(["ping", center.pings]);
  }

  #deliverToNode({ link }: CenterProcess): void {
    const next = link?.atCenter.pipe.shift();
    if (link === undefined || next === undefined) return;
    next.sent?.(true);
    if (!link.atNode.isAlive) return;
    const { frame } = next;
    this.#node.turn(() => {
      if (frame[0] === "welcome") {
        link.isWelcome = true;
        this.#feed.add(link.atNode);
      }
      if (frame[0] === "ack") this.#feed.onAck(link.atNode, frame);
      if (frame[0] !== "ping") return;
      const number = this.#feed.onPing(link.atNode);
      const status = { connections: 0, users: 0, groups: 0, draining: false };
      link.atNode.send(["pong", frame[1], status, this.#tampering.emptyPromises === true ? 0 : number]);
    });
  }

  #deliverToCenter(center: CenterProcess, place: number): void {
    const { link, interest, process } = center;
    const [next] = place < 0 ? [] : (link?.atNode.pipe.splice(place, 1) ?? []);
    if (link === undefined || next === undefined) return;
    this.#node.turn(() => next.sent?.(true));
    if (!link.atCenter.isAlive) return;
    const { frame } = next;
    process.turn(() => {
      if (frame[0] === "interest") {
        const [type, number, told] = frame;
        const whole = this.#tampering.wholeAtOnce === true ? true : told.whole;
        interest.onInterest(link.atCenter, whole === undefined ? frame : [type, number, { ...told, whole }]);
      }
      if (frame[0] !== "pong") return;
      const sentAt =
        this.#tampering.leaseFromReceiving === true ? process.now() : center.sentAt.get(frame[1]);
      interest.onPong(link.atCenter, frame, sentAt);
    });
  }

  /** What the node sent before still arrives, until the center knows too. */
  #endAtNode(link: Link | undefined): void {
    if (link?.atNode.isAlive !== true) return;
    link.atNode.isAlive = false;
    if (link.isWelcome) this.#node.turn(() => this.#feed.remove(link.atNode));
  }

  #endAtCenter({ interest, link, process }: CenterProcess): void {
    if (link?.atCenter.isAlive !== true) return;
    link.atCenter.isAlive = false;
    process.turn(() => interest.remove(link.atCenter));
  }

  /** The node dials where it has no link; the center ends the one that it had. */
  #relink(center: CenterProcess): void {
    if (center.link?.atNode.isAlive === true) return;
    this.#endAtCenter(center);
    const link: Link = {
      atNode: new End(`center-${center.id}`),
      atCenter: new End("node"),
      isWelcome: false,
    };
    center.link = link;
    link.atCenter.send(["welcome"]);
    center.process.turn(() => center.interest.add(link.atCenter));
  }

  #restart(center: CenterProcess): void {
    if (center.link !== undefined) center.link.atCenter.isAlive = false;
    center.id = this.#centerCount++;
    center.interest = this.#createInterest(center.process);
  }

  #hold(user: string): HubConnection {
    const connection = fakeConnection(`connection-${this.#connectionCount++}`);
    this.#hub.add(connection);
    this.#hub.bind(user, connection);
    this.#connections.set(user, [...(this.#connections.get(user) ?? []), connection]);
    return connection;
  }

  #bind(user: string): void {
    const connection = this.#hold(user);
    this.#feed.whenKnown(() => this.#answer(user, connection));
  }

  /** As a client that is let in with its user: told ahead, held once that is known. */
  #admit(user: string): void {
    const announced = this.#feed.announce({ userId: user });
    this.#feed.whenKnown(() => {
      const connection = this.#hold(user);
      announced();
      this.#answer(user, connection);
    });
  }

  #answer(user: string, connection: HubConnection): void {
    if (connection.userId !== user) return;
    this.#answered.add(user);
    this.seen.answers += 1;
  }

  #unbind(user: string): void {
    this.#answered.delete(user);
    for (const connection of this.#connections.get(user) ?? []) this.#hub.remove(connection);
    for (const connection of this.#connections.get(user) ?? []) connection.userId = undefined;
    this.#connections.delete(user);
  }
}
