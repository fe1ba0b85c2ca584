import { decodeMessagePack } from "./wire/decode.js";
import { encodeMessagePack, encodeMessagePackInto } from "./wire/encode.js";

const BLOCK_BYTES = 64 * 1024;
/** Where a block has less room, the next one is begun: most entries fit, and few bytes are left over. */
const ROOM_BYTES = 1024;
/** Before an entry its time, behind it its length, by which one goes back. */
const HEAD_BYTES = 8;
const TAIL_BYTES = 4;

/** Entries behind each other. */
interface Block {
  readonly bytes: Buffer;
  count: number;
  end: number;
}

/** An entry in a block. */
interface Place {
  readonly at: number;
  /** With its time. */
  readonly start: number;
  readonly packed: Buffer;
}

export interface RecentOptions<T, Added> {
  /** 0: nothing is kept. */
  maxEntries: number;
  /** Of all together. One that takes more is found alone. */
  maxBytes: number;
  /**
   * What is kept of an entry: a list of values in their order, for what has names takes longer to write. It may be the
   * same list each time.
   */
  pack: (entry: Added) => readonly unknown[];
  unpack: (at: number, values: readonly unknown[]) => T;
}

/**
 * The last entries, a bounded number in bounded memory: the oldest make room. They are kept as bytes: as objects, of
 * which nearly none is ever looked at, they would outlive two collections of young objects each, and make full ones
 * frequent. What is added may have another shape than what comes back.
 *
 * They go by whole blocks, and whoever looks finds no more than the last: to let each go by itself, one would have to
 * read where it ends, in memory that was not touched since it was written.
 */
export class Recent<T, Added = T> {
  readonly #options: RecentOptions<T, Added>;
  readonly #blocks: Block[] = [];
  /** The last block that was emptied, to be filled anew. */
  #spare: Buffer | undefined;
  #size = 0;
  #bytes = 0;
  /** Of the youngest in the block that went last. */
  #droppedAt: number | null = null;

  constructor(options: RecentOptions<T, Added>) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#options.maxEntries > 0;
  }

  get oldestAt(): number | null {
    let oldest: number | null = null;
    for (const { block, start } of this.#found()) {
      if (start < block.end) oldest = block.bytes.readDoubleLE(start);
    }
    return oldest;
  }

  /** When the youngest of those that made room was made; null where none has. */
  get forgottenAt(): number | null {
    for (const { block, start } of this.#found()) if (start > 0) return placeBefore(block, start).at;
    return this.#droppedAt;
  }

  /** @param at - when it was, in milliseconds since the Unix epoch. */
  add(at: number, entry: Added): void {
    if (!this.isOn) return;
    const values = this.#options.pack(entry);
    this.#bytes += this.#append(at, values) ?? this.#appendAlone(at, values);
    this.#size += 1;
    this.#dropOldest();
  }

  /**
   * @param parts - values that stand behind each other: left out is what has none of these parts, in whatever place.
   * That is found out without unpacking it. None: all there are.
   */
  *newestFirst(parts: readonly (readonly unknown[])[] = []): Generator<T, void> {
    // Without the head of the list, which is a byte for so few values.
    const wanted = parts.map((part) => encodeMessagePack(part).subarray(1));
    for (const { block, start } of this.#found()) {
      if (!hasAny(block.bytes.subarray(start, block.end), wanted)) continue;
      for (let end = block.end; end > start;) {
        const place = placeBefore(block, end);
        end = place.start;
        if (!hasAny(place.packed, wanted)) continue;
        yield this.#options.unpack(place.at, decodeMessagePack(place.packed) as unknown[]);
      }
    }
  }

  /** The blocks that hold the last entries, the newest first, and where the first of these begins. */
  *#found(): Generator<{ block: Block; start: number }, void> {
    let entries = this.#options.maxEntries;
    let bytes = this.#options.maxBytes;
    // The newest entry is found whatever it takes.
    let least = 1;
    for (const block of this.#blocks.toReversed()) {
      const isWhole = block.count <= entries && block.end <= bytes;
      const start = isWhole ? 0 : startOfLast(block, { entries, bytes, least });
      yield { block, start };
      if (start > 0) return;
      entries -= block.count;
      bytes -= block.end;
      least = 0;
    }
  }

  /** @returns the bytes that it takes; undefined where the block has no room for it. */
  #append(at: number, values: readonly unknown[]): number | undefined {
    let block = this.#blocks.at(-1);
    if (block === undefined || block.bytes.length - block.end < ROOM_BYTES) block = this.#begin();
    const from = block.end + HEAD_BYTES;
    const to = encodeMessagePackInto(block.bytes, from, values);
    return to === undefined || to + TAIL_BYTES > block.bytes.length ? undefined : finish(block, at, to);
  }

  #appendAlone(at: number, values: readonly unknown[]): number {
    const packed = encodeMessagePack(values);
    if (this.#blocks.at(-1)?.end === 0) this.#spare = this.#blocks.pop()?.bytes;
    const block = this.#begin(HEAD_BYTES + packed.length + TAIL_BYTES);
    packed.copy(block.bytes, HEAD_BYTES);
    return finish(block, at, HEAD_BYTES + packed.length);
  }

  #begin(least = 0): Block {
    const spare = least <= BLOCK_BYTES ? this.#spare : undefined;
    if (spare !== undefined) this.#spare = undefined;
    const bytes = spare ?? Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, least));
    const block = { bytes, count: 0, end: 0 };
    this.#blocks.push(block);
    return block;
  }

  /** Drops blocks of which nothing is found any more. */
  #dropOldest(): void {
    const { maxEntries, maxBytes } = this.#options;
    for (let [first] = this.#blocks; first !== undefined; [first] = this.#blocks) {
      const { bytes, count, end } = first;
      if (this.#size - count < maxEntries && this.#bytes - end < maxBytes) return;
      this.#droppedAt = placeBefore(first, end).at;
      this.#size -= count;
      this.#bytes -= end;
      this.#blocks.shift();
      if (bytes.length === BLOCK_BYTES) this.#spare = bytes;
    }
  }
}

/** Puts head and tail around what was written up to `to`. @returns the bytes of all. */
function finish(block: Block, at: number, to: number): number {
  const { bytes, end: start } = block;
  bytes.writeDoubleLE(at, start);
  bytes.writeUInt32LE(to - start - HEAD_BYTES, to);
  block.count += 1;
  block.end = to + TAIL_BYTES;
  return block.end - start;
}

/** The entry that ends there. */
function placeBefore({ bytes }: Block, end: number): Place {
  const to = end - TAIL_BYTES;
  const from = to - bytes.readUInt32LE(to);
  const start = from - HEAD_BYTES;
  return { at: bytes.readDoubleLE(start), start, packed: bytes.subarray(from, to) };
}

/** Where the last entries of a block begin that are no more than so many, and take no more than so much. */
function startOfLast(block: Block, limits: { entries: number; bytes: number; least: number }): number {
  let start = block.end;
  for (let count = 0; start > 0 && count < limits.entries; count += 1) {
    const before = placeBefore(block, start).start;
    if (block.end - before > limits.bytes && count >= limits.least) break;
    start = before;
  }
  return start;
}

function hasAny(bytes: Buffer, parts: readonly Buffer[]): boolean {
  return parts.length === 0 || parts.some((part) => bytes.includes(part));
}

/** Values by names, in their order; left out where there is none. */
export function named(names: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const entry: Record<string, unknown> = {};
  for (const [at, name] of names.entries()) {
    const value = values[at] ?? null;
    if (value !== null) entry[name] = value;
  }
  return entry;
}
