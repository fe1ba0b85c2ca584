import { isUtf8 } from "node:buffer";

/** Stands where a value's bytes are not UTF-8, or where a parameter is nested too deep to be read. */
export const invalidText: unique symbol = Symbol("invalidText");

/** How many brackets a key may have: PHP's `max_input_nesting_level`. */
export const MAX_QUERY_DEPTH = 64;

export type QueryValue = string | typeof invalidText | QueryMap;

/**
 * One level of a query: keys in the order in which they came first. A Map, so that no key can reach a prototype.
 *
 * Whether it stands for a list shows only at the end: see {@link isQueryList}.
 */
export class QueryMap extends Map<string, QueryValue> {
  /** The key that the next `[]` takes: one more than the greatest integer key, as in a PHP array. */
  nextIndex = 0;
}

/** What a query is turned into for JSON: lists, plain objects and strings. */
export type PlainValue = string | PlainValue[] | PlainObject;
export interface PlainObject {
  [key: string]: PlainValue;
}

const LATIN1_END = 0x100;
const integerKey = /^(?:0|[1-9][0-9]{0,14})$/;
const needsDecoding = /[%+\x80-\xff]/;
const wideCharacter = /[^\0-\xff]/;

/**
 * Parses a query string in the way of PHP's `parse_str`, without its limits and renamings.
 *
 * `a[b]=c` nests, `a[]=c` appends, `+` is a space, percent escapes are UTF-8, the last of a key counts. A scalar
 * replaces a map and a map replaces a scalar. What follows the last closed bracket is ignored (`a[b]x=1` and
 * `a[b][c=1` are `a[b]=1`); a key whose first bracket is never closed is a plain one. Dots and spaces in names stay,
 * where PHP would make them underscores. Escapes that are none (`%zz`) stay as they are. Keys that are not UTF-8 and empty keys are
 * dropped. Takes time linear in the length of `raw`.
 *
 * @param raw - what follows the `?`, as node:http gives it: characters from 0x80 to 0xff are bytes of UTF-8.
 */
export function parseQuery(raw: string): QueryMap {
  const root = new QueryMap();
  if (raw === "") return root;
  const text = wideCharacter.test(raw) ? Buffer.from(raw, "utf8").toString("latin1") : raw;
  let start = 0;
  while (start <= text.length) {
    let end = text.indexOf("&", start);
    if (end === -1) end = text.length;
    if (end > start) addPair(root, text.slice(start, end));
    start = end + 1;
  }
  return root;
}

function addPair(root: QueryMap, pair: string): void {
  const equals = pair.indexOf("=");
  const rawKey = equals === -1 ? pair : pair.slice(0, equals);
  const rawValue = equals === -1 ? "" : pair.slice(equals + 1);
  const key = decode(rawKey);
  if (key === undefined) return;
  const value = decode(rawValue) ?? invalidText;
  const bracket = key.indexOf("[");
  if (bracket === -1) {
    if (key !== "") put(root, key, value);
  } else if (bracket > 0) {
    putNested(root, key, bracket, value);
  }
}

/** Walks the brackets of `key`, the first of which is at `bracket`, and makes the maps on the way. */
function putNested(root: QueryMap, key: string, bracket: number, value: QueryValue): void {
  const name = key.slice(0, bracket);
  let map = root;
  let own: string | undefined = name;
  let open = bracket;
  for (let depth = 1; key[open] === "["; depth += 1) {
    const close = key.indexOf("]", open + 1);
    if (close === -1) {
      if (depth === 1) own = key;
      break;
    }
    if (depth > MAX_QUERY_DEPTH) {
      put(root, name, invalidText);
      return;
    }
    map = mapAt(map, own);
    own = close === open + 1 ? undefined : key.slice(open + 1, close);
    open = close + 1;
  }
  put(map, own, value);
}

/** The map under `key`, made where there is none; an undefined key appends. */
function mapAt(map: QueryMap, key: string | undefined): QueryMap {
  const found = key === undefined ? undefined : map.get(key);
  if (found instanceof QueryMap) return found;
  const made = new QueryMap();
  put(map, key, made);
  return made;
}

function put(map: QueryMap, key: string | undefined, value: QueryValue): void {
  if (key === undefined) {
    map.set(String(map.nextIndex), value);
    map.nextIndex += 1;
    return;
  }
  map.set(key, value);
  if (integerKey.test(key) && Number(key) >= map.nextIndex) map.nextIndex = Number(key) + 1;
}

/** Undoes `+` and percent escapes; undefined where the bytes are not UTF-8. */
function decode(piece: string): string | undefined {
  if (!needsDecoding.test(piece)) return piece;
  const bytes = Buffer.allocUnsafe(piece.length);
  let length = 0;
  for (let at = 0; at < piece.length; at += 1) {
    let code = piece.charCodeAt(at);
    if (code === 0x2b) {
      code = 0x20;
    } else if (code === 0x25) {
      const escaped = hexDigit(piece.charCodeAt(at + 1)) * 16 + hexDigit(piece.charCodeAt(at + 2));
      if (escaped < LATIN1_END) {
        code = escaped;
        at += 2;
      }
    }
    bytes[length] = code;
    length += 1;
  }
  const used = bytes.subarray(0, length);
  return isUtf8(used) ? used.toString("utf8") : undefined;
}

/** The value of a hex digit; 256 for any other character, so that a sum with it is no byte. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : LATIN1_END;
}

/** Whether the keys are exactly 0, 1, 2 ... in this order: what PHP calls a list. An empty map is one. */
export function isQueryList(map: QueryMap): boolean {
  let index = 0;
  for (const key of map.keys()) {
    if (key !== String(index)) return false;
    index += 1;
  }
  return true;
}

/**
 * A query as plain JSON-able values: what a connection keeps of its handshake.
 *
 * A parameter that holds invalid text anywhere is left out whole; keys named `__proto__` are left out at any depth.
 *
 * @param drop - names of parameters to leave out, such as `access_token`.
 */
export function queryToObject(query: QueryMap, drop: readonly string[] = []): PlainObject {
  const object: PlainObject = {};
  for (const [key, value] of query) {
    if (key === "__proto__" || drop.includes(key)) continue;
    const plain = toPlain(value);
    if (plain !== undefined) object[key] = plain;
  }
  return object;
}

function toPlain(value: QueryValue): PlainValue | undefined {
  if (value === invalidText) return undefined;
  if (typeof value === "string") return value;
  if (isQueryList(value)) {
    const list: PlainValue[] = [];
    for (const item of value.values()) {
      const plain = toPlain(item);
      if (plain === undefined) return undefined;
      list.push(plain);
    }
    return list;
  }
  const object: PlainObject = {};
  for (const [key, item] of value) {
    const plain = toPlain(item);
    if (plain === undefined) return undefined;
    if (key !== "__proto__") object[key] = plain;
  }
  return object;
}
