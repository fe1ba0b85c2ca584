import type { GivenToken } from "./tokens.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
/** `[` and `]`; with the bit 0x20, `{` and `}`. */
const OPEN = 0x5b;
const CLOSE = 0x5d;
/** The characters of `token`, each as it is and as the escape that may stand for it, in lower case. */
const NAME = Array.from("token", (character) => ({
  plain: character.charCodeAt(0),
  escaped: Buffer.from(`\\u00${character.charCodeAt(0).toString(16)}`),
}));

/**
 * The `token` of a JSON object, the last where there are several, without parsing the rest: callers whom nobody knows
 * yet can send megabytes that take a parser most of a second, and this a pass over the bytes.
 *
 * What is no JSON may have a token here, so the parsed body decides in the end.
 */
export function findTokenInText(bytes: Buffer): GivenToken | undefined {
  let depth = 0;
  let isKey = false;
  let value: number | undefined;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      const end = endOfString(bytes, at);
      if (isKey && depth === 1 && isName(bytes, at + 1, end)) value = valueAfter(bytes, end + 1);
      isKey = false;
      at = end;
    } else if (byte === COMMA) {
      isKey = true;
    } else if ((byte & 0xdf) === OPEN) {
      depth += 1;
      isKey = true;
    } else if ((byte & 0xdf) === CLOSE) {
      depth -= 1;
      if (depth <= 0) break;
    }
  }
  return value === undefined ? undefined : { text: stringAt(bytes, value) };
}

/** The place of the quote that ends the string which begins at `start`. */
function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** Whether the text of a string is `token`. */
function isName(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  for (const { plain, escaped } of NAME) {
    if (bytes[at] === plain) at += 1;
    else if (isEscape(bytes, at, escaped)) at += escaped.length;
    else return false;
  }
  return at === end;
}

function isEscape(bytes: Buffer, start: number, escaped: Buffer): boolean {
  // The `u` has only one case; of hex digits the bit 0x20 makes lower case.
  if (bytes[start] !== BACKSLASH || bytes[start + 1] !== escaped[1]) return false;
  for (let at = 2; at < escaped.length; at += 1) {
    if (((bytes[start + at] ?? 0) | 0x20) !== escaped[at]) return false;
  }
  return true;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Where the value of a key begins that ends before `at`. */
function valueAfter(bytes: Buffer, at: number): number {
  let start = at;
  while (isSpace(bytes[start]) || bytes[start] === COLON) start += 1;
  return start;
}

function stringAt(bytes: Buffer, start: number): string | undefined {
  if (bytes[start] !== QUOTE) return undefined;
  try {
    const text: unknown = JSON.parse(bytes.toString("utf8", start, endOfString(bytes, start) + 1));
    return typeof text === "string" ? text : undefined;
  } catch {
    // No JSON string: no token matches it.
    return undefined;
  }
}
