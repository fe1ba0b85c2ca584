import type { Data, Environment, Link, LinkEvents, PageEvent } from "../src/index.js";

interface Timer {
  readonly dueAt: number;
  readonly run: () => void;
}

/** A connection as the world sees it: what each side sent, and what became of it. */
export class WorldLink implements Link {
  readonly id: string;
  readonly url: string;
  readonly protocols: string[];
  readonly #world: World;
  readonly #events: LinkEvents;
  /** The client may hear of it. */
  isLive = true;
  /** The node counts it as a connection. */
  isAccepted = false;
  isOpen = false;
  readonly bufferedBytes = 0;
  /** The network ate something: nothing comes through any more, as nothing would on TCP. */
  #isBroken = false;
  #downAt = 0;
  #upAt = 0;
  /** What the application handed over, and what of that the node got. */
  readonly handedOver: string[] = [];
  readonly arrived: string[] = [];
  closedWith: { code: number; reason: string } | undefined;

  constructor(world: World, url: string, protocols: string[], events: LinkEvents) {
    this.#world = world;
    this.url = url;
    this.protocols = protocols;
    this.#events = events;
    this.id = String(world.links.length).padStart(32, "0");
  }

  send(data: Data): void {
    const text = typeof data === "string" ? data : "bytes";
    if (text !== "ping" && !text.startsWith('{"cmd":"token"')) this.handedOver.push(text);
    if (!this.isOpen) return;
    this.#upAt = this.#carry(this.#upAt, () => {
      if (!this.isAccepted) return;
      if (text === "ping") {
        if (this.#world.answersPings) this.push(`{"cmd":"pong","_id":"${this.id}"}`);
      } else if (text.startsWith('{"cmd":"token"')) {
        this.#world.onToken(this, text);
      } else this.arrived.push(text);
    });
  }

  close(code: number, reason: string): void {
    this.closedWith = { code, reason };
    this.isLive = false;
    this.isOpen = false;
    this.#upAt = this.#carry(this.#upAt, () => (this.isAccepted = false));
  }

  /** The node takes the connection, and says so. */
  accept(): void {
    this.isAccepted = true;
    this.#down(() => {
      this.isOpen = true;
      this.#events.opened();
    });
    if (this.#world.sendsOpenFrame) this.push(`{"cmd":"open","_id":"${this.id}"}`);
  }

  /** The node sends a text to the client. */
  push(text: string, onArrival: () => void = () => undefined): void {
    this.#down(() => {
      onArrival();
      this.#events.received(text);
    });
  }

  /** The node closes the connection. */
  closeByNode(code: number, reason = ""): void {
    this.isAccepted = false;
    this.#down(() => this.#end(code, reason));
  }

  /** The client's own system notices that there is no connection. */
  fail(): void {
    this.isAccepted = false;
    if (this.isLive) this.#end(1006, "");
  }

  break(): void {
    this.#isBroken = true;
  }

  #end(code: number, reason: string): void {
    this.isLive = false;
    this.isOpen = false;
    this.#events.ended(code, reason);
  }

  #down(run: () => void): void {
    this.#downAt = this.#carry(this.#downAt, () => {
      if (this.isLive) run();
    });
  }

  /** In order, with the latency of the moment, unless the network eats it. */
  #carry(earliest: number, run: () => void): number {
    const at = Math.max(earliest, this.#world.time + this.#world.latencyMs);
    if (!this.#world.hasNetwork) this.#isBroken = true;
    this.#world.schedule(at, () => {
      if (!this.#isBroken) run();
    });
    return at;
  }
}

/** Clock, network, node and page, all in hand. Time stands still unless it is told to go on. */
export class World {
  time = 1_800_000_000_000;
  latencyMs = 5;
  hasNetwork = true;
  isNodeUp = true;
  answersPings = true;
  sendsOpenFrame = true;
  randomValue: () => number = () => 0.5;
  onToken: (link: WorldLink, frame: string) => void = () => undefined;
  answerFetch: (url: string) => Response = () => new Response("", { status: 404 });
  readonly links: WorldLink[] = [];
  /** Of the client alone. */
  readonly timers = new Set<Timer>();
  readonly #deliveries = new Set<Timer>();
  readonly #watchers = new Set<(event: PageEvent) => void>();
  readonly fetched: string[] = [];
  readonly environment: Environment = {
    now: () => this.time,
    random: () => this.randomValue(),
    after: (ms, run) => {
      const timer = { dueAt: this.time + ms, run };
      this.timers.add(timer);
      return () => void this.timers.delete(timer);
    },
    open: (url, protocols, events) => this.#open(url, protocols, events),
    fetch: (url) => {
      this.fetched.push(url);
      return Promise.resolve(this.answerFetch(url));
    },
    watchPage: (tell) => {
      this.#watchers.add(tell);
      return () => void this.#watchers.delete(tell);
    },
  };

  get watcherCount(): number {
    return this.#watchers.size;
  }

  get link(): WorldLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error("no connection was made yet");
    return link;
  }

  get liveLinks(): WorldLink[] {
    return this.links.filter(({ isLive }) => isLive);
  }

  page(event: PageEvent): void {
    for (const tell of [...this.#watchers]) tell(event);
  }

  schedule(dueAt: number, run: () => void): void {
    this.#deliveries.add({ dueAt, run });
  }

  async advance(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      await settle();
      const next = this.#nextDue();
      if (next === undefined || next.dueAt > until) break;
      this.time = Math.max(this.time, next.dueAt);
      this.timers.delete(next);
      this.#deliveries.delete(next);
      next.run();
    }
    this.time = until;
    await settle();
  }

  /** The device sleeps: time goes on, and nothing runs. */
  sleep(ms: number): void {
    this.time += ms;
  }

  /** Whoever looks at the network now finds it gone: what is under way is lost with it. */
  cutNetwork(): void {
    this.hasNetwork = false;
    for (const link of this.links) link.break();
  }

  #nextDue(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of [...this.#deliveries, ...this.timers]) {
      if (first === undefined || timer.dueAt < first.dueAt) first = timer;
    }
    return first;
  }

  #open(url: string, protocols: string[], events: LinkEvents): Link {
    const link = new WorldLink(this, url, protocols, events);
    this.links.push(link);
    if (!this.hasNetwork) return link;
    this.schedule(this.time + this.latencyMs, () => {
      if (!link.isLive) return;
      if (this.isNodeUp) link.accept();
      else link.fail();
    });
    return link;
  }
}

/** Lets the promises run that are due. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}
