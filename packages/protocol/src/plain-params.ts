import type { z } from "zod";
import { type CommandName, commands, type Params } from "./commands.js";
import { anyId, message } from "./ids.js";

/** What these schemas take, said without zod: nearly every call has nothing else, and zod takes a good part of its time. */
const plainParams = new Map<z.ZodType, (value: unknown) => boolean>([
  [anyId, (value) => typeof value === "string" && value !== "" && value.isWellFormed()],
  [message, (value) => typeof value === "string" && value.isWellFormed()],
]);

/** The parameters that a command must have, with their checks; none for a command of which one has no plain check. */
const requiredParams = new Map(
  Object.entries(commands).map(([name, { params }]) => {
    const required = Object.entries<z.ZodType>(params.shape).filter(([, schema]) => !schema.isOptional());
    const checks = required.map(([key, schema]) => ({ key, isPlain: plainParams.get(schema) }));
    return [name, checks.every(({ isPlain }) => isPlain !== undefined) ? checks : []];
  }),
);

/**
 * A copy of a command's parameters where they are seen to be right without zod: those that it must have and no others,
 * ids and a text. Undefined for all else, right or wrong.
 */
export function plainParamsOf<C extends CommandName>(name: C, params: unknown): Params<C> | undefined {
  const required = requiredParams.get(name) ?? [];
  if (required.length === 0 || typeof params !== "object" || params === null) return undefined;
  if (Object.getPrototypeOf(params) !== Object.prototype) return undefined;
  const copy: Record<string, unknown> = { ...params };
  let count = 0;
  for (const _ in copy) count += 1;
  if (count !== required.length) return undefined;
  for (const { key, isPlain } of required) if (isPlain?.(copy[key]) !== true) return undefined;
  return copy as Params<C>;
}
