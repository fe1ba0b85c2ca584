/** How a user's id becomes the address of a node. `docs/STEERING.md` says which is for whom. */
export const steeringStrategies = ["rendezvous", "modulo", "least-connections"] as const;
export type SteeringStrategy = (typeof steeringStrategies)[number];

/** An address for clients; several nodes may share one. */
export interface Place {
  readonly address: string;
  /** `seedOf(address)`, kept because it is needed for each id. */
  readonly seed: number;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/**
 * The CRC-32 of zlib, PNG and Ethernet (ISO/IEC 8802-3) over the text's UTF-8 bytes: `crc32()` of PHP,
 * `java.util.zip.CRC32`, `hash/crc32` of Go. From 0 to 2^32 - 1.
 */
export function crc32(text: string): number {
  let crc = 0xffffffff;
  const add = (byte: number): void => {
    crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0);
  };
  for (let at = 0; at < text.length; at += 1) {
    const code = text.codePointAt(at) ?? 0;
    if (code < 0x80) {
      add(code);
    } else if (code < 0x800) {
      add(0xc0 | (code >>> 6));
      add(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      add(0xe0 | (code >>> 12));
      add(0x80 | ((code >>> 6) & 0x3f));
      add(0x80 | (code & 0x3f));
    } else {
      add(0xf0 | (code >>> 18));
      add(0x80 | ((code >>> 12) & 0x3f));
      add(0x80 | ((code >>> 6) & 0x3f));
      add(0x80 | (code & 0x3f));
      at += 1;
    }
  }
  return ~crc >>> 0;
}

/** `fmix32`, the finalizer of MurmurHash3: a bijection in which every bit of the input moves every bit of the output. */
export function mix32(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * An address's part in its scores. Mixed by itself, since CRC-32 is linear: without that, addresses and ids that
 * differ in the same characters would share their scores.
 */
export function seedOf(address: string): number {
  return mix32(crc32(address));
}

/** Highest random weight: the weight of a place for an id, given `crc32(id)`. */
export function scoreOf(seed: number, idHash: number): number {
  return mix32(seed ^ idHash);
}

/**
 * Highest random weight (Thaler and Ravishankar, 1998): the place with the greatest score; of equal ones, the first by
 * address. A place that comes or goes moves only the ids that it takes or had.
 */
export function chooseByRendezvous<P extends Place>(id: string, places: Iterable<P>): P | undefined {
  const idHash = crc32(id);
  let best: P | undefined;
  let bestScore = -1;
  for (const place of places) {
    const score = scoreOf(place.seed, idHash);
    if (score < bestScore) continue;
    if (score === bestScore && best !== undefined && best.address <= place.address) continue;
    best = place;
    bestScore = score;
  }
  return best;
}

const integerId = /^-?[0-9]+$/;

/**
 * An id's index in a list of `length`. Of an integer, the remainder of its absolute value, digit by digit and so exact
 * at any size: `abs($id % $n)` of languages with wide enough integers. Of any other id, the remainder of its CRC-32.
 */
export function moduloIndex(id: string, length: number): number {
  if (!integerId.test(id)) return crc32(id) % length;
  let remainder = 0;
  for (let at = id.startsWith("-") ? 1 : 0; at < id.length; at += 1) {
    remainder = (remainder * 10 + id.charCodeAt(at) - 0x30) % length;
  }
  return remainder;
}

/** The item at the id's index, or the next in order that is open, from the end on to the beginning. */
export function chooseByModulo(
  id: string,
  addresses: readonly string[],
  isOpen: (address: string) => boolean,
): string | undefined {
  const { length } = addresses;
  if (length === 0) return undefined;
  const first = moduloIndex(id, length);
  for (let step = 0; step < length; step += 1) {
    const address = addresses[(first + step) % length];
    if (address !== undefined && isOpen(address)) return address;
  }
  return undefined;
}

/** How far above the least load a place still counts as one of the least loaded: a twentieth. */
const NEAR_LEAST = 1 / 20;

/**
 * Of the places whose load is the least, or near it, the one with the id's greatest score: so that those who ask
 * at the same time are spread over all of them.
 */
export function chooseByLeastConnections<P extends Place>(
  id: string,
  places: readonly P[],
  loadOf: (place: P) => number,
): P | undefined {
  const loads = places.map(loadOf);
  const limit = loads.reduce((least, load) => Math.min(least, load), Infinity) * (1 + NEAR_LEAST);
  return chooseByRendezvous(
    id,
    places.filter((_, at) => (loads[at] ?? Infinity) <= limit),
  );
}
