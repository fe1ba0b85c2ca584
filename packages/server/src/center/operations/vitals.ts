import type { CenterAbout, NodeVitals } from "@websocket-center/protocol";
import type { Channel } from "../../rpc/channel.js";
import type { NodeAsker } from "./node-asker.js";

/** A node of an older release does not learn to tell while its link lasts; but one looks. */
const ASK_AGAIN_MS = 60_000;

/** What nodes last told of themselves. */
export class Vitals {
  readonly #asker: NodeAsker;
  readonly #latest = new Map<Channel, NodeVitals>();
  /** Those whose release does not tell, and when they are asked again, by performance.now(). */
  readonly #silent = new Map<Channel, number>();

  constructor(asker: NodeAsker) {
    this.#asker = asker;
  }

  of(channel: Channel): NodeVitals | null {
    return this.#latest.get(channel) ?? null;
  }

  /** Asks those nodes, and forgets all others. Whoever does not answer in time keeps what it told before. */
  async renew(channels: readonly Channel[], about: CenterAbout, timeoutMs: number): Promise<void> {
    this.#forgetOthers(new Set(channels));
    const now = performance.now();
    const asked = channels.filter((channel) => (this.#silent.get(channel) ?? 0) <= now);
    const told = await this.#asker.askEach(asked, "vitals", { center: about }, { timeoutMs });
    for (const [channel, answer] of told) {
      if (channel.leftReason !== undefined) continue;
      if (answer.ok) this.#latest.set(channel, answer.value);
      else if (answer.error.code === "UNKNOWN_SERVICE") this.#silent.set(channel, now + ASK_AGAIN_MS);
    }
  }

  #forgetOthers(channels: ReadonlySet<Channel>): void {
    for (const known of [this.#latest, this.#silent]) {
      for (const channel of known.keys()) if (!channels.has(channel)) known.delete(channel);
    }
  }
}
