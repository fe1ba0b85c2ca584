/** What is looked up. */
export const subjectKinds = ["callId", "userId", "connectionId", "groupId"] as const;
export type SubjectKind = (typeof subjectKinds)[number];

export interface Subject {
  kind: SubjectKind;
  id: string;
}

/** What the page's address asks for; undefined where it asks for nothing. */
export function subjectOf(params: URLSearchParams): Subject | undefined {
  for (const kind of subjectKinds) {
    const id = params.get(kind);
    if (id !== null && id !== "") return { kind, id };
  }
  return undefined;
}
