import { type Command, commands as commandTable, type ErrorCode } from "@websocket-center/protocol";
import type { ClassicCall, ClassicRequest } from "../../http/classic-request.js";
import { failureText } from "../../http/answers.js";
import type { CallSignal } from "../../call-signal.js";
import type { Channel } from "../../rpc/channel.js";
import type { Outcome } from "../../rpc/outcome.js";
import type { Places } from "../plan.js";
import type { CallOrigin } from "../operations/call-traces.js";
import type { Router } from "../router.js";
import { NodesText } from "./nodes-text.js";

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
 * The text is put together of pieces: what it says about nodes that were not asked is there already.
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
    const text =
      call.kind === "command"
        ? texts.places(absentText(call), asked, (outcome) => outcomeText(call, outcome))
        : texts.list(failureText(call.message));
    data += `${data === "" ? "" : ","}${JSON.stringify(call.event)}:{${text}}`;
  }
  if (failures.length > 0) options.onFailures(failures);
  return `${texts.head}${data}}}`;
}

const nowhere: Places = new Map();

type ClassicCommand = Extract<ClassicCall, { kind: "command" }>;

/** One of few: a number, a boolean or an empty list. */
function absentText({ command, toValue }: ClassicCommand): string {
  return jsonOf(toValue(commandTable[command.name].absent));
}

function outcomeText({ toValue }: ClassicCommand, outcome: Outcome): string {
  return outcome.ok ? jsonOf(toValue(outcome.value)) : failureText(outcome.message);
}

/** Nearly every value is a number. */
function jsonOf(value: unknown): string {
  return typeof value === "number" && Number.isFinite(value) ? String(value) : JSON.stringify(value);
}

/** Made once for as long as no node comes or goes: the router answers the same list meanwhile. */
const known = new WeakMap<readonly Channel[], NodesText>();

function textsOf(nodes: readonly Channel[]): NodesText {
  let texts = known.get(nodes);
  if (texts === undefined) known.set(nodes, (texts = new NodesText(nodes)));
  return texts;
}
