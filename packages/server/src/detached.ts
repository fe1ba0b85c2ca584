import type { subjectOf } from "@websocket-center/protocol";

type Subject = ReturnType<typeof subjectOf>;

/** Whom a command is for, to be remembered. */
export function detachedSubject({ connectionId, userId, groupId }: Subject): Subject {
  return {
    ...(connectionId === undefined ? {} : { connectionId: detached(connectionId) }),
    ...(userId === undefined ? {} : { userId: detached(userId) }),
    ...(groupId === undefined ? {} : { groupId: detached(groupId) }),
  };
}

/**
 * The same text, with nothing else kept in memory for it: an id that was cut out of a URL refers to all of that, the
 * message included. What is put together anew and cut again refers to itself alone.
 */
function detached(text: string): string {
  return `${text} `.slice(0, -1);
}
