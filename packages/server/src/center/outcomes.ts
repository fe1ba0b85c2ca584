import { type Command, isResult, type WireOutcome } from "@websocket-center/protocol";
import type { NodeAnswer } from "../rpc/pending-calls.js";
import { type Outcome, outcomeOfWire } from "../rpc/outcome.js";

/** Where the number of outcomes is not that of the commands, which belongs to which is unknown. */
export function counted(
  answer: NodeAnswer | undefined,
  count: number,
  nodeId: string,
): NodeAnswer | undefined {
  if (answer?.ok !== true || answer.outcomes.length === count) return answer;
  const message = `node ${nodeId} answered ${answer.outcomes.length} outcomes to ${count} commands`;
  return { ok: false, code: "INTERNAL", message };
}

/** What the command at that place of a call came to, by what the node answered. */
export function outcomeOf(
  command: Command,
  nodeId: string,
  answer: NodeAnswer | undefined,
  at: number,
): Outcome {
  if (answer === undefined) return { ok: false, code: "INTERNAL", message: `node ${nodeId} was not settled` };
  if (!answer.ok) return answer;
  return checked(command, nodeId, answer.outcomes[at]);
}

/** What a node sends is checked like anything else that comes over a wire. */
function checked(command: Command, nodeId: string, wire: WireOutcome | undefined): Outcome {
  const outcome = outcomeOfWire(wire);
  if (!outcome.ok) return outcome;
  if (isResult(command.name, outcome.value)) return outcome;
  const message = `node ${nodeId} answered what ${command.name} does not return`;
  return { ok: false, code: "INTERNAL", message };
}
