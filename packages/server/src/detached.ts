import type { subjectOf } from "@websocket-center/protocol";

type Subject = ReturnType<typeof subjectOf>;
type Named = { [name in keyof Subject]: Subject[name] | undefined };

/** Says in an entry that is to be remembered whom a command is for. */
export function nameSubject(entry: Named, { connectionId, userId, groupId }: Subject): void {
  if (connectionId !== undefined) entry.connectionId = detached(connectionId);
  if (userId !== undefined) entry.userId = detached(userId);
  if (groupId !== undefined) entry.groupId = detached(groupId);
}

/**
 * The same text, with nothing else kept in memory for it: an id that was cut out of a URL refers to all of that, the
 * message included. What is put together anew and cut again refers to itself alone.
 */
function detached(text: string): string {
  return `${text} `.slice(0, -1);
}
