/**
 * How deep a frame may nest. What clients and back ends may put into one nests less by as much as frames nest around
 * it: a handshake query 65 levels, other JSON values 48, see rpc/json.ts.
 */
export const MAX_DEPTH = 96;

/**
 * Looks over MessagePack bytes before they are decoded: one whole value, no extension types, at most 96 levels,
 * and no count that the bytes left could not fill. A decoder that trusts a count would set memory aside for it.
 *
 * @see https://github.com/msgpack/msgpack/blob/master/spec.md
 * @returns what is wrong; undefined where the bytes may be decoded.
 */
export function scanMessagePack(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length;
  /** How many values are still to come at each level. */
  const open: number[] = [1];
  let at = 0;
  while (open.length > 0) {
    const level = open.length - 1;
    if (open[level] === 0) {
      open.pop();
      continue;
    }
    open[level] = (open[level] ?? 0) - 1;
    const head = bytes[at];
    if (head === undefined) return "ends within a value";
    at += 1;
    const size = sizeOf(head, view, at, end);
    if (size === undefined) return "has a type that is not allowed, or ends within a value";
    at += size.skip;
    if (at > end) return "ends within a value";
    if (size.values === 0) continue;
    if (size.values > end - at) return "announces more values than it holds";
    if (open.length >= MAX_DEPTH) return "is nested too deeply";
    open.push(size.values);
  }
  return at === end ? undefined : "has bytes behind its value";
}

interface Size {
  /** Bytes to pass over behind the first one. */
  skip: number;
  /** Values that then belong to this one. */
  values: number;
}

function leaf(skip: number): Size {
  return { skip, values: 0 };
}

/** The size of a value by its first byte; undefined for extensions, the unused type, and cut-off lengths. */
function sizeOf(head: number, view: DataView, at: number, end: number): Size | undefined {
  if (head <= 0x7f || head >= 0xe0) return leaf(0);
  if (head <= 0x8f) return { skip: 0, values: (head & 0x0f) * 2 };
  if (head <= 0x9f) return { skip: 0, values: head & 0x0f };
  if (head <= 0xbf) return leaf(head & 0x1f);
  const left = end - at;
  switch (head) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return leaf(0);
    case 0xcc:
    case 0xd0:
      return leaf(1);
    case 0xcd:
    case 0xd1:
      return leaf(2);
    case 0xca:
    case 0xce:
    case 0xd2:
      return leaf(4);
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return leaf(8);
    case 0xc4:
    case 0xd9:
      return left < 1 ? undefined : leaf(1 + view.getUint8(at));
    case 0xc5:
    case 0xda:
      return left < 2 ? undefined : leaf(2 + view.getUint16(at));
    case 0xc6:
    case 0xdb:
      return left < 4 ? undefined : leaf(4 + view.getUint32(at));
    case 0xdc:
      return left < 2 ? undefined : { skip: 2, values: view.getUint16(at) };
    case 0xdd:
      return left < 4 ? undefined : { skip: 4, values: view.getUint32(at) };
    case 0xde:
      return left < 2 ? undefined : { skip: 2, values: view.getUint16(at) * 2 };
    case 0xdf:
      return left < 4 ? undefined : { skip: 4, values: view.getUint32(at) * 2 };
    default:
      return undefined;
  }
}
