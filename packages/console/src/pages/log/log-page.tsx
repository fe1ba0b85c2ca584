import { Badge, Button, Group, MultiSelect, Select, Text, TextInput } from "@mantine/core";
import {
  IconDownload,
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
  IconSearch,
  IconTrash,
} from "@tabler/icons-react";
import { useDeferredValue, useEffect, useMemo, useSyncExternalStore } from "react";
import { useClient, useLive } from "../../api/console-api.tsx";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { download } from "../../shared/download.ts";
import { Page } from "../../shared/page.tsx";
import { asNdjson, EventLog, type EventLogView } from "./event-log.ts";
import { eventTypes } from "./event-types.ts";
import { LogLines } from "./log-lines.tsx";
import { logMessages } from "./messages.ts";

const stateColors = { connecting: "gray", live: "teal", lost: "orange" } as const;

/**
 * What comes several times a second is looked at by the parts that show it, each for what it shows: the rest of the page
 * is not made anew for it.
 */
export default function LogPage() {
  const t = useMessages(logMessages);
  const client = useClient();
  const log = useMemo(() => new EventLog(client), [client]);
  useEffect(() => {
    log.start();
    return () => log.close();
  }, [log]);
  return (
    <Page title={t.title} actions={<Actions log={log} />}>
      <Text size="sm">{t.intro}</Text>
      <Filters log={log} />
      <Lines log={log} />
      <Counts log={log} />
    </Page>
  );
}

/** A part of what the log shows. `select` gives the same value while nothing changed that matters. */
function useLog<Value>(log: EventLog, select: (view: EventLogView) => Value): Value {
  return useSyncExternalStore(log.subscribe, () => select(log.get()));
}

function Actions({ log }: { log: EventLog }) {
  const t = useMessages(logMessages);
  const state = useLog(log, (view) => view.state);
  const isPaused = useLog(log, (view) => view.isPaused);
  const isEmpty = useLog(log, (view) => view.shown.length === 0);
  const exportLines = (): void =>
    download("websocket-center-log.ndjson", "application/x-ndjson", asNdjson(log.get().shown));
  return (
    <Group gap="xs">
      <Badge color={stateColors[state]} variant="light" autoContrast role="status">
        {t.states[state]}
      </Badge>
      <Button
        variant="light"
        size="xs"
        onClick={() => log.pause(!isPaused)}
        leftSection={
          isPaused ? (
            <IconPlayerPlayFilled size={14} aria-hidden />
          ) : (
            <IconPlayerPauseFilled size={14} aria-hidden />
          )
        }
      >
        {isPaused ? t.goOn : t.pause}
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
        disabled={isEmpty}
        onClick={exportLines}
      >
        {t.exportLines}
      </Button>
    </Group>
  );
}

function Filters({ log }: { log: EventLog }) {
  const t = useMessages(logMessages);
  const filter = useLog(log, (view) => view.filter);
  const { state } = useLive();
  return (
    <Group gap="sm">
      <MultiSelect
        aria-label={t.types}
        placeholder={filter.types.length === 0 ? t.everyType : ""}
        data={eventTypes}
        value={[...filter.types]}
        onChange={(types) => log.filter({ ...filter, types })}
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
        onChange={(nodeId) => log.filter({ ...filter, nodeId })}
        clearable
        clearButtonProps={{ "aria-label": t.everyNode }}
        w={240}
      />
      <TextInput
        aria-label={t.text}
        placeholder={t.text}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={filter.text}
        onChange={(event) => log.filter({ ...filter, text: event.currentTarget.value })}
        w={240}
      />
    </Group>
  );
}

function Lines({ log }: { log: EventLog }) {
  const isPaused = useLog(log, (view) => view.isPaused);
  // Deferred: many new lines are made in slices between which the page answers.
  const lines = useDeferredValue(useLog(log, (view) => view.shown));
  return <LogLines lines={lines} isFollowing={!isPaused} />;
}

function Counts({ log }: { log: EventLog }) {
  const t = useMessages(logMessages);
  const formats = useFormats();
  const shown = useLog(log, (view) => view.shown.length);
  const kept = useLog(log, (view) => view.lines.length);
  const waiting = useLog(log, (view) => view.waiting);
  return (
    <Text size="xs">
      {t.count(formats.count(shown), formats.count(kept))}
      {waiting > 0 ? ` · ${t.pausedMore(formats.count(waiting))}` : ""}
    </Text>
  );
}
