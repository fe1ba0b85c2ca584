import type { NodeTrace } from "@websocket-center/protocol";
import type { Account, CommandAccount } from "./account.ts";

/** What an account comes to, for people: the texts are the page's. Times are milliseconds since the Unix epoch. */
export type Conclusion = { tone: "good" | "bad" | "neutral" } & (
  | { kind: "unknown-call" }
  | { kind: "nothing-remembered" }
  | { kind: "no-nodes"; at: number; command: string }
  | { kind: "nobody-held"; at: number; command: string }
  | { kind: "nobody-matched"; at: number; command: string; nodes: number }
  | { kind: "queued"; at: number; command: string; queued: number; matched: number | undefined }
  | { kind: "changed"; at: number; command: string; result: string }
  | { kind: "not-queued"; at: number; connectionId: string; reason: string }
  | { kind: "node-failed"; at: number; nodeId: string; code: string; isUnknown: boolean }
  | { kind: "closed"; at: number; connectionId: string; code: number }
  | { kind: "slow"; at: number; connectionId: string }
  | { kind: "missing"; names: string }
  | { kind: "since"; at: number }
);

/** So many commands are told of; the time line has them all. */
const MAX_COMMANDS = 5;
/** So many ends of connections. */
const MAX_ENDS = 3;

/** With these codes nobody can say whether the node ran the command. */
const unknownOutcomes: ReadonlySet<string> = new Set([
  "NODE_TIMEOUT",
  "NODE_LEFT",
  "OUTCOME_UNKNOWN",
  "ABORTED",
]);

/** Says in a few sentences what became of it, the newest first. */
export function conclude(account: Account): Conclusion[] {
  const { subject, commands, happenings, missing, since } = account;
  const conclusions: Conclusion[] = commands.slice(0, MAX_COMMANDS).flatMap(concludeCommand);
  if (commands.length === 0 && subject.kind === "callId")
    conclusions.push({ kind: "unknown-call", tone: "bad" });
  if (happenings.length === 0 && subject.kind !== "callId")
    conclusions.push({ kind: "nothing-remembered", tone: "neutral" });
  const traces = happenings.filter((each) => each.where === "node").map(({ trace }) => trace);
  conclusions.push(...concludeEnds(traces));
  if (missing.length > 0) conclusions.push({ kind: "missing", tone: "bad", names: missing.join(", ") });
  if (since !== undefined) conclusions.push({ kind: "since", tone: "neutral", at: since });
  return conclusions;
}

function concludeCommand({ trace, nodes }: CommandAccount): Conclusion[] {
  const { at, command, asked, linkedNodes } = trace;
  if (linkedNodes === 0) return [{ kind: "no-nodes", tone: "bad", at, command }];
  if (asked.length === 0) return [{ kind: "nobody-held", tone: "bad", at, command }];
  const failures = asked
    .filter(({ ok }) => !ok)
    .map(({ nodeId, code = "INTERNAL" }): Conclusion => {
      return { kind: "node-failed", tone: "bad", at, nodeId, code, isUnknown: unknownOutcomes.has(code) };
    });
  const answered = asked.filter(({ ok }) => ok);
  if (answered.length === 0) return failures;
  return [concludeAnswers(trace, answered, nodes), ...notQueued(at, nodes), ...failures];
}

function concludeAnswers(
  { at, command }: CommandAccount["trace"],
  answered: CommandAccount["trace"]["asked"],
  nodes: CommandAccount["nodes"],
): Conclusion {
  const isSend = command.startsWith("send") || command === "broadcast";
  if (!isSend) {
    const results = [...new Set(answered.map(({ value }) => String(value)))];
    const result = results.includes("done") ? "done" : results.join(", ");
    return { kind: "changed", tone: result === "absent" ? "bad" : "neutral", at, command, result };
  }
  const queued = answered.reduce((sum, { value }) => sum + Number(value ?? 0), 0);
  const counts = nodes.map(({ trace: { matched } }) => matched);
  const isCounted = counts.length === answered.length && counts.every((count) => count !== undefined);
  const matched = isCounted ? counts.reduce<number>((sum, count) => sum + (count ?? 0), 0) : undefined;
  if (queued === 0 && (matched ?? 0) === 0)
    return { kind: "nobody-matched", tone: "bad", at, command, nodes: answered.length };
  const tone = matched === undefined || queued >= matched ? "good" : "bad";
  return { kind: "queued", tone, at, command, queued, matched };
}

function notQueued(at: number, nodes: CommandAccount["nodes"]): Conclusion[] {
  return nodes.flatMap(({ trace: { failures = [] } }) =>
    failures.map(({ connectionId, reason }): Conclusion => {
      return { kind: "not-queued", tone: "bad", at, connectionId, reason };
    }),
  );
}

/** Why connections ended, where that was not as they wished. */
function concludeEnds(traces: readonly NodeTrace[]): Conclusion[] {
  return traces
    .flatMap(({ at, what, closeCode, connectionId }): Conclusion[] => {
      if (connectionId === undefined) return [];
      if (what === "slow-consumer") return [{ kind: "slow", tone: "bad", at, connectionId }];
      if (what !== "close" || closeCode === undefined) return [];
      return [
        { kind: "closed", tone: closeCode === 1000 ? "neutral" : "bad", at, connectionId, code: closeCode },
      ];
    })
    .slice(0, MAX_ENDS);
}
