import { Button, Group, TextInput, Tooltip } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useMay } from "../../api/console-api.tsx";
import { useMessages } from "../../i18n/language.tsx";
import { sharedMessages } from "../../shared/messages.ts";

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
  const shared = useMessages(sharedMessages);
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
        <Tooltip label={shared.notAllowed("manage")} disabled={mayManage}>
          <Button type="submit" variant="light" disabled={!mayManage || id === ""} loading={isUnderWay}>
            {action}
          </Button>
        </Tooltip>
      </Group>
    </form>
  );
}
