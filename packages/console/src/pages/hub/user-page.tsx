import { Group, Stack } from "@mantine/core";
import { usePathId } from "../../app/hash-location.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";
import { Section } from "../../shared/section.tsx";
import { CloseButton } from "./close-button.tsx";
import { ConnectionTable } from "./connection-table.tsx";
import { GroupTable } from "./group-table.tsx";
import { IdForm } from "./id-form.tsx";
import { hubMessages } from "./messages.ts";
import { SubjectLinks } from "./subject-links.tsx";
import { useHubAction } from "./use-hub-action.ts";

export default function UserPage() {
  const t = useMessages(hubMessages);
  const id = usePathId();
  const { isUnderWay, run } = useHubAction();
  return (
    <Page
      title={t.userTitle(id)}
      actions={
        <Group gap="xs">
          <SubjectLinks kind="user" id={id} />
          <CloseButton target={{ userId: id }} />
        </Group>
      }
    >
      <Section title={t.itsConnections}>
        <Stack gap="sm">
          <ConnectionTable filter={{ userId: id }} />
        </Stack>
      </Section>
      <Section title={t.itsGroups}>
        <Stack gap="sm">
          <GroupTable filter={{ userId: id }} />
          <IdForm
            label={t.joinGroup}
            action={t.join}
            isUnderWay={isUnderWay}
            onSubmit={(groupId) => run("joinUserToGroups", { groupIds: [groupId], userId: id }, t.joined)}
          />
        </Stack>
      </Section>
    </Page>
  );
}
