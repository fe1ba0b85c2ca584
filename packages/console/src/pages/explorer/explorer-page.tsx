import { Button, Tabs, Text } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useCenter, useClient } from "../../api/console-api.tsx";
import { useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";
import { Failed, Loading } from "../../shared/states.tsx";
import { ClassicExplorer } from "./classic-explorer.tsx";
import { EndpointExplorer } from "./endpoint-explorer.tsx";
import { explorerMessages } from "./messages.ts";
import { endpointDocs, eventDocs, type OpenApiDocument } from "./openapi.ts";

export default function ExplorerPage() {
  const t = useMessages(explorerMessages);
  const client = useClient();
  const center = useCenter();
  const { data, error, refetch } = useQuery({
    queryKey: ["openapi.json"],
    queryFn: ({ signal }) => client.get<OpenApiDocument>("openapi.json", signal),
    staleTime: Infinity,
  });
  const events = useMemo(() => (data === undefined ? [] : eventDocs(data)), [data]);
  const endpoints = useMemo(() => (data === undefined ? [] : endpointDocs(data)), [data]);
  return (
    <Page
      title={t.title}
      actions={
        <Button
          component="a"
          href={new URL("openapi.json", center).href}
          target="_blank"
          rel="noreferrer"
          variant="default"
          rightSection={<IconExternalLink size={16} aria-hidden />}
        >
          {t.openApi}
        </Button>
      }
    >
      <Text size="sm">{t.intro}</Text>
      {error !== null && <Failed error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading />}
      {data !== undefined && (
        <Tabs defaultValue="classic">
          <Tabs.List mb="sm">
            <Tabs.Tab value="classic">{t.classic}</Tabs.Tab>
            <Tabs.Tab value="own">{t.own}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="classic">
            <ClassicExplorer events={events} />
          </Tabs.Panel>
          <Tabs.Panel value="own">
            <EndpointExplorer endpoints={endpoints} />
          </Tabs.Panel>
        </Tabs>
      )}
    </Page>
  );
}
