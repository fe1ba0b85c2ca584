import { decodeMessagePack } from "./wire/decode.js";
import { encodeMessagePack, encodeMessagePackInto } from "./wire/encode.js";

const BLOCK_BYTES = 64 * 1024;
/** Where a block has less room, the next one is begun: most entries fit, and few bytes are left over. */
const ROOM_BYTES = 1024;
/** Before an entry its time and its length, behind it its length again, by which one goes back. */
const HEAD_BYTES = 12;
const TAIL_BYTES = 4;

/** Entries behind each other, from `start` to `end`. */
interface Block {
  readonly bytes: Buffer;
  start: number;
  end: number;
}

export interface RecentOptions<T, Added> {
  /** 0: nothing is kept. */
  maxEntries: number;
  /** Of all together. One that takes more is kept alone. */
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
 */
export class Recent<T, Added = T> {
  readonly #options: RecentOptions<T, Added>;
  readonly #blocks: Block[] = [];
  /** The last block that was emptied, to be filled anew. */
  #spare: Buffer | undefined;
  #size = 0;
  #bytes = 0;
  #forgottenAt: number | null = null;

  constructor(options: RecentOptions<T, Added>) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#options.maxEntries > 0;
  }

  get oldestAt(): number | null {
    const [first] = this.#blocks;
    return first === undefined ? null : first.bytes.readDoubleLE(first.start);
  }

  /** When the youngest of those that made room was made; null where none has. */
  get forgottenAt(): number | null {
    return this.#forgottenAt;
  }

  /** @param at - when it was, in milliseconds since the Unix epoch. */
  add(at: number, entry: Added): void {
    if (!this.isOn) return;
    const values = this.#options.pack(entry);
    const bytes = this.#append(at, values) ?? this.#appendAlone(at, values);
    this.#size += 1;
    this.#bytes += bytes;
    const { maxEntries, maxBytes } = this.#options;
    while (this.#size > maxEntries || (this.#bytes > maxBytes && this.#size > 1)) this.#forget();
  }

  /**
   * @param parts - values that stand behind each other: left out is what has none of these parts, in whatever place.
   * That is found out without unpacking it. None: all there are.
   */
  *newestFirst(parts: readonly (readonly unknown[])[] = []): Generator<T, void> {
    // Without the head of the list, which is a byte for so few values.
    const wanted = parts.map((part) => encodeMessagePack(part).subarray(1));
    for (const { bytes, start, end } of this.#blocks.toReversed()) {
      if (!hasAny(bytes.subarray(start, end), wanted)) continue;
      for (let next = end; next > start;) {
        const length = bytes.readUInt32LE(next - TAIL_BYTES);
        const from = next - TAIL_BYTES - length;
        next = from - HEAD_BYTES;
        const packed = bytes.subarray(from, from + length);
        if (!hasAny(packed, wanted)) continue;
        yield this.#options.unpack(bytes.readDoubleLE(next), decodeMessagePack(packed) as unknown[]);
      }
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
    const block = { bytes, start: 0, end: 0 };
    this.#blocks.push(block);
    return block;
  }

  /** Forgets the oldest, of which there is one. */
  #forget(): void {
    const [first] = this.#blocks;
    if (first === undefined) return;
    this.#forgottenAt = first.bytes.readDoubleLE(first.start);
    const bytes = HEAD_BYTES + first.bytes.readUInt32LE(first.start + 8) + TAIL_BYTES;
    first.start += bytes;
    this.#bytes -= bytes;
    this.#size -= 1;
    if (first.start < first.end) return;
    this.#blocks.shift();
    if (first.bytes.length === BLOCK_BYTES) this.#spare = first.bytes;
  }
}

/** Puts head and tail around what was written up to `to`. @returns the bytes of all. */
function finish(block: Block, at: number, to: number): number {
  const { bytes, end: start } = block;
  const length = to - start - HEAD_BYTES;
  bytes.writeDoubleLE(at, start);
  bytes.writeUInt32LE(length, start + 8);
  bytes.writeUInt32LE(length, to);
  block.end = to + TAIL_BYTES;
  return block.end - start;
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
