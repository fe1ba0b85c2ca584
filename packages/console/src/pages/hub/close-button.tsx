import { TextInput } from "@mantine/core";
import { useState } from "react";
import { useMessages } from "../../i18n/language.tsx";
import { Confirm } from "../../shared/confirm.tsx";
import { ScopedButton } from "../../shared/scoped-button.tsx";
import { hubMessages } from "./messages.ts";
import { useHubAction } from "./use-hub-action.ts";

/** Closes a connection, or all of a user's, after a question. */
export function CloseButton({ target }: { target: { connectionId: string } | { userId: string } }) {
  const t = useMessages(hubMessages);
  const { isUnderWay, run } = useHubAction();
  const [isAsking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const close = (): void => {
    setAsking(false);
    const more = reason === "" ? {} : { reason };
    if ("userId" in target) void run("closeUser", { ...target, ...more }, t.closed);
    else void run("closeConnection", { ...target, ...more }, t.closed);
  };
  const title = "userId" in target ? t.closeUserTitle(target.userId) : t.closeTitle;
  return (
    <>
      <ScopedButton
        scope="manage"
        color="red"
        variant="light"

        loading={isUnderWay}
        onClick={() => setAsking(true)}
      >
        {t.close}
      </ScopedButton>
      <Confirm
        isOpen={isAsking}
        title={title}
        action={t.close}
        onConfirm={close}
        onCancel={() => setAsking(false)}
      >
        {t.closeText}
        <TextInput
          mt="sm"
          label={t.reason}
          maxLength={123}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      </Confirm>
    </>
  );
}
