import { Group, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useMay } from "../../api/console-api.tsx";
import { ScopedButton } from "../../shared/scoped-button.tsx";

/** Asks for an id, to do something with it. */
export function IdForm({
  label,
  action,
  hint,
  isUnderWay,
  onSubmit,
}: {
  label: string;
  action: string;
  hint?: string;
  isUnderWay: boolean;
  /** Resolves to whether the field may be emptied. */
  onSubmit: (id: string) => Promise<boolean>;
}) {
  const mayManage = useMay("manage");
  const [id, setId] = useState("");
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (await onSubmit(id)) setId("");
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Group gap="xs" align="flex-end">
        <TextInput
          label={label}
          description={hint}
          value={id}
          onChange={(event) => setId(event.currentTarget.value)}
          disabled={!mayManage}
        />
        <ScopedButton scope="manage" type="submit" variant="light" disabled={id === ""} loading={isUnderWay}>
          {action}
        </ScopedButton>
      </Group>
    </form>
  );
}
