import type { CommandName } from "./commands.js";

/** What nodes tell centers about: each is a name space of its own. */
export type InterestKind = "user" | "group";

/**
 * For how long a center trusts what it knows of a node, from sending the last ping that the node has answered: then it
 * asks the node whatever it knows.
 */
export const LEASE_MS = 1000;

/**
 * For how long a node that is not acknowledged waits, from receiving the last ping that it has answered: then no
 * center trusts what it knew before. Longer than the lease, since two clocks may differ by a hundredth.
 */
export const SETTLE_MS = 1010;

/** Longer ids are not told, and commands on them go to every node: one frame has to hold any that is. */
export const MAX_INTEREST_ID_LENGTH = 1024;

/** Whether nodes tell of a user or group with that id. In UTF-16 units, which both ends count without encoding. */
export function isInterestId(id: string): boolean {
  return id.length <= MAX_INTEREST_ID_LENGTH;
}

/** The commands that can make a node hold a user or group that it did not hold. */
const adding: ReadonlySet<string> = new Set([
  "bindUser",
  "joinUserToGroups",
  "joinConnectionToGroup",
] satisfies CommandName[]);

/** Whether an answer to that command says something that centers must know first. */
export function addsInterest(commandName: string): boolean {
  return adding.has(commandName);
}
