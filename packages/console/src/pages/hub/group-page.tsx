import { Paper, Stack, Tabs } from "@mantine/core";
import { usePathId } from "../../app/hash-location.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";
import { ConnectionTable } from "./connection-table.tsx";
import { IdForm } from "./id-form.tsx";
import { hubMessages } from "./messages.ts";
import { SubjectLinks } from "./subject-links.tsx";
import { useHubAction } from "./use-hub-action.ts";
import { UserTable } from "./user-table.tsx";

export default function GroupPage() {
  const t = useMessages(hubMessages);
  const id = usePathId();
  const { isUnderWay, run } = useHubAction();
  return (
    <Page title={t.groupTitle(id)} actions={<SubjectLinks kind="group" id={id} />}>
      <Paper withBorder p="md" radius="md">
        <Tabs defaultValue="connections" keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="connections">{t.connections}</Tabs.Tab>
            <Tabs.Tab value="users">{t.users}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="connections" pt="sm">
            <Stack gap="sm">
              <ConnectionTable filter={{ groupId: id }} />
            </Stack>
          </Tabs.Panel>
          <Tabs.Panel value="users" pt="sm">
            <Stack gap="sm">
              <UserTable filter={{ groupId: id }} />
            </Stack>
          </Tabs.Panel>
        </Tabs>
      </Paper>
      <Paper withBorder p="md" radius="md">
        <IdForm
          label={t.bindUser}
          action={t.join}
          isUnderWay={isUnderWay}
          onSubmit={(userId) => run("joinUserToGroups", { groupIds: [id], userId }, t.joined)}
        />
      </Paper>
    </Page>
  );
}
