import type { Command, CommandMethods } from "@websocket-center/protocol";
import { CenterError } from "../../errors.js";
import { classicFailure } from "../../http/answers.js";
import type { ClassicCall, ClassicRequest } from "../../http/classic-request.js";
import type { Outcome } from "../../rpc/outcome.js";
import { execute } from "../handlers.js";

interface Told {
  onRun: (command: Command, outcomes: readonly Outcome[]) => void;
  onFault: (error: unknown) => void;
}

/**
 * The classic API at a node's own port: the same events on this node alone. `data.NAME` is the value itself, and
 * `extra` has a text for each unknown event.
 * @param told.onRun - told of each command and what it came to.
 * @param told.onFault - told of faults of ours.
 * @returns the JSON text of the answer.
 */
export function answerClassic(handlers: CommandMethods, request: ClassicRequest, told: Told): string {
  const data = Object.create(null) as Record<string, unknown>;
  const extra: string[] = [];
  for (const call of request.events) {
    if (call.kind === "unknown") extra.push(call.message);
    else data[call.event] = valueOf(handlers, call, told);
  }
  return JSON.stringify({ code: 0, msg: "ok", extra, data });
}

function valueOf(
  handlers: CommandMethods,
  call: Exclude<ClassicCall, { kind: "unknown" }>,
  { onRun, onFault }: Told,
): unknown {
  if (call.kind === "invalid") return classicFailure(call.message);
  const outcome = run(handlers, call.command, onFault);
  onRun(call.command, [outcome]);
  return outcome.ok ? call.toValue(outcome.value) : classicFailure(outcome.message);
}

function run(handlers: CommandMethods, { name, params }: Command, onFault: Told["onFault"]): Outcome {
  try {
    return { ok: true, value: execute(handlers, name, params) };
  } catch (error) {
    if (error instanceof CenterError) return { ok: false, code: error.code, message: error.message };
    onFault(error);
    return { ok: false, code: "INTERNAL", message: "internal error" };
  }
}
