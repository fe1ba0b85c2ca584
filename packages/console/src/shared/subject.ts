/** What can be asked about. */
export type SubjectKind = "callId" | "userId" | "connectionId" | "groupId";

export interface Subject<Kind extends SubjectKind = SubjectKind> {
  kind: Kind;
  id: string;
}

/** Which one of these kinds the page's address asks about; undefined where it asks for nothing. */
export function subjectOf<Kind extends SubjectKind>(
  params: URLSearchParams,
  kinds: readonly Kind[],
): Subject<Kind> | undefined {
  for (const kind of kinds) {
    const id = params.get(kind);
    if (id !== null && id !== "") return { kind, id };
  }
  return undefined;
}
