import { SimpleGrid, Paper, Text } from "@mantine/core";
import { useLive } from "../../api/console-api.tsx";
import { useFormats } from "../../i18n/formats.ts";
import { defineMessages, useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";

const messages = defineMessages(
  { title: "Overview", connections: "Connections" },
  { title: "概览", connections: "连接" },
);

export default function OverviewPage() {
  const t = useMessages(messages);
  const formats = useFormats();
  const { points } = useLive();
  const latest = points.at(-1);
  return (
    <Page title={t.title}>
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Paper withBorder p="md">
          <Text size="sm" c="dimmed">
            {t.connections}
          </Text>
          <Text fw={700}>{latest === undefined ? "–" : formats.count(latest.connections)}</Text>
        </Paper>
      </SimpleGrid>
    </Page>
  );
}
