import { type Change, type CommandName, commands, type Merge, type Result } from "./commands.js";

/**
 * Makes one result of those of several nodes, by the table's rule; the absent value where there is none.
 *
 * A user with connections on two nodes is counted at each: sums of users are upper bounds.
 */
export function mergeResults<C extends CommandName>(name: C, results: readonly Result<C>[]): Result<C> {
  const { absent, merge } = commands[name];
  return rules[merge](results, absent) as Result<C>;
}

const rules: Record<Merge, (results: readonly unknown[], absent: unknown) => unknown> = {
  sum: (results) => results.reduce((sum: number, result) => sum + Number(result), 0),
  union: (results) => [...new Set(results.flat())],
  any: (results) => results.includes(true),
  first: (results, absent) => results.find((result) => !isSame(result, absent)) ?? absent,
  change: (results, absent) => furthest.find((change) => results.includes(change)) ?? absent,
};

const furthest: readonly Change[] = ["done", "unchanged", "absent"];

function isSame(result: unknown, absent: unknown): boolean {
  return result === absent || JSON.stringify(result) === JSON.stringify(absent);
}
