import { type Command, commands, isCommandName, plainParamsOf } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";

/**
 * Checks a command that came by name from outside.
 * @throws CenterError UNKNOWN_COMMAND or INVALID_PARAMS, whose text holds none of the values.
 */
export function checkCommand(name: string, params: unknown): Command {
  if (!isCommandName(name)) throw new CenterError("UNKNOWN_COMMAND", "no command has that name");
  const plain = plainParamsOf(name, params);
  if (plain !== undefined) return { name, params: plain } as Command;
  const checked = commands[name].params.safeParse(params);
  // The table ties each name to its parameters, which a union of functions cannot express.
  if (checked.success) return { name, params: checked.data } as Command;
  throw new CenterError("INVALID_PARAMS", `${name}: ${describeIssue(checked.error.issues[0])}`);
}

/** What is wrong and where, with none of the values. */
export function describeIssue(issue: { path: PropertyKey[]; message: string } | undefined): string {
  if (issue === undefined) return "not what is expected";
  return issue.path.length === 0 ? issue.message : `${issue.path.map(String).join(".")}: ${issue.message}`;
}
