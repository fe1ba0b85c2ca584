import { CenterError } from "../errors.js";

/** Deeper than any value that somebody reads; frames nest more, see MAX_DEPTH of wire/limits.ts. */
const MAX_VALUE_DEPTH = 48;
/** Deeper than any result: frames have room for it and their own levels. */
export const MAX_RESULT_DEPTH = 80;

/**
 * The value as what JSON makes of it: only that crosses a wire. Keys named `__proto__` are left out, for decoders
 * refuse them.
 * @throws CenterError INVALID_PARAMS where it has no JSON text, or nests deeper than 48 levels.
 */
export function asJson(value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new CenterError("INVALID_PARAMS", "the value has no JSON text", { cause: error });
  }
  if (text === undefined) return null;
  const json: unknown = JSON.parse(text, (key, item: unknown) => (key === "__proto__" ? undefined : item));
  if (isDeeperThan(json, MAX_VALUE_DEPTH)) {
    throw new CenterError("INVALID_PARAMS", `the value nests deeper than ${MAX_VALUE_DEPTH} levels`);
  }
  return json;
}

export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const items: unknown[] = Array.isArray(value) ? value : Object.values(value);
  return items.some((item) => isDeeperThan(item, levels - 1));
}
