import { type Command, type CommandName, mergeResults, type Result } from "@websocket-center/protocol";
import { weightOf } from "../pipeline-lane.js";
import type { PipedCommand } from "../pipeline.js";
import type { Places } from "../plan.js";
import type { BatchLine } from "./batch-line.js";
import type { PlaceFailure } from "./classic.js";

/** What a frame may have around a command, besides what the line has. */
const HEAD_BYTES = 32;

/** A line of a batch on its way. */
export class BatchEntry implements PipedCommand {
  readonly command: Command;
  readonly places: Places = new Map();
  readonly bytes: number;
  /** What it counts for while it is under way. */
  readonly weight: number;
  readonly endsAt: number;
  readonly line: BatchLine;
  readonly lineNumber: number;
  readonly calls: number[] = [];
  missing = 0;

  constructor(line: BatchLine, lineBytes: number, endsAt: number, lineNumber: number) {
    const { command, event } = line;
    // The parameters of an event can become longer than they are in the line: 1e300 is an id of 301 digits.
    const bytes = event === undefined ? lineBytes : Buffer.byteLength(JSON.stringify(command));
    this.line = line;
    this.lineNumber = lineNumber;
    this.command = command;
    this.bytes = bytes + HEAD_BYTES;
    this.weight = weightOf(command, this.bytes);
    this.endsAt = endsAt;
  }

  /** The nodes at which it failed. */
  get failures(): PlaceFailure[] {
    const failures: PlaceFailure[] = [];
    for (const [{ member }, outcome] of this.places) {
      if (!outcome.ok) failures.push({ event: this.line.need.what, nodeId: member.id, code: outcome.code });
    }
    return failures;
  }
}

/** The line that answers it. */
export function answerText({ line, command, places }: BatchEntry): string {
  const { event } = line;
  let nodes = "";
  let failures = "";
  const values: unknown[] = [];
  for (const [{ member }, outcome] of places) {
    if (outcome.ok) {
      values.push(outcome.value);
      const value = event === undefined ? outcome.value : event.toValue(outcome.value);
      nodes += `${nodes === "" ? "" : ","}"${member.id}":${JSON.stringify(value)}`;
    } else {
      const { code, message } = outcome;
      failures += `${failures === "" ? "" : ","}"${member.id}":${JSON.stringify({ code, message })}`;
    }
  }
  const merged =
    event === undefined
      ? `,"value":${JSON.stringify(mergeResults(command.name, values as Result<CommandName>[]))}`
      : "";
  return `{"id":${line.id}${merged},"nodes":{${nodes}}${failures === "" ? "" : `,"failures":{${failures}}`}}\n`;
}
