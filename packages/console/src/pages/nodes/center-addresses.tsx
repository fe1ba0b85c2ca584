import { Group, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useClient } from "../../api/console-api.tsx";
import { useMessages } from "../../i18n/language.tsx";
import { useNotices } from "../../shared/notices.tsx";
import { ScopedButton } from "../../shared/scoped-button.tsx";
import { Section } from "../../shared/section.tsx";
import { messageOf } from "../../shared/texts.ts";
import { nodeMessages } from "./messages.ts";

/** Tells all nodes to register with a center, or to leave one. */
export function CenterAddresses() {
  const t = useMessages(nodeMessages);
  const client = useClient();
  const notices = useNotices();
  const [address, setAddress] = useState("");
  const [failure, setFailure] = useState<string>();
  const tell = async (change: "register" | "remove"): Promise<void> => {
    setFailure(undefined);
    try {
      const body = { addresses: [address.trim()] };
      const { callId } = await client.call(`centers/${change}`, { method: "POST", body });
      notices.done(change === "register" ? t.registered : t.left, callId);
      setAddress("");
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  const isEmpty = address.trim() === "";
  return (
    <Section title={t.centersTitle}>
      <Stack gap="xs">
        <Text size="sm">{t.centersText}</Text>
        <Group align="flex-start" gap="xs">
          <TextInput
            aria-label={t.centerAddress}
            placeholder="10.0.0.7:8010"
            description={t.addressHint}
            inputWrapperOrder={["label", "input", "description", "error"]}
            value={address}
            onChange={(event) => setAddress(event.currentTarget.value)}
            error={failure}
            w={320}
          />
          <Group gap="xs">
            <ScopedButton
              scope="manage"
              variant="light"
              disabled={isEmpty}
              onClick={() => void tell("register")}
            >
              {t.register}
            </ScopedButton>
            <ScopedButton
              scope="manage"
              variant="light"
              color="red"
              disabled={isEmpty}
              onClick={() => void tell("remove")}
            >
              {t.leave}
            </ScopedButton>
          </Group>
        </Group>
      </Stack>
    </Section>
  );
}
