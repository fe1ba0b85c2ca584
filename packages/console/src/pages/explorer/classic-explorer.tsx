import {
  ActionIcon,
  Badge,
  Button,
  Code,
  Group,
  Paper,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconSearch, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useCenter } from "../../api/console-api.tsx";
import { useMessages } from "../../i18n/language.tsx";
import { Empty } from "../../shared/states.tsx";
import { classicRequest, type EventCall, isOptional } from "./classic-call.ts";
import { ExchangeView } from "./exchange-view.tsx";
import { explorerMessages } from "./messages.ts";
import type { EventDoc } from "./openapi.ts";
import { useExchange } from "./use-exchange.ts";

/** Puts a request of the classic API together, event by event. */
export function ClassicExplorer({ events }: { events: readonly EventDoc[] }) {
  const t = useMessages(explorerMessages);
  const center = useCenter();
  const exchange = useExchange();
  const [method, setMethod] = useState<"GET" | "POST">("POST");
  const [calls, setCalls] = useState<EventCall[]>([]);
  const chosen = new Set(calls.map(({ event }) => event.name));
  const change = (changed: EventCall): void =>
    setCalls(calls.map((call) => (call.event.name === changed.event.name ? changed : call)));
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="sm">
      <EventList
        events={events}
        chosen={chosen}
        onAdd={(event) => setCalls([...calls, { event, texts: {} }])}
      />
      <Stack gap="sm">
        <Group justify="space-between">
          <Text size="sm">{t.classicHint}</Text>
          <SegmentedControl
            aria-label={t.method}
            data={["GET", "POST"]}
            value={method}
            onChange={(value) => setMethod(value === "GET" ? "GET" : "POST")}
          />
        </Group>
        {calls.length === 0 && <Empty title={t.choose} />}
        {calls.map((call) => (
          <EventForm
            key={call.event.name}
            call={call}
            onChange={change}
            onRemove={() => setCalls(calls.filter((other) => other !== call))}
          />
        ))}
        {calls.length > 0 && (
          <ExchangeView call={classicRequest(center, method, calls)} exchange={exchange} />
        )}
      </Stack>
    </SimpleGrid>
  );
}

function EventList({
  events,
  chosen,
  onAdd,
}: {
  events: readonly EventDoc[];
  /** Names of those that the request has already. */
  chosen: ReadonlySet<string>;
  onAdd: (event: EventDoc) => void;
}) {
  const t = useMessages(explorerMessages);
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found = events.filter(({ name, doc }) => `${name} ${doc}`.toLowerCase().includes(wanted));
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-label={t.add}>
      <TextInput
        aria-label={t.find}
        placeholder={t.find}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        mb="sm"
      />
      <Stack gap={4}>
        {found.map((event) => (
          <Group key={event.name} gap="xs" wrap="nowrap" align="flex-start">
            <ActionIcon
              variant="light"
              size="sm"
              aria-label={t.addNamed(event.name)}
              disabled={chosen.has(event.name)}
              onClick={() => onAdd(event)}
            >
              <IconPlus size={14} aria-hidden />
            </ActionIcon>
            <Text size="sm" component="div">
              <Code>{event.name}</Code> {event.params.map(({ name }) => name).join(", ")}
              <Text size="xs">{event.doc}</Text>
            </Text>
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}

function EventForm({
  call,
  onChange,
  onRemove,
}: {
  call: EventCall;
  onChange: (call: EventCall) => void;
  onRemove: () => void;
}) {
  const t = useMessages(explorerMessages);
  const { event, texts } = call;
  return (
    <Paper withBorder p="sm" radius="md" component="section" aria-label={event.name}>
      <Group justify="space-between">
        <Group gap="sm">
          <Code>{event.name}</Code>
          <Badge variant="light" autoContrast>{`${t.scope}: ${event.scope}`}</Badge>
        </Group>
        <Button
          variant="subtle"
          color="red"
          size="compact-sm"
          onClick={onRemove}
          aria-label={t.removeNamed(event.name)}
        >
          <IconTrash size={14} aria-hidden />
        </Button>
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
        {event.params.map(({ name, kind }) => (
          <TextInput
            key={name}
            label={name}
            description={t.hints[kind]}
            withAsterisk={!isOptional(kind)}
            value={texts[name] ?? ""}
            onChange={({ currentTarget }) =>
              onChange({ ...call, texts: { ...texts, [name]: currentTarget.value } })
            }
          />
        ))}
      </SimpleGrid>
    </Paper>
  );
}
