import { Alert, Badge, Button, Group, Paper, Select, Table, Text } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { type FormEvent, useEffect, useState, useSyncExternalStore } from "react";
import { useClient } from "../../api/console-api.tsx";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { ConnectionLink } from "../../shared/links.tsx";
import { Page } from "../../shared/page.tsx";
import { Failed } from "../../shared/states.tsx";
import { SubjectFields } from "../../shared/subject-fields.tsx";
import { type Subject, subjectOf } from "../../shared/subject.ts";
import { useQueryParams } from "../../shared/use-query-params.ts";
import { watchMessages } from "./messages.ts";
import { WatchRun, type WatchEvent, type WatchTarget } from "./watch-run.ts";

const kinds = ["userId", "connectionId"] as const;

export default function WatchPage() {
  const t = useMessages(watchMessages);
  const client = useClient();
  const [run, setRun] = useState<WatchRun>();
  useEffect(() => () => run?.stop(), [run]);
  return (
    <Page title={t.title}>
      <Text size="sm">{t.intro}</Text>
      <TargetForm onStart={(target) => setRun(new WatchRun(client, target))} />
      {run !== undefined && <RunView run={run} />}
    </Page>
  );
}

function TargetForm({ onStart }: { onStart: (target: WatchTarget) => void }) {
  const t = useMessages(watchMessages);
  const [params] = useQueryParams();
  const [subject, setSubject] = useState<Subject<WatchTarget["kind"]>>(
    () => subjectOf(params, kinds) ?? { kind: "userId", id: "" },
  );
  const [seconds, setSeconds] = useState("60");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onStart({ ...subject, seconds: Number(seconds) });
  };
  return (
    <Paper withBorder p="md" radius="md" component="form" onSubmit={submit}>
      <Group gap="sm" align="flex-end">
        <SubjectFields label={t.what} kinds={kinds} subject={subject} onChange={setSubject} />
        <Select
          label={t.duration}
          data={(["10", "60", "600"] as const).map((value) => ({ value, label: t.seconds[value] }))}
          value={seconds}
          onChange={(value) => setSeconds(value ?? "60")}
          allowDeselect={false}
          w={140}
        />
        <Button type="submit">{t.start}</Button>
      </Group>
    </Paper>
  );
}

function RunView({ run }: { run: WatchRun }) {
  const t = useMessages(watchMessages);
  const formats = useFormats();
  const { state, failure, endsAt, events, total } = useSyncExternalStore(run.subscribe, run.get);
  return (
    <Paper withBorder p="md" radius="md">
      <Group justify="space-between" mb="xs">
        <Group gap="sm" role="status">
          {state === "running" ? <Countdown endsAt={endsAt} /> : null}
          {state === "ended" ? (
            <Badge color="gray" autoContrast variant="light">
              {t.ended}
            </Badge>
          ) : null}
          {state === "stopped" ? (
            <Badge color="gray" autoContrast variant="light">
              {t.stopped}
            </Badge>
          ) : null}
          <Text size="sm">{t.more(formats.count(total))}</Text>
        </Group>
        {state === "running" && (
          <Button variant="light" color="red" size="compact-sm" onClick={() => run.stop()}>
            {t.stop}
          </Button>
        )}
      </Group>
      {state === "failed" && <Failed error={failure} />}
      <Text size="xs" mb="xs">
        {t.legend}
      </Text>
      {events.length === 0 ? (
        state === "running" && <Alert color="blue">{t.nothing}</Alert>
      ) : (
        <EventTable events={events} />
      )}
    </Paper>
  );
}

function Countdown({ endsAt }: { endsAt: number }) {
  const t = useMessages(watchMessages);
  const [now, setNow] = useState(Date.now());
  useInterval(() => setNow(Date.now()), 1000, { autoInvoke: true });
  return (
    <Badge color="teal" variant="light" autoContrast>
      {t.left(Math.max(0, Math.round((endsAt - now) / 1000)))}
    </Badge>
  );
}

function EventTable({ events }: { events: readonly WatchEvent[] }) {
  const t = useMessages(watchMessages);
  const formats = useFormats();
  const bytes = (value: number | undefined): string => (value === undefined ? "" : formats.bytes(value));
  return (
    <Table.ScrollContainer minWidth={700}>
      <Table aria-label={t.title} style={{ fontVariantNumeric: "tabular-nums" }}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.time}</Table.Th>
            <Table.Th>{t.connection}</Table.Th>
            <Table.Th>{t.event}</Table.Th>
            <Table.Th ta="end">{t.bytes}</Table.Th>
            <Table.Th ta="end">{t.waiting}</Table.Th>
            <Table.Th>{t.detail}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <Table.Tr key={event.key}>
              <Table.Td>{event.at === undefined ? "" : formats.clock(event.at)}</Table.Td>
              <Table.Td>
                {event.connectionId === undefined ? "" : <ConnectionLink id={event.connectionId} />}
              </Table.Td>
              <Table.Td>{t.types[event.type]}</Table.Td>
              <Table.Td ta="end">{bytes(event.bytes)}</Table.Td>
              <Table.Td ta="end">{bytes(event.bufferedBytes)}</Table.Td>
              <Table.Td>{event.detail}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
