import { randomBytes } from "node:crypto";

/** A number that a JS number would change, kept as it was written: one of many digits, or `-0`. */
export class JsonNumber {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }
}

/** Where a number begins and ends. */
type Range = readonly [start: number, end: number];

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
/** `[` and `]`; with the bit 0x20, `{` and `}`. */
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** So many digits every JS number keeps. */
const SAFE_DIGITS = 15;

/**
 * Reads over JSON once: whether brackets outside of strings nest deeper than `maxDepth`, and the numbers that
 * JSON.parse might change. What is no JSON may give anything.
 */
export function scanJson(text: string, maxDepth: number): { isTooDeep: boolean; longNumbers: Range[] } {
  const longNumbers: Range[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === MINUS || isDigit(code)) {
      const start = at;
      while (isOfNumber(text.charCodeAt(at + 1))) at += 1;
      if (at - start >= SAFE_DIGITS || (code === MINUS && at === start + 1 && text[at] === "0")) {
        longNumbers.push([start, at + 1]);
      }
    } else if ((code & 0xdf) === OPEN) {
      depth += 1;
      if (depth > maxDepth) return { isTooDeep: true, longNumbers };
    } else if ((code & 0xdf) === CLOSE) {
      depth -= 1;
    }
  }
  return { isTooDeep: false, longNumbers };
}

/** The place of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) break;
    if (code === BACKSLASH) at += 1;
  }
  return at;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Digits, `+`, `-`, `.`, `E` and `e`. */
function isOfNumber(code: number): boolean {
  return isDigit(code) || code === 0x2b || code === MINUS || code === 0x2e || code === 0x45 || code === 0x65;
}

/** Begins the strings that stand for numbers. Nobody outside knows it, so no string of a caller's begins so. */
const MARK = `${randomBytes(12).toString("base64")}:`;
const jsonNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/**
 * The JSON text with each of the numbers as a string, for {@link restoreNumbers}. What is no number, or stands where a
 * key must, stays as it is, for JSON.parse to refuse.
 */
export function markNumbers(text: string, numbers: readonly Range[]): string {
  const parts: string[] = [];
  let done = 0;
  for (const [start, end] of numbers) {
    const literal = text.slice(start, end);
    if (!jsonNumber.test(literal) || isKey(text, end)) continue;
    parts.push(text.slice(done, start), `"${MARK}${literal}"`);
    done = end;
  }
  parts.push(text.slice(done));
  return parts.join("");
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (space.has(text[at])) at += 1;
  return text[at] === ":";
}

const space: ReadonlySet<string | undefined> = new Set(" \t\r\n");

/** Puts numbers back in the places of their strings, in `value` itself. It may nest as deep as the stack allows. */
export function restoreNumbers(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith(MARK) ? numberOf(value.slice(MARK.length)) : value;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) value[at] = restoreNumbers(value[at]);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const restored: unknown = restoreNumbers(item);
      // Defined, since assigning to `__proto__` would set the prototype.
      if (restored !== item) Object.defineProperty(value, key, { ...writable, value: restored });
    }
  }
  return value;
}

const writable = { configurable: true, enumerable: true, writable: true };
const decimal = /^-?[0-9]+(?:\.[0-9]+)?$/;

function numberOf(literal: string): number | JsonNumber {
  const digits = literal.replaceAll(/[-.]/g, "").length;
  const isKept = literal !== "-0" && (digits <= SAFE_DIGITS || !decimal.test(literal));
  const number = Number(literal);
  return isKept || (Number.isSafeInteger(number) && String(number) === literal)
    ? number
    : new JsonNumber(literal);
}

/**
 * The number that is the value of `key` in an object of JSON, as it is written; of several the last. Undefined where the
 * value is no number, or the key is written with escapes.
 */
export function numberTextOf(text: string, key: string): string | undefined {
  let found: string | undefined;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if ((code & 0xdf) === OPEN) depth += 1;
    else if ((code & 0xdf) === CLOSE) depth -= 1;
    if (code !== QUOTE) continue;
    const end = endOfString(text, at);
    if (depth === 1 && text.slice(at + 1, end) === key && isKey(text, end + 1)) {
      numberValue.lastIndex = end + 1;
      found = numberValue.exec(text)?.[1];
    }
    at = end;
  }
  return found;
}

const numberValue = /[ \t\r\n]*:[ \t\r\n]*(-?[0-9][0-9.eE+-]*)/y;
