import type { Command } from "@websocket-center/protocol";
import type { Channel } from "../rpc/channel.js";
import type { Outcome } from "../rpc/outcome.js";

/** The outcomes of a command, of the nodes that were asked. */
export type Places = Map<Channel, Outcome>;

/** A command to send in a step, and which command of the batch its outcome belongs to. */
export interface StepItem {
  index: number;
  command: Command;
  /** It goes on with what another step began, for the nodes where that worked. */
  isSecondHalf: boolean;
}

/** One round trip. */
export interface Step {
  /** What to send, given the outcomes of the steps before. */
  items: (outcomes: readonly Places[]) => StepItem[];
}

export type GroupsCommand = Extract<Command, { name: "sendToGroupsOfUser" | "sendToGroupsOfConnection" }>;

/**
 * Plans a batch as few round trips: one, and one more for each command that sends to "the groups of", since those
 * have to be known first. A trip ends with the question for the groups, and the next one begins with the sending.
 */
export function planSteps(batch: readonly Command[]): Step[] {
  const steps: Step[] = [];
  let items: ((outcomes: readonly Places[]) => StepItem | undefined)[] = [];
  const endStep = (): void => {
    const of = items;
    steps.push({
      items: (outcomes) => of.map((item) => item(outcomes)).filter((item) => item !== undefined),
    });
    items = [];
  };
  for (const [index, command] of batch.entries()) {
    if (!isGroupsCommand(command)) {
      items.push(() => ({ index, command, isSecondHalf: false }));
      continue;
    }
    items.push(() => ({ index, command: groupsQuestion(command), isSecondHalf: false }));
    endStep();
    items.push((outcomes) => {
      const sending = groupsSending(command, outcomes[index] ?? new Map());
      return sending && { index, command: sending, isSecondHalf: true };
    });
  }
  if (items.length > 0) endStep();
  return steps;
}

/** Whether the command takes more than one round trip. */
export function isGroupsCommand(command: Command): command is GroupsCommand {
  return command.name === "sendToGroupsOfUser" || command.name === "sendToGroupsOfConnection";
}

/** The first half: which groups. */
export function groupsQuestion(command: GroupsCommand): Command {
  return command.name === "sendToGroupsOfUser"
    ? { name: "listGroupsOfUser", params: { userId: command.params.userId } }
    : { name: "listGroupsOfConnection", params: { connectionId: command.params.connectionId } };
}

/** The second half, by what nodes answered to the first; undefined where they named no group. */
export function groupsSending({ params }: GroupsCommand, places: Places): Command | undefined {
  const groupIds = takeGroups(places);
  if (groupIds.length === 0) return undefined;
  const { message, exceptConnectionIds } = params;
  return { name: "sendToGroups", params: { groupIds, message, exceptConnectionIds } };
}

/**
 * The union of the groups that the nodes answered. Their places become 0, the number of connections reached so far;
 * failures stay.
 */
function takeGroups(places: Places): string[] {
  const groupIds = new Set<string>();
  for (const [channel, outcome] of places) {
    if (!outcome.ok) continue;
    if (Array.isArray(outcome.value)) for (const groupId of outcome.value) groupIds.add(String(groupId));
    places.set(channel, { ok: true, value: 0 });
  }
  return [...groupIds];
}
