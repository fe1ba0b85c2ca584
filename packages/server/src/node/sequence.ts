import type { SharedMemory } from "./backlogs.js";
import type { Frame } from "./frame.js";

/** Larger frames are written as they are: copying them into a joined buffer costs more than a further write. */
const JOIN_MAX_BYTES = 16 * 1024;

/**
 * The frames that a connection gets in this tick, in order.
 *
 * Connections that got the same frames share one sequence, as nodes of a tree: each is its predecessor and one
 * more frame. So a frame is queued on a connection by moving one pointer, and a sequence is joined into the
 * buffer to write once, however many connections it goes to.
 */
export class Sequence {
  /** Bytes of all frames of the sequence. */
  readonly bytes: number;
  /** How many frames it has. */
  readonly count: number;
  readonly #before: Sequence | undefined;
  readonly #frame: Frame | undefined;
  #lastFrame: Frame | undefined;
  #lastNext: Sequence | undefined;
  #others: Map<Frame, Sequence> | undefined;
  #buffers: readonly Buffer[] | undefined;
  #memory: SharedMemory | undefined;

  constructor(before?: Sequence, frame?: Frame) {
    this.#before = before;
    this.#frame = frame;
    this.bytes = (before?.bytes ?? 0) + (frame?.bytes.length ?? 0);
    this.count = (before?.count ?? 0) + (frame === undefined ? 0 : 1);
  }

  /** This sequence and then `frame`. */
  with(frame: Frame): Sequence {
    if (this.#lastFrame === frame && this.#lastNext !== undefined) return this.#lastNext;
    let next = this.#others?.get(frame);
    if (next === undefined) {
      next = new Sequence(this, frame);
      if (this.#lastFrame !== undefined) (this.#others ??= new Map()).set(frame, next);
    }
    if (this.#lastFrame === undefined) {
      this.#lastFrame = frame;
      this.#lastNext = next;
    }
    return next;
  }

  /** How it counts in memory: apart from it, so that who counts does not keep its bytes. */
  get memory(): SharedMemory {
    return (this.#memory ??= { bytes: this.bytes, holders: 0 });
  }

  frames(): Frame[] {
    const frames: Frame[] = this.#frame === undefined ? [] : [this.#frame];
    for (let at = this.#before; at !== undefined; at = at.#before) {
      if (at.#frame !== undefined) frames.push(at.#frame);
    }
    return frames.reverse();
  }

  /** What to write: neighbouring frames of up to 16 KiB joined, larger ones as they are. */
  buffers(): readonly Buffer[] {
    this.#buffers ??= join(this.frames());
    return this.#buffers;
  }
}

function join(frames: readonly Frame[]): Buffer[] {
  const buffers: Buffer[] = [];
  let run: Buffer[] = [];
  const endRun = (): void => {
    if (run.length === 0) return;
    buffers.push(run.length === 1 && run[0] !== undefined ? run[0] : Buffer.concat(run));
    run = [];
  };
  for (const { bytes } of frames) {
    if (bytes.length <= JOIN_MAX_BYTES) {
      run.push(bytes);
    } else {
      endRun();
      buffers.push(bytes);
    }
  }
  endRun();
  return buffers;
}
