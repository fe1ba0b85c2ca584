/** A number by its text, so that no digit is lost. */
export class Num {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return `Num(${this.text})`;
  }
}

/** A parameter as a request holds it. Objects are maps, so that no key is special and order is kept. */
export type Value = null | boolean | string | Num | readonly Value[] | ValueMap;
export type ValueMap = ReadonlyMap<string, Value>;

export function isMap(value: Value | undefined): value is ValueMap {
  return value instanceof Map;
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** JSON text, digit for digit. */
export function toJson(value: Value): string {
  if (value instanceof Num) {
    return value.text;
  }
  if (isList(value)) {
    return `[${value.map(toJson).join(",")}]`;
  }
  if (isMap(value)) {
    return `{${[...value].map(([key, item]) => `${JSON.stringify(key)}:${toJson(item)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** A plain JSON value as a {@link Value}. */
export function fromPlain(value: unknown): Value {
  if (typeof value === "number") {
    return new Num(String(value));
  }
  if (Array.isArray(value)) {
    return value.map(fromPlain);
  }
  if (typeof value === "object" && value !== null) {
    return new Map(Object.entries(value).map(([key, item]) => [key, fromPlain(item)]));
  }
  return value as null | boolean | string;
}

/**
 * The parameters of a query string, nested in PHP's way. Knows what the tests send: well-formed brackets.
 */
export function parseQuery(query: string): ValueMap {
  const root: Tree = new Map();
  for (const pair of query.split("&").filter((text) => text !== "")) {
    const [, rawKey = "", rawValue = ""] = /^([^=]*)=?([^]*)$/.exec(pair) ?? [];
    const key = unescape(rawKey);
    const bracket = key.indexOf("[");
    const path =
      bracket < 1
        ? [key]
        : [
            key.slice(0, bracket),
            ...[...key.slice(bracket).matchAll(/\[([^\]]*)\]/g)].map(([, part]) => part ?? ""),
          ];
    put(root, path, unescape(rawValue));
  }
  return new Map([...root].map(([key, item]) => [key, settle(item)]));
}

type Tree = Map<string, string | Tree>;

function put(tree: Tree, path: readonly string[], value: string): void {
  const [first = "", ...rest] = path;
  const key = first === "" ? nextIndex(tree) : first;
  if (rest.length === 0) {
    tree.set(key, value);
    return;
  }
  const below = tree.get(key);
  const next: Tree = below instanceof Map ? below : new Map();
  tree.set(key, next);
  put(next, rest, value);
}

function nextIndex(tree: Tree): string {
  const indices = [...tree.keys()].filter((key) => /^(0|[1-9][0-9]*)$/.test(key)).map(Number);
  return String(Math.max(-1, ...indices) + 1);
}

function settle(item: string | Tree): Value {
  if (typeof item === "string") {
    return item;
  }
  const entries = [...item].map(([key, value]): [string, Value] => [key, settle(value)]);
  const counted = entries.every(([key], index) => key === String(index));
  return counted ? entries.map(([, value]) => value) : new Map(entries);
}

/** A lone surrogate stands for bytes that are not UTF-8: both are parameter errors. */
function unescape(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return "\uD800";
  }
}

function escape(text: string): string {
  return /\p{Surrogate}/u.test(text) ? "%ED%A0%80" : encodeURIComponent(text);
}

/** The pairs that say `value` under `key` in a query; null, empty lists and empty objects cannot be said. */
export function toQuery(key: string, value: Value): string[] {
  if (value === null) {
    return [];
  }
  if (isList(value)) {
    return value.flatMap((item, index) => toQuery(`${key}[${index}]`, item));
  }
  if (isMap(value)) {
    return [...value].flatMap(([name, item]) => toQuery(`${key}[${escape(name)}]`, item));
  }
  const text = value instanceof Num ? value.text : String(value);
  return [`${key}=${escape(text)}`];
}
