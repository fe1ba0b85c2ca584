import { Button, Group, Paper, Stack, Text, TextInput, Title, Tooltip } from "@mantine/core";
import { useState } from "react";
import { useClient, useMay } from "../../api/console-api.tsx";
import { useMessages } from "../../i18n/language.tsx";
import { sharedMessages } from "../../shared/messages.ts";
import { useNotices } from "../../shared/notices.tsx";
import { nodeMessages } from "./messages.ts";

/** Tells all nodes to register with a center, or to leave one. */
export function CenterAddresses() {
  const t = useMessages(nodeMessages);
  const shared = useMessages(sharedMessages);
  const client = useClient();
  const notices = useNotices();
  const mayManage = useMay("manage");
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
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  const isDisabled = !mayManage || address.trim() === "";
  return (
    <Paper withBorder p="md" radius="md" component="section">
      <Stack gap="xs">
        <Title order={2} size="h5">
          {t.centersTitle}
        </Title>
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
          <Tooltip label={shared.notAllowed("manage")} disabled={mayManage}>
            <Group gap="xs">
              <Button variant="light" disabled={isDisabled} onClick={() => void tell("register")}>
                {t.register}
              </Button>
              <Button variant="light" color="red" disabled={isDisabled} onClick={() => void tell("remove")}>
                {t.leave}
              </Button>
            </Group>
          </Tooltip>
        </Group>
      </Stack>
    </Paper>
  );
}
