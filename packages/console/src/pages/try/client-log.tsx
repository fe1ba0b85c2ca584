import { Button, Code, Group, ScrollArea, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import { type Formats, useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { parseJson } from "../../shared/json.ts";
import classes from "./client-log.module.css";
import { tryMessages } from "./messages.ts";
import type { TryClient, TryEntry } from "./try-client.ts";

const HEIGHT = 220;

/** What happened to a client, the newest last and in sight. */
export function ClientLog({ client }: { client: TryClient }) {
  const t = useMessages(tryMessages);
  const formats = useFormats();
  const viewport = useRef<HTMLDivElement>(null);
  const { entries } = client;
  useEffect(() => {
    viewport.current?.scrollTo({ top: viewport.current.scrollHeight });
  }, [entries]);
  return (
    <div>
      <Group justify="space-between">
        <Text size="sm" fw={600}>
          {t.received}
        </Text>
        <Button
          size="compact-xs"
          variant="subtle"
          onClick={() => client.clear()}
          disabled={entries.length === 0}
        >
          {t.clear}
        </Button>
      </Group>
      <ScrollArea
        h={HEIGHT}
        viewportRef={viewport}
        type="auto"
        viewportProps={{ tabIndex: 0, role: "log", "aria-label": t.received }}
      >
        {entries.length === 0 && <Text size="sm">{t.nothing}</Text>}
        {entries.map((entry) => (
          <div key={entry.number} className={classes["entry"]} data-kind={entry.kind}>
            <time dateTime={new Date(entry.at).toISOString()}>{formats.clock(entry.at)}</time>
            <EntryText entry={entry} formats={formats} />
          </div>
        ))}
      </ScrollArea>
    </div>
  );
}

function EntryText({ entry, formats }: { entry: TryEntry; formats: Formats }) {
  const t = useMessages(tryMessages);
  switch (entry.kind) {
    case "in":
    case "out":
      return (
        <span>
          <b>{t.kinds[entry.kind]}</b> <Code className={classes["message"]}>{prettyText(entry.text)}</Code>
        </span>
      );
    case "binary":
      return (
        <span>
          <b>{t.kinds.in}</b> {t.binary(formats.bytes(entry.bytes))}
        </span>
      );
    case "status":
      return <span>{statusText(entry.status, t)}</span>;
    case "gap":
      return <span>{t.gap(formats.clock(entry.gap.from), formats.clock(entry.gap.to))}</span>;
    case "undelivered":
      return <span>{t.undelivered(entry.count)}</span>;
    case "error":
      return (
        <span>
          <b>{t.kinds.error}</b> {entry.text}
        </span>
      );
  }
}

function statusText(
  status: Extract<TryEntry, { kind: "status" }>["status"],
  t: (typeof tryMessages)["en"],
): string {
  if (status.state === "open") return t.openOn(status.url);
  if (status.state === "waiting" || status.state === "closed") {
    const { code, message } = status.reason;
    return `${t.states[status.state]}: ${t.closedWith(code === undefined ? "" : String(code), message)}`;
  }
  return t.states[status.state];
}

/** JSON is set out to be read; all else stays as it is. */
function prettyText(text: string): string {
  if (!/^[[{]/.test(text)) return text;
  const parsed = parseJson(text);
  return parsed.ok ? JSON.stringify(parsed.value, null, 2) : text;
}
