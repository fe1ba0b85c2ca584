import { SETTLE_MS } from "@websocket-center/protocol";
import { type Clock, systemClock } from "../rpc/clock.js";

/** A link to a center, living or ended, as far as it is waited for. */
export interface Witness {
  readonly centerId: string;
  /** The number of the last change that was told on this link. */
  told: number;
  /** When the last ping that was answered on this link had come; undefined while none was. */
  pingedAt: number | undefined;
  hasEnded: boolean;
  /** What the center has neither acknowledged nor stopped to be trusted about, oldest first. */
  readonly open: { number: number; dueAt: number; change: Change }[];
}

interface Change {
  /** How many witnesses are open. */
  missing: number;
  readonly onKnown: (() => void)[];
}

/**
 * Knows when any center may be relied upon to know what this node has told: each one that is concerned has
 * acknowledged it, or trusts nothing any more that it knew before.
 *
 * A center trusts what it knows of this node for LEASE_MS from sending a ping that was answered. It sent it before it
 * came here, so SETTLE_MS after that it has stopped, unless it has had an answer to a later ping: and that one told it
 * of the change. Concerned is who may trust this node when the change happens: by a link that lives, or by one that
 * has ended here, since the center may not know of its end.
 */
export class Settling {
  readonly #clock: Clock;
  readonly #settleMs: number;
  readonly #witnesses = new Set<Witness>();
  /** What is not known yet, oldest first. */
  readonly #changes: Change[] = [];
  #timer: { dueAt: number; cancel: () => void } | undefined;

  constructor({ clock = systemClock, settleMs = SETTLE_MS }: { clock?: Clock; settleMs?: number } = {}) {
    this.#clock = clock;
    this.#settleMs = settleMs;
  }

  /** A center is linked. Until it has had an answer to a ping on this link it trusts nothing, and is not waited for. */
  add(centerId: string): Witness {
    const witness: Witness = { centerId, told: 0, pingedAt: undefined, hasEnded: false, open: [] };
    this.#witnesses.add(witness);
    return witness;
  }

  /** The link has ended here. The center may not know, and go on trusting. */
  end(witness: Witness): void {
    witness.hasEnded = true;
    for (const wait of witness.open) wait.number = Infinity;
    this.#forgetOld();
  }

  /** A ping that is answered now. */
  onPing(witness: Witness): void {
    if (witness.pingedAt === undefined) this.#endOlder(witness);
    witness.pingedAt = this.#clock.now();
  }

  /** A change that adds something has been told to every living link, and its number is the witness's `told`. */
  begin(): void {
    this.#forgetOld();
    const now = this.#clock.now();
    const change: Change = { missing: 0, onKnown: [] };
    for (const witness of this.#witnesses) {
      if (witness.pingedAt === undefined) continue;
      const dueAt = witness.pingedAt + this.#settleMs;
      if (dueAt <= now) continue;
      const number = witness.hasEnded ? Infinity : witness.told;
      witness.open.push({ number, dueAt, change });
      change.missing += 1;
      this.#wakeAt(dueAt);
    }
    if (change.missing > 0) this.#changes.push(change);
  }

  onAck(witness: Witness, number: number): void {
    this.#close(witness, (wait) => wait.number <= number);
  }

  /** Runs it once everything that was begun is known: now, where it is. */
  whenKnown(run: () => void): void {
    const last = this.#changes.at(-1);
    if (last === undefined) run();
    else last.onKnown.push(run);
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#timer?.cancel();
    for (const witness of this.#witnesses) this.#close(witness, () => true);
    this.#witnesses.clear();
  }

  #close(witness: Witness, isOver: (wait: Witness["open"][number]) => boolean): void {
    let over = 0;
    for (const wait of witness.open) {
      if (!isOver(wait)) break;
      wait.change.missing -= 1;
      over += 1;
    }
    witness.open.splice(0, over);
    // In order: who waits for a change waits for those before it too.
    while (this.#changes[0]?.missing === 0) for (const run of this.#changes.shift()?.onKnown ?? []) run();
  }

  /** A ping came on a new link of the center: it had ended the older one before, and trusts nothing by it. */
  #endOlder(witness: Witness): void {
    for (const older of [...this.#witnesses]) {
      if (older === witness || older.centerId !== witness.centerId || !older.hasEnded) continue;
      this.#witnesses.delete(older);
      this.#close(older, () => true);
    }
  }

  /** Links that have ended, by which no center can trust any more. */
  #forgetOld(): void {
    const now = this.#clock.now();
    for (const witness of [...this.#witnesses]) {
      if (!witness.hasEnded || witness.open.length > 0) continue;
      if ((witness.pingedAt ?? -Infinity) + this.#settleMs <= now) this.#witnesses.delete(witness);
    }
  }

  #wakeAt(dueAt: number): void {
    if (this.#timer !== undefined && this.#timer.dueAt <= dueAt) return;
    this.#timer?.cancel();
    const ms = Math.ceil(Math.max(0, dueAt - this.#clock.now()));
    this.#timer = { dueAt, cancel: this.#clock.after(ms, () => this.#onDue()) };
  }

  #onDue(): void {
    this.#timer = undefined;
    // A timer may be early by a fraction; the clock decides.
    const now = this.#clock.now();
    for (const witness of this.#witnesses) this.#close(witness, (wait) => wait.dueAt <= now);
    this.#forgetOld();
    for (const { open } of this.#witnesses) if (open[0] !== undefined) this.#wakeAt(open[0].dueAt);
  }
}
