import { Badge, Code, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { OpsConnection } from "@websocket-center/protocol";
import { useClient } from "../../api/console-api.tsx";
import { CallFailure } from "../../api/problem.ts";
import { usePathId } from "../../app/hash-location.ts";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Facts } from "../../shared/facts.tsx";
import { GroupLink, NodeLink, UserLink } from "../../shared/links.tsx";
import { sharedMessages } from "../../shared/messages.ts";
import { Page } from "../../shared/page.tsx";
import { Empty, Failed, Loading } from "../../shared/states.tsx";
import { ScopedButton } from "../../shared/scoped-button.tsx";
import { CloseButton } from "./close-button.tsx";
import { IdForm } from "./id-form.tsx";
import { hubMessages } from "./messages.ts";
import { SubjectLinks } from "./subject-links.tsx";
import { useHubAction } from "./use-hub-action.ts";

const RENEW_MS = 2000;

export default function ConnectionPage() {
  const t = useMessages(hubMessages);
  const client = useClient();
  const id = usePathId();
  const { data, error, refetch } = useQuery({
    queryKey: ["ops/connection", id],
    queryFn: ({ signal }) => client.get<OpsConnection>(`ops/connections/${encodeURIComponent(id)}`, signal),
    refetchInterval: RENEW_MS,
  });
  const isGone = error instanceof CallFailure && error.code === "UNKNOWN_CONNECTION";
  return (
    <Page
      title={t.connectionTitle}
      actions={
        <Group gap="xs">
          <SubjectLinks kind="connection" id={id} />
          {!isGone && <CloseButton target={{ connectionId: id }} />}
        </Group>
      }
    >
      <Code>{id}</Code>
      {isGone && <Empty title={t.goneConnection}>{t.goneHint}</Empty>}
      {error !== null && !isGone && <Failed error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading />}
      {data !== undefined && !isGone && <ConnectionView connection={data} />}
    </Page>
  );
}

function ConnectionView({ connection }: { connection: OpsConnection }) {
  const t = useMessages(hubMessages);
  const shared = useMessages(sharedMessages);
  const formats = useFormats();
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
      <Paper withBorder p="md" radius="md">
        <Facts
          facts={[
            [shared.node, <NodeLink key="node" id={connection.nodeId} />],
            [t.address, connection.remoteAddress],
            [t.opened, formats.dateTime(connection.openedAt)],
            [t.origin, connection.origin ?? "–"],
            [t.userAgent, connection.userAgent ?? "–"],
            [t.compressed, connection.compressed ? t.yes : t.no],
            [t.messagesIn, formats.count(connection.messagesIn)],
            [t.messagesOut, formats.count(connection.messagesOut)],
            [t.bytesIn, formats.bytes(connection.bytesIn)],
            [t.bytesOut, formats.bytes(connection.bytesOut)],
            [t.buffered, formats.bytes(connection.bufferedBytes)],
          ]}
        />
        <Title order={2} size="h6" mt="sm">
          {t.handshake}
        </Title>
        <Code block>{JSON.stringify(connection.data, null, 2)}</Code>
      </Paper>
      <Membership connection={connection} />
    </SimpleGrid>
  );
}

function Membership({ connection }: { connection: OpsConnection }) {
  const t = useMessages(hubMessages);
  const shared = useMessages(sharedMessages);
  const { isUnderWay, run } = useHubAction();
  const { id: connectionId, userId, groupIds, groups } = connection;
  return (
    <Paper withBorder p="md" radius="md">
      <Stack gap="sm" align="flex-start">
        <Title order={2} size="h6">
          {shared.user}
        </Title>
        {userId === null ? (
          <IdForm
            label={t.bindUser}
            hint={t.bindHint}
            action={t.bind}
            isUnderWay={isUnderWay}
            onSubmit={(user) => run("bindUser", { userId: user, connectionId }, t.bound)}
          />
        ) : (
          <Group gap="sm">
            <UserLink id={userId} />
            <ScopedButton
              scope="manage"
              size="compact-sm"
              variant="light"
              color="red"
              onClick={() => void run("unbindConnection", { connectionId }, t.unbound)}
            >
              {t.unbind}
            </ScopedButton>
          </Group>
        )}
        <Group gap="xs">
          <Title order={2} size="h6">
            {t.groups}
          </Title>
          <Badge variant="light" autoContrast>
            {groups}
          </Badge>
        </Group>
        {groupIds.length === 0 && <Text size="sm">{t.noGroups}</Text>}
        {groupIds.map((groupId) => (
          <Group key={groupId} gap="sm">
            <GroupLink id={groupId} />
            <ScopedButton
              scope="manage"
              size="compact-xs"
              variant="subtle"
              color="red"
              onClick={() => void run("removeConnectionFromGroup", { groupId, connectionId }, t.leftGroup)}
            >
              {t.leave(groupId)}
            </ScopedButton>
          </Group>
        ))}
        <IdForm
          label={t.joinGroup}
          action={t.join}
          isUnderWay={isUnderWay}
          onSubmit={(groupId) => run("joinConnectionToGroup", { groupId, connectionId }, t.joined)}
        />
      </Stack>
    </Paper>
  );
}
