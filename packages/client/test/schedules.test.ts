import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Client,
  ClientError,
  createClient,
  type Gap,
  type PageEvent,
  type Status,
} from "../src/index.js";
import { World } from "./world.js";

/** What may happen, in any order. */
type Step =
  | { do: "advance" | "sleep"; ms: number }
  | { do: "send" | "push" | "reconnect" | "close" | "connect" | "kill" | "fail" | "cut" | "mend" }
  | { do: "close-code"; code: number }
  | { do: "page"; event: PageEvent }
  | { do: "set"; what: "isNodeUp" | "answersPings" | "canFindAddress"; to: boolean }
  | { do: "imitate"; frame: "open" | "pong" | "token" }
  | { do: "latency"; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("advance"), ms: fc.integer({ min: 1, max: 40_000 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("advance"), ms: fc.integer({ min: 1, max: 20 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("sleep"), ms: fc.integer({ min: 1, max: 4_000_000 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("send", "push") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("reconnect", "close", "connect", "kill", "fail", "cut", "mend"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("close-code"),
      code: fc.constantFrom(1000, 1001, 1005, 1008, 1011, 1012, 1013, 4001, 4002, 4499, 4500, 4999),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("page"),
      event: fc.constantFrom<PageEvent>("online", "offline", "visible", "hidden", "asleep", "awake"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("set"),
      what: fc.constantFrom("isNodeUp", "answersPings", "canFindAddress"),
      to: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("imitate"), frame: fc.constantFrom("open", "pong", "token") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("latency"), ms: fc.constantFrom(1, 50, 800) }) },
);

const nextStates: Record<Status["state"], readonly Status["state"][]> = {
  idle: ["connecting", "closed"],
  connecting: ["open", "waiting", "closed"],
  open: ["waiting", "closed"],
  waiting: ["waiting", "connecting", "closed"],
  closed: ["connecting"],
};

/** A client in a world, and all that was told to either. */
class Story {
  readonly world = new World();
  readonly client: Client<string>;
  readonly gaps: Gap[] = [];
  readonly reportedUncertain: string[] = [];
  readonly reportedUnsent: string[] = [];
  readonly taken: string[] = [];
  readonly received: string[] = [];
  /** What the back end sent to this client, since it was last started: when, and whether it arrived. */
  pushed: { text: string; at: number; arrived: boolean; startedBefore: boolean }[] = [];
  readonly sentTexts: string[] = [];
  canFindAddress = true;
  #last: Status = { state: "idle" };
  #openCount = 0;
  #opensWithGap = 0;
  #number = 0;

  constructor(seed: number) {
    let state = seed;
    this.world.randomValue = () => (state = (state * 16_807 + 11) % 2_147_483_647) / 2_147_483_647;
    this.client = createClient({
      url: () => {
        if (!this.canFindAddress) throw new Error("no idea");
        return "ws://node";
      },
      queue: { maxMessages: 5 },
      environment: this.world.environment,
    });
    this.client.on("status", (status) => this.#onStatus(status));
    this.client.on("gap", (gap) => {
      expect(this.client.status.state).toBe("open");
      expect(gap.from).toBeLessThanOrEqual(gap.to);
      expect(gap.to).toBe(this.world.time);
      this.gaps.push(gap);
      this.#opensWithGap += 1;
    });
    this.client.on("message", (text) => this.received.push(text));
    this.client.on("undelivered", ({ unsent, uncertain }) => {
      this.reportedUnsent.push(...unsent.map(String));
      this.reportedUncertain.push(...uncertain.map(String));
    });
  }

  #onStatus(status: Status): void {
    expect(nextStates[this.#last.state]).toContain(status.state);
    expect(this.world.liveLinks.length).toBeLessThanOrEqual(status.state === "open" ? 1 : 0);
    if (status.state === "connecting") {
      if (this.#last.state === "waiting") {
        expect(this.#last.nextTryAt ?? this.world.time).toBeLessThanOrEqual(this.world.time);
      } else {
        // A new start: what was missed before is not its matter.
        this.#openCount = 0;
        this.#opensWithGap = 0;
        this.pushed = [];
      }
    }
    if (status.state === "open") {
      this.#openCount += 1;
    }
    if (status.state === "waiting" && status.nextTryAt !== undefined) {
      expect(status.nextTryAt).toBeGreaterThanOrEqual(this.world.time);
      // No wait is longer than the longest.
      expect(status.nextTryAt - this.world.time).toBeLessThanOrEqual(60_000);
    }
    this.#last = status;
  }

  async take(step: Step): Promise<void> {
    const { world, client } = this;
    switch (step.do) {
      case "advance":
        return world.advance(step.ms);
      case "sleep":
        return world.sleep(step.ms);
      case "send":
        return this.#send();
      case "push":
        return this.#push();
      case "reconnect":
        return client.reconnect();
      case "close":
        return client.close();
      case "connect":
        return void client.connect();
      case "kill":
        world.isNodeUp = false;
        for (const link of world.liveLinks) link.closeByNode(1006);
        return undefined;
      case "fail":
        for (const link of world.liveLinks) link.fail();
        return undefined;
      case "cut":
        return world.cutNetwork();
      case "mend":
        world.hasNetwork = true;
        return undefined;
      case "close-code":
        for (const link of world.liveLinks) if (link.isAccepted) link.closeByNode(step.code);
        return undefined;
      case "page":
        return world.page(step.event);
      case "set":
        if (step.what === "canFindAddress") this.canFindAddress = step.to;
        else world[step.what] = step.to;
        return undefined;
      case "imitate":
        return this.#imitate(step.frame);
      case "latency":
        world.latencyMs = step.ms;
        return undefined;
    }
  }

  #send(): void {
    const text = `up ${(this.#number += 1)}`;
    try {
      this.client.send(text);
      this.taken.push(text);
    } catch (error) {
      expect(error).toBeInstanceOf(ClientError);
      const expected = this.client.status.state === "closed" ? "CLOSED" : "QUEUE_FULL";
      expect((error as ClientError).code).toBe(expected);
    }
  }

  /** The back end sends: to whichever connection the node has, or to none. */
  #push(): void {
    const text = `down ${(this.#number += 1)}`;
    const push = { text, at: this.world.time, arrived: false, startedBefore: this.#openCount > 0 };
    this.pushed.push(push);
    for (const link of this.world.links) {
      if (link.isAccepted) link.push(text, () => (push.arrived = true));
    }
  }

  #imitate(frame: "open" | "pong" | "token"): void {
    for (const link of this.world.liveLinks) {
      if (!link.isAccepted) continue;
      const texts = {
        open: '{"cmd":"open","_id":"ffffffffffffffffffffffffffffffff"}',
        // Not this connection's id: even while a ping is unanswered this is the application's.
        pong: '{"cmd":"pong","_id":"ffffffffffffffffffffffffffffffff"}',
        token: '{"cmd":"token","expiresAt":1}',
      };
      link.push(texts[frame], () => this.imitations.push(texts[frame]));
    }
  }

  readonly imitations: string[] = [];

  check(): void {
    const { world } = this;
    expect(world.liveLinks.length, "live sockets").toBeLessThanOrEqual(1);
    const handedOver = world.links.flatMap((link) => link.handedOver);
    expect(new Set(handedOver).size, "nothing is handed over twice").toBe(handedOver.length);
    expect(handedOver, "in the order of send()").toEqual(
      this.taken.filter((text) => handedOver.includes(text)),
    );
    for (const link of world.links) {
      if (link.isLive) continue;
      const silent = link.handedOver.filter(
        (text) => !link.arrived.includes(text) && !this.reportedUncertain.includes(text),
      );
      expect(silent, "what did not arrive was reported").toEqual([]);
    }
    for (const text of this.reportedUnsent) expect(handedOver, "unsent is unsent").not.toContain(text);
    expect(this.#openCount === 0 ? 0 : this.#openCount - 1, "a gap for each reconnect").toBe(
      this.#opensWithGap,
    );
    const own = this.received.filter((text) => !text.startsWith("down"));
    expect(own, "frames that look like the node's are delivered").toEqual(this.imitations);
  }

  /** What was missed before the present connection lies in a gap that was told. */
  checkGaps(): void {
    const { status } = this.client;
    if (status.state !== "open") return;
    for (const { at, arrived, startedBefore, text } of this.pushed) {
      if (arrived || !startedBefore || at > status.since) continue;
      const told = this.gaps.some(({ from, to }) => from <= at && at <= to);
      expect({ text, at, told, gaps: this.gaps }).toMatchObject({ told: true });
    }
  }

  async heal(): Promise<void> {
    const { world } = this;
    Object.assign(world, { hasNetwork: true, isNodeUp: true, answersPings: true, latencyMs: 1 });
    this.canFindAddress = true;
    for (const event of ["online", "visible", "awake"] as const) world.page(event);
    await world.advance(200_000);
  }
}

test("over any schedule of socket, clock, network and page the client is one, in order, and tells the truth", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 60, size: "max" }),
      fc.integer({ min: 1, max: 1_000_000 }),
      async (steps, seed) => {
        const story = new Story(seed);
        void story.client.connect();
        for (const each of steps) {
          await story.take(each);
          await story.world.advance(0);
          story.check();
        }
        const before = story.client.status.state;
        await story.heal();
        story.check();
        story.checkGaps();
        const { state } = story.client.status;
        expect(state).toBe(
          before === "closed" || before === "idle" ? before : state === "closed" ? "closed" : "open",
        );
        if (state === "closed" && before !== "closed") {
          const { reason } = story.client.status as Extract<Status, { state: "closed" }>;
          expect([1000, 1008, 4500, 4999]).toContain(reason.code);
        }
        story.client.close();
        expect(story.world.timers.size, "timers after close()").toBe(0);
        expect(story.world.watcherCount, "listeners after close()").toBe(0);
        expect(story.world.liveLinks, "sockets after close()").toEqual([]);
      },
    ),
    { numRuns: Number(process.env["SCHEDULES"] ?? 300) },
  );
}, 120_000);
