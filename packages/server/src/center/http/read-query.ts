import { CenterError } from "../../errors.js";
import type { QueryMap } from "../../http/query.js";

const MAX_BYTES = 65_536;

/** @throws CenterError INVALID_PARAMS where it is no plain text. An empty one counts as absent. */
export function textParam(query: QueryMap, name: string): string | undefined {
  const value = query.get(name);
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string")
    throw new CenterError("INVALID_PARAMS", `${name}: expected ${name}=value, in UTF-8`);
  if (value.length <= MAX_BYTES) return value;
  throw new CenterError("INVALID_PARAMS", `${name}: expected ${MAX_BYTES} characters at most`);
}

/** @throws CenterError INVALID_PARAMS */
export function numberParam(
  query: QueryMap,
  name: string,
  { min, max, byDefault }: { min: number; max: number; byDefault: number },
): number {
  const text = textParam(query, name);
  if (text === undefined) return byDefault;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new CenterError("INVALID_PARAMS", `${name}: expected a whole number from ${min} to ${max}`);
}

/**
 * The only one of those parameters that is given.
 * @throws CenterError INVALID_PARAMS
 */
export function oneOfParams<N extends string>(
  query: QueryMap,
  names: readonly N[],
): { name: N; value: string } {
  const given = names.flatMap((name) => {
    const value = textParam(query, name);
    return value === undefined ? [] : [{ name, value }];
  });
  const [first] = given;
  if (first !== undefined && given.length === 1) return first;
  throw new CenterError("INVALID_PARAMS", `expected exactly one of ${names.join(", ")}`);
}
