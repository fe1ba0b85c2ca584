import type { CommandMethods } from "@websocket-center/protocol";
import { CenterError } from "../../errors.js";
import { classicFailure } from "../../http/answers.js";
import type { ClassicCall, ClassicRequest } from "../../http/classic-request.js";
import { execute } from "../handlers.js";

/**
 * The classic API at a node's own port: the same events on this node alone. `data.NAME` is the value itself, and
 * `extra` has a text for each unknown event.
 * @param onFault - told of faults of ours.
 * @returns the JSON text of the answer.
 */
export function answerClassic(
  handlers: CommandMethods,
  request: ClassicRequest,
  onFault: (error: unknown) => void,
): string {
  const data = Object.create(null) as Record<string, unknown>;
  const extra: string[] = [];
  for (const call of request.events) {
    if (call.kind === "unknown") extra.push(call.message);
    else data[call.event] = valueOf(handlers, call, onFault);
  }
  return JSON.stringify({ code: 0, msg: "ok", extra, data });
}

function valueOf(
  handlers: CommandMethods,
  call: Exclude<ClassicCall, { kind: "unknown" }>,
  onFault: (error: unknown) => void,
): unknown {
  if (call.kind === "invalid") return classicFailure(call.message);
  try {
    return call.toValue(execute(handlers, call.command.name, call.command.params));
  } catch (error) {
    if (error instanceof CenterError) return classicFailure(error.message);
    onFault(error);
    return classicFailure("internal error");
  }
}
