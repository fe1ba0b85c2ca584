import type { Command, ErrorCode } from "@websocket-center/protocol";
import type { ClassicCall, ClassicRequest } from "../../http/classic-request.js";
import { classicFailure } from "../../http/answers.js";
import type { Outcome } from "../../rpc/outcome.js";
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
 * @returns the JSON text of the answer, and which places failed at their nodes.
 */
export async function answerClassic(
  router: Router,
  request: ClassicRequest,
  options: {
    timeoutMs: number;
    signal: AbortSignal;
    /** Told of each command and what it came to at each node. */
    onRun: (command: Command, outcomes: readonly Outcome[]) => void;
  },
): Promise<{ body: string; failures: PlaceFailure[] }> {
  const runnable = request.events.filter((call) => call.kind === "command");
  const { nodeIds, outcomes } = await router.execute(
    runnable.map(({ command }) => command),
    options,
  );
  // Names come from callers: without a prototype `__proto__` is a name like any other.
  const data = Object.create(null) as Record<string, Record<string, unknown>>;
  const failures: PlaceFailure[] = [];
  for (const call of request.events) {
    const places = call.kind === "command" ? outcomes[runnable.indexOf(call)] : undefined;
    if (call.kind === "command") options.onRun(call.command, places ?? []);
    const byNode: Record<string, unknown> = {};
    for (const [at, nodeId] of nodeIds.entries()) {
      const outcome = places?.[at];
      if (outcome?.ok === false) failures.push({ event: call.event, nodeId, code: outcome.code });
      byNode[nodeId] = valueOf(call, outcome);
    }
    data[call.event] = byNode;
  }
  const body = JSON.stringify({ code: 0, msg: "ok", extra: [], master_ids: nodeIds, data });
  return { body, failures };
}

function valueOf(call: ClassicCall, outcome: Outcome | undefined): unknown {
  if (call.kind !== "command") return classicFailure(call.message);
  if (outcome === undefined) return classicFailure("internal error");
  return outcome.ok ? call.toValue(outcome.value) : classicFailure(outcome.message);
}
