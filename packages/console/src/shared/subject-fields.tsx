import { Select, TextInput } from "@mantine/core";
import { useMessages } from "../i18n/language.tsx";
import { sharedMessages } from "./messages.ts";
import type { Subject, SubjectKind } from "./subject.ts";

/** The fields of a form that asks about something. */
export function SubjectFields<Kind extends SubjectKind>({
  label,
  kinds,
  subject,
  onChange,
}: {
  label: string;
  kinds: readonly Kind[];
  subject: Subject<Kind>;
  onChange: (subject: Subject<Kind>) => void;
}) {
  const t = useMessages(sharedMessages);
  return (
    <>
      <Select
        label={label}
        data={kinds.map((value) => ({ value, label: t.subjectKinds[value] }))}
        value={subject.kind}
        onChange={(kind) => onChange({ ...subject, kind: kind ?? subject.kind })}
        allowDeselect={false}
        w={180}
      />
      <TextInput
        label={t.id}
        value={subject.id}
        onChange={(event) => onChange({ ...subject, id: event.currentTarget.value })}
        required
        flex={1}
        miw={200}
      />
    </>
  );
}
