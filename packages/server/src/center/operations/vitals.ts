import type { CenterAbout, NodeVitals } from "@websocket-center/protocol";
import type { Channel } from "../../rpc/channel.js";
import type { NodeAsker } from "./node-asker.js";

/** What nodes last told of themselves. */
export class Vitals {
  readonly #asker: NodeAsker;
  readonly #latest = new Map<Channel, NodeVitals>();

  constructor(asker: NodeAsker) {
    this.#asker = asker;
  }

  of(channel: Channel): NodeVitals | null {
    return this.#latest.get(channel) ?? null;
  }

  /** Asks those nodes, and forgets all others. Whoever does not answer in time keeps what it told before. */
  async renew(channels: readonly Channel[], about: CenterAbout, timeoutMs: number): Promise<void> {
    const known = new Set(channels);
    for (const channel of this.#latest.keys()) if (!known.has(channel)) this.#latest.delete(channel);
    const asked = this.#asker.telling(channels);
    const told = await this.#asker.askEach(asked, "vitals", { center: about }, { timeoutMs });
    for (const [channel, answer] of told) {
      if (answer.ok && channel.leftReason === undefined) this.#latest.set(channel, answer.value);
    }
  }
}
