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
 * @returns the JSON text of the answer.
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
    /** Told which places failed at their nodes, if any. */
    onFailures: (failures: readonly PlaceFailure[]) => void;
  },
): Promise<string> {
  const batch: Command[] = [];
  for (const call of request.events) if (call.kind === "command") batch.push(call.command);
  const { nodes, places } = await router.ask(batch, options);
  const texts = textsOf(nodes);
  const failures: PlaceFailure[] = [];
  let data = "";
  let ran = 0;
  for (const call of request.events) {
    const asked = (call.kind === "command" ? places[ran++] : undefined) ?? nowhere;
    if (call.kind === "command") options.onRun(call.command, asked.values());
    for (const [{ member }, outcome] of asked) {
      if (!outcome.ok) failures.push({ event: call.event, nodeId: member.id, code: outcome.code });
    }
    data += `${data === "" ? "" : ","}${JSON.stringify(call.event)}:{${placesText(call, texts, asked)}}`;
  }
  if (failures.length > 0) options.onFailures(failures);
  return `${texts.head}${data}}}`;
}

const nowhere: Places = new Map();

function placesText(call: ClassicCall, { nodes, keys }: NodesText, asked: Places): string {
  const rest = call.kind === "command" ? absentText(call) : failureText(call.message);
  let text = "";
  let at = 0;
  for (const node of nodes) {
    const outcome = asked.get(node);
    text += keys[at++] ?? "";
    text += outcome === undefined ? rest : outcomeText(call, outcome);
  }
  return text;
}

function absentText({ command, toValue }: Extract<ClassicCall, { kind: "command" }>): string {
  return jsonOf(toValue(commandTable[command.name].absent));
}

function outcomeText(call: ClassicCall, outcome: Outcome): string {
  if (!outcome.ok) return failureText(outcome.message);
  return jsonOf(call.kind === "command" ? call.toValue(outcome.value) : outcome.value);
}

/** Nearly every value is a number. */
function jsonOf(value: unknown): string {
  return typeof value === "number" && Number.isFinite(value) ? String(value) : JSON.stringify(value);
}

/** What answers say of the linked nodes: all before `data`, and the key of each in a list of places. */
interface NodesText {
  nodes: readonly Channel[];
  head: string;
  keys: readonly string[];
}

/** Made once for as long as no node comes or goes: the router answers the same list meanwhile. */
const known = new WeakMap<readonly Channel[], NodesText>();

function textsOf(nodes: readonly Channel[]): NodesText {
  const found = known.get(nodes);
  if (found !== undefined) return found;
  const ids = nodes.map(({ member }) => JSON.stringify(member.id));
  const made = {
    nodes,
    head: `{"code":0,"msg":"ok","extra":[],"master_ids":[${ids.join(",")}],"data":{`,
    keys: ids.map((id, at) => `${at === 0 ? "" : ","}${id}:`),
  };
  known.set(nodes, made);
  return made;
}
