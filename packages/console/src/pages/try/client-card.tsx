import { Badge, Button, Group, Paper, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useClient } from "../../api/console-api.tsx";
import { runOnHub } from "../../api/hub.ts";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { ConnectionLink } from "../../shared/links.tsx";
import { useNotices } from "../../shared/notices.tsx";
import { ClientLog } from "./client-log.tsx";
import { tryMessages } from "./messages.ts";
import type { TryClient } from "./try-client.ts";

const stateColors = {
  idle: "gray",
  connecting: "blue",
  open: "teal",
  waiting: "orange",
  closed: "red",
} as const;

/** One client: its state, what it can do, and what happened to it. */
export function ClientCard({
  client,
  others,
  onRemove,
}: {
  client: TryClient;
  others: readonly TryClient[];
  onRemove: () => void;
}) {
  const t = useMessages(tryMessages);
  const { status } = client;
  const { userId } = client.settings;
  const name = userId === "" ? t.clientName(client.number) : `${t.clientName(client.number)} · ${userId}`;
  const isClosed = status.state === "closed" || status.state === "idle";
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-label={name}>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start">
          <Group gap="sm">
            <Title order={2} size="h5">
              {name}
            </Title>
            <StateBadge client={client} />
          </Group>
          <Group gap="xs">
            <Button size="compact-sm" variant="default" onClick={() => client.reconnect()}>
              {isClosed ? t.connect : t.reconnect}
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => client.close()} disabled={isClosed}>
              {t.disconnect}
            </Button>
            <Button size="compact-sm" variant="subtle" color="red" onClick={onRemove}>
              {t.remove}
            </Button>
          </Group>
        </Group>
        {status.state === "open" && (
          <Group gap="xs">
            <Text size="sm">{status.url}</Text>
            {status.connectionId !== undefined && <ConnectionLink id={status.connectionId} />}
          </Group>
        )}
        <SendForm client={client} others={others} />
        <ClientLog client={client} />
      </Stack>
    </Paper>
  );
}

function StateBadge({ client: { status } }: { client: TryClient }) {
  const t = useMessages(tryMessages);
  const formats = useFormats();
  return (
    <Group gap="xs" role="status">
      <Badge color={stateColors[status.state]} variant="light" autoContrast>
        {t.states[status.state]}
      </Badge>
      {status.state === "connecting" && status.attempt > 1 && (
        <Text size="xs">{t.attempt(status.attempt)}</Text>
      )}
      {status.state === "waiting" && status.nextTryAt !== undefined && (
        <Text size="xs">{t.nextTry(formats.clock(status.nextTryAt))}</Text>
      )}
    </Group>
  );
}

/** To its node over its own WebSocket, or to others through the center, as a back end does. */
function SendForm({ client, others }: { client: TryClient; others: readonly TryClient[] }) {
  const t = useMessages(tryMessages);
  const center = useClient();
  const notices = useNotices();
  const [text, setText] = useState("");
  const [to, setTo] = useState<string>();
  const targets = [
    ...others.flatMap(({ number, settings, status }) => {
      if (settings.userId !== "")
        return [{ value: `user:${settings.userId}`, label: t.otherUser(settings.userId) }];
      if (status.state !== "open" || status.connectionId === undefined) return [];
      return [{ value: `connection:${status.connectionId}`, label: t.clientName(number) }];
    }),
    { value: "everyone", label: t.everybody },
    { value: "node", label: t.itsNode },
  ].filter(({ value }, at, all) => all.findIndex((other) => other.value === value) === at);
  const known = targets.find(({ value }) => value === to)?.value ?? targets[0]?.value ?? "node";
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (known === "node") {
      client.send(text);
      return;
    }
    try {
      const { value, callId } = await sendThroughCenter(known, text);
      const failed = value.filter((result) => !result.ok);
      if (failed.length > 0) notices.told("", failed, callId);
    } catch (error) {
      notices.failed(error);
    }
  };
  const sendThroughCenter = (target: string, message: string) => {
    if (target === "everyone") return runOnHub(center, "broadcast", { message });
    const id = target.slice(target.indexOf(":") + 1);
    if (target.startsWith("user:")) return runOnHub(center, "sendToUser", { userId: id, message });
    return runOnHub(center, "sendToConnection", { connectionId: id, message });
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Group gap="xs" align="flex-end">
        <Select
          label={t.sendTo}
          data={targets}
          value={known}
          onChange={(value) => setTo(value ?? undefined)}
          allowDeselect={false}
          w={180}
        />
        <TextInput
          label={t.message}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          flex={1}
          miw={120}
        />
        <Button type="submit" variant="light">
          {t.send}
        </Button>
      </Group>
      <Text size="xs" mt={4} mih={18}>
        {known === "node" ? "" : t.sendHint}
      </Text>
    </form>
  );
}
