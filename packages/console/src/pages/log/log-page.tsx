import { Badge, Button, Group, MultiSelect, Select, Text, TextInput } from "@mantine/core";
import {
  IconDownload,
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
  IconSearch,
  IconTrash,
} from "@tabler/icons-react";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useClient, useLive } from "../../api/console-api.tsx";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { download } from "../../shared/download.ts";
import { Page } from "../../shared/page.tsx";
import { asNdjson, EventLog, filterLines, type LogFilter } from "./event-log.ts";
import { eventTypes } from "./event-types.ts";
import { LogLines } from "./log-lines.tsx";
import { logMessages } from "./messages.ts";

const stateColors = { connecting: "gray", live: "teal", lost: "orange" } as const;

export default function LogPage() {
  const t = useMessages(logMessages);
  const formats = useFormats();
  const client = useClient();
  const log = useMemo(() => new EventLog(client), [client]);
  useEffect(() => {
    log.start();
    return () => log.close();
  }, [log]);
  const view = useSyncExternalStore(log.subscribe, log.get);
  const [filter, setFilter] = useState<LogFilter>({ types: [], nodeId: null, text: "" });
  const shown = useMemo(() => filterLines(view.lines, filter), [view.lines, filter]);
  return (
    <Page
      title={t.title}
      actions={
        <Group gap="xs">
          <Badge color={stateColors[view.state]} variant="light" autoContrast role="status">
            {t.states[view.state]}
          </Badge>
          <Button
            variant="light"
            size="xs"
            onClick={() => log.pause(!view.isPaused)}
            leftSection={
              view.isPaused ? (
                <IconPlayerPlayFilled size={14} aria-hidden />
              ) : (
                <IconPlayerPauseFilled size={14} aria-hidden />
              )
            }
          >
            {view.isPaused ? t.goOn : t.pause}
          </Button>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconTrash size={14} aria-hidden />}
            onClick={() => log.clear()}
          >
            {t.clear}
          </Button>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconDownload size={14} aria-hidden />}
            disabled={shown.length === 0}
            onClick={() => download("websocket-center-log.ndjson", "application/x-ndjson", asNdjson(shown))}
          >
            {t.exportLines}
          </Button>
        </Group>
      }
    >
      <Text size="sm">{t.intro}</Text>
      <Filters filter={filter} onChange={setFilter} />
      <LogLines lines={shown} isFollowing={!view.isPaused} />
      <Text size="xs" role="status">
        {t.count(formats.count(shown.length), formats.count(view.lines.length))}
        {view.isPaused && view.waiting > 0 ? ` · ${t.pausedMore(formats.count(view.waiting))}` : ""}
      </Text>
    </Page>
  );
}

function Filters({ filter, onChange }: { filter: LogFilter; onChange: (filter: LogFilter) => void }) {
  const t = useMessages(logMessages);
  const { state } = useLive();
  return (
    <Group gap="sm">
      <MultiSelect
        aria-label={t.types}
        placeholder={filter.types.length === 0 ? t.everyType : ""}
        data={[...eventTypes]}
        value={[...filter.types]}
        onChange={(types) => onChange({ ...filter, types })}
        clearable
        clearButtonProps={{ "aria-label": t.everyType }}
        miw={220}
        maw={420}
      />
      <Select
        aria-label={t.everyNode}
        placeholder={t.everyNode}
        data={(state?.nodes ?? []).map(({ id, publicUrl }) => ({ value: id, label: publicUrl }))}
        value={filter.nodeId}
        onChange={(nodeId) => onChange({ ...filter, nodeId })}
        clearable
        clearButtonProps={{ "aria-label": t.everyNode }}
        w={240}
      />
      <TextInput
        aria-label={t.text}
        placeholder={t.text}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.currentTarget.value })}
        w={240}
      />
    </Group>
  );
}
