import { type Command, commands as commandTable, type ErrorCode } from "@websocket-center/protocol";
import type { ClassicCall, ClassicRequest } from "../../http/classic-request.js";
import { failureText } from "../../http/answers.js";
import type { CallSignal } from "../../call-signal.js";
import type { Channel } from "../../rpc/channel.js";
import type { Outcome } from "../../rpc/outcome.js";
import type { Places } from "../plan.js";
import type { CallOrigin } from "../operations/call-traces.js";
import type { Router } from "../router.js";

/** An event that failed at a node, through no fault of the caller. */
export interface PlaceFailure {
  event: string;
  nodeId: string;
  code: ErrorCode;
}

/**
 * The classic API at a center: the events of a request go to the router as one batch, and what each node answered
 * becomes `data.NAME.<nodeId>`. An event that cannot be run fails in every node's place.
 *
 * The text is put together piece by piece: of what it says about nodes that were not asked, only the event's absent
 * value has to be made for each request.
 * @returns the JSON text of the answer, and which places failed at their nodes.
 */
export async function answerClassic(
  router: Router,
  request: ClassicRequest,
  options: {
    timeoutMs: number;
    signal: CallSignal;
    origin: CallOrigin;
    /** Told of each command and what it came to at each node that was asked. */
    onRun: (command: Command, outcomes: Iterable<Outcome>) => void;
  },
): Promise<{ body: string; failures: PlaceFailure[] }> {
  const batch: Command[] = [];
  for (const call of request.events) if (call.kind === "command") batch.push(call.command);
  const { nodes, places } = await router.ask(batch, options);
  const texts = textsOf(nodes);
  const failures: PlaceFailure[] = [];
  const events: string[] = [];
  let ran = 0;
  for (const call of request.events) {
    const asked: Places = (call.kind === "command" ? places[ran++] : undefined) ?? new Map();
    if (call.kind === "command") options.onRun(call.command, asked.values());
    for (const [{ member }, outcome] of asked) {
      if (!outcome.ok) failures.push({ event: call.event, nodeId: member.id, code: outcome.code });
    }
    events.push(`${JSON.stringify(call.event)}:{${placesText(call, nodes, texts.keys, asked)}}`);
  }
  const body = `{"code":0,"msg":"ok","extra":[],"master_ids":${texts.ids},"data":{${events.join(",")}}}`;
  return { body, failures };
}

function placesText(
  call: ClassicCall,
  nodes: readonly Channel[],
  keys: readonly string[],
  asked: Places,
): string {
  const rest = call.kind === "command" ? absentText(call) : failureText(call.message);
  let text = "";
  for (const [at, node] of nodes.entries()) {
    const outcome = asked.get(node);
    if (at > 0) text += ",";
    text += keys[at] ?? "";
    text += outcome === undefined ? rest : outcomeText(call, outcome);
  }
  return text;
}

function absentText({ command, toValue }: Extract<ClassicCall, { kind: "command" }>): string {
  return JSON.stringify(toValue(commandTable[command.name].absent));
}

function outcomeText(call: ClassicCall, outcome: Outcome): string {
  if (!outcome.ok) return failureText(outcome.message);
  return JSON.stringify(call.kind === "command" ? call.toValue(outcome.value) : outcome.value);
}

/** The JSON text of the nodes' ids, as a list and as keys. */
interface NodesText {
  ids: string;
  keys: readonly string[];
}

/** Made once for as long as no node comes or goes: the router answers the same list meanwhile. */
const known = new WeakMap<readonly Channel[], NodesText>();

function textsOf(nodes: readonly Channel[]): NodesText {
  const found = known.get(nodes);
  if (found !== undefined) return found;
  const made = {
    ids: JSON.stringify(nodes.map(({ member }) => member.id)),
    keys: nodes.map(({ member }) => `${JSON.stringify(member.id)}:`),
  };
  known.set(nodes, made);
  return made;
}
