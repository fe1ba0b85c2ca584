import type { Sent } from "../backplane/backplane.js";
import { CenterError } from "../errors.js";

/** How much of a large frame goes at once. */
export const PIECE_BYTES = 32 * 1024;
/** While this much waits in the backplane, at most one piece of ours is among it. */
const PRESSURE_BYTES = 4 * PIECE_BYTES;
/** What it costs to hold a piece, besides its bytes: a flood of tiny ones is bounded too. */
const PIECE_COST_BYTES = 256;

interface Outgoing {
  id: number;
  /** What it costs the peer to hold all of it. */
  cost: number;
  /** What the frame belongs to, by which it can be abandoned. */
  key: string;
  bytes: Uint8Array;
  offset: number;
  sent: Sent | undefined;
}

/**
 * Sends large frames in pieces, a piece of each in turn, and only as fast as the link takes them: so heartbeats and
 * small calls pass between the pieces. One piece is always under way, whatever else waits in the link: no stream of
 * small frames can hold a large one up for ever.
 */
export class OutgoingTransfers {
  readonly #sendPiece: (id: number, totalBytes: number, piece: Uint8Array, sent: Sent) => void;
  readonly #sendAbandon: (id: number) => void;
  readonly #pressure: () => number;
  readonly #maxOpenBytes: number;
  #queue: Outgoing[] = [];
  #isPumping = false;
  #queuedBytes = 0;
  /** Pieces that were handed over and have not left this process. */
  #underWay = 0;
  /** What the frames that have begun cost the peer. */
  #openBytes = 0;
  #nextId = 0;

  constructor(link: {
    sendPiece: (id: number, totalBytes: number, piece: Uint8Array, sent: Sent) => void;
    sendAbandon: (id: number) => void;
    pressure: () => number;
    /** What all frames that have begun may cost the peer together. One alone may always begin. Default: no bound. */
    maxOpenBytes?: number;
  }) {
    this.#sendPiece = link.sendPiece;
    this.#sendAbandon = link.sendAbandon;
    this.#pressure = link.pressure;
    this.#maxOpenBytes = link.maxOpenBytes ?? Infinity;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  add(key: string, bytes: Uint8Array, sent?: Sent): void {
    const cost = bytes.length + Math.ceil(bytes.length / PIECE_BYTES) * PIECE_COST_BYTES;
    this.#queue.push({ id: this.#nextId++, cost, key, bytes, offset: 0, sent });
    this.#queuedBytes += bytes.length;
    this.#pump();
  }

  /** Gives up what is left of the frame of that key, if any. */
  abandon(key: string): void {
    const transfer = this.#queue.find((candidate) => candidate.key === key);
    if (transfer === undefined) return;
    this.#queue = this.#queue.filter((candidate) => candidate !== transfer);
    this.#queuedBytes -= transfer.bytes.length - transfer.offset;
    if (transfer.offset > 0) {
      this.#openBytes -= transfer.cost;
      this.#sendAbandon(transfer.id);
    }
    transfer.sent?.(false);
    this.#pump();
  }

  /** Forgets what has not gone out: the link has ended. */
  clear(): void {
    const lost = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#openBytes = 0;
    for (const { sent } of lost) sent?.(false);
  }

  readonly #pump = (): void => {
    // A link may take a piece, or have ended and lose it, in the very call that hands it over.
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#underWay === 0 || this.#pressure() < PRESSURE_BYTES) {
      const transfer = this.#takeNext();
      if (transfer === undefined) break;
      if (transfer.offset === 0) this.#openBytes += transfer.cost;
      const piece = transfer.bytes.subarray(transfer.offset, transfer.offset + PIECE_BYTES);
      transfer.offset += piece.length;
      this.#queuedBytes -= piece.length;
      const isLast = transfer.offset === transfer.bytes.length;
      if (isLast) this.#openBytes -= transfer.cost;
      else this.#queue.push(transfer);
      this.#underWay += 1;
      this.#sendPiece(transfer.id, transfer.bytes.length, piece, (left) => {
        this.#underWay -= 1;
        if (isLast) transfer.sent?.(left);
        if (left) this.#pump();
        else this.clear();
      });
    }
    this.#isPumping = false;
  };

  /** The next one whose turn it is: one that has begun, or the oldest that has not, where there is room for it. */
  #takeNext(): Outgoing | undefined {
    const oldest = this.#queue.find(({ offset }) => offset === 0);
    const mayBegin =
      oldest !== undefined && (this.#openBytes === 0 || this.#openBytes + oldest.cost <= this.#maxOpenBytes);
    const at = this.#queue.findIndex((transfer) => transfer.offset > 0 || (mayBegin && transfer === oldest));
    return at < 0 ? undefined : this.#queue.splice(at, 1)[0];
  }
}

/** What all open transfers may cost a peer that takes frames of that size. */
export function maxOpenBytes(maxFrameBytes: number): number {
  return 2 * maxFrameBytes;
}

/** Puts pieces together again. What it holds is bounded, whatever the peer announces. */
export class IncomingTransfers {
  readonly #maxBytes: number;
  readonly #open = new Map<number, { totalBytes: number; bytes: number; pieces: Uint8Array[] }>();
  /** The bytes of all open ones, and the cost of their pieces. */
  #heldBytes = 0;

  /** @param maxBytes - of one frame; all open ones together hold at most twice as much. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @returns the whole frame with its last piece.
   * @throws CenterError LINK_PROTOCOL where pieces do not fit together or are too much.
   */
  add(id: number, totalBytes: number, piece: Uint8Array): Uint8Array | undefined {
    const transfer = this.#open.get(id) ?? { totalBytes, bytes: 0, pieces: [] };
    this.#open.set(id, transfer);
    transfer.bytes += piece.length;
    transfer.pieces.push(piece);
    this.#heldBytes += piece.length + PIECE_COST_BYTES;
    if (totalBytes > this.#maxBytes || this.#heldBytes > maxOpenBytes(this.#maxBytes)) {
      throw new CenterError("LINK_PROTOCOL", `a frame in pieces is over ${this.#maxBytes} bytes`);
    }
    if (totalBytes !== transfer.totalBytes || transfer.bytes > totalBytes || piece.length === 0) {
      throw new CenterError("LINK_PROTOCOL", "pieces of a frame do not fit together");
    }
    if (transfer.bytes < totalBytes) return undefined;
    this.abandon(id);
    return Buffer.concat(transfer.pieces);
  }

  abandon(id: number): void {
    const transfer = this.#open.get(id);
    if (transfer === undefined) return;
    this.#open.delete(id);
    this.#heldBytes -= transfer.bytes + transfer.pieces.length * PIECE_COST_BYTES;
  }
}
