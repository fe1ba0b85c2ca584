import { failureOf } from "./answers.js";
import { reachCenter, showUrl } from "./center-client.js";
import type { CenterAccess } from "./center-flags.js";
import { CommandFailure, EXIT_FAILED } from "./command-failure.js";
import { printable } from "./table.js";

/**
 * Binds the user to a connection and lets it join the groups, through a center.
 *
 * @throws CommandFailure where any of that did not happen.
 */
export async function bindConnection(
  access: CenterAccess,
  connectionId: string,
  { userId, groupIds }: { userId: string | undefined; groupIds: readonly string[] },
): Promise<void> {
  const center = await reachCenter(access);
  const change = async (event: string, params: object, what: string): Promise<void> => {
    const body = JSON.stringify({ [event]: { _id: connectionId, ...params } });
    const { answer } = await center.call([event], body);
    const fail = (reason: string): CommandFailure =>
      new CommandFailure(EXIT_FAILED, `${showUrl(center.url)}: ${what} failed: ${reason}`);
    const values = Object.values(answer.data[event] ?? {});
    if (values.includes(0)) return;
    // Whoever is in a group already is where it was asked to be; a connection that has a user is not.
    if (values.includes(1)) {
      if (event === "bindId") throw fail("the connection has a user already");
      return;
    }
    const failure = values.map(failureOf).find((reason) => reason !== undefined);
    if (failure !== undefined) throw fail(failure);
    throw fail("no node that is linked to this center has the connection: give a center of the same cluster");
  };
  if (userId !== undefined) await change("bindId", { id: userId }, `binding the user ${printable(userId)}`);
  for (const groupId of groupIds) {
    await change("joinGroupBy_Id", { groupId }, `joining the group ${printable(groupId)}`);
  }
}
