import type { centerEventTypes, OpsEventLine } from "@websocket-center/protocol";

export type CenterEventType = (typeof centerEventTypes)[number];
export type CenterEvent = Extract<OpsEventLine, { source: "center" }>["event"];

/** How many wait until they are fetched; of more only the number is kept. */
const MAX_WAITING = 1000;
const MAX_DETAIL = 300;

/** What happens at this center, kept only while somebody fetches it. */
export class CenterEvents {
  /** Whether somebody does: whoever would tell asks first, where telling costs something. */
  isHeard = false;
  #waiting: CenterEvent[] = [];
  #dropped: Record<string, number> = {};

  tell(type: CenterEventType, { detail, ...fields }: Omit<CenterEvent, "at" | "type"> = {}): void {
    if (!this.isHeard) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped[type] = (this.#dropped[type] ?? 0) + 1;
      return;
    }
    const shown = detail === undefined ? {} : { detail: detail.slice(0, MAX_DETAIL) };
    this.#waiting.push({ at: Date.now(), type, ...fields, ...shown });
  }

  /** All since the last time. */
  take(): { events: CenterEvent[]; dropped: Record<string, number> } {
    const taken = { events: this.#waiting, dropped: this.#dropped };
    this.#waiting = [];
    this.#dropped = {};
    return taken;
  }
}
