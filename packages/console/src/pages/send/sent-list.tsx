import { Button, Code, Group, Stack, Text } from "@mantine/core";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Section } from "../../shared/section.tsx";
import type { Draft } from "./draft.ts";
import type { Sent } from "./history.ts";
import { sendMessages } from "./messages.ts";

const PREVIEW_CHARS = 120;

export function SentList({
  sent,
  onTakeUp,
  onClear,
}: {
  sent: readonly Sent[];
  onTakeUp: (draft: Draft) => void;
  onClear: () => void;
}) {
  const t = useMessages(sendMessages);
  const formats = useFormats();
  return (
    <Section
      title={t.history}
      actions={
        sent.length > 0 && (
          <Button variant="subtle" size="compact-sm" onClick={onClear}>
            {t.clear}
          </Button>
        )
      }
    >
      {sent.length === 0 && <Text size="sm">{t.historyEmpty}</Text>}
      <Stack gap="xs">
        {sent.map(({ at, draft, queued }) => (
          <Group key={`${at} ${draft.id}`} gap="sm" wrap="nowrap" justify="space-between" align="flex-start">
            <Stack gap={0} miw={0}>
              <Text size="xs">
                {formats.clock(at)} · {t.targets[draft.target]} {draft.target === "everyone" ? "" : draft.id}{" "}
                · {t.queued(formats.count(queued))}
              </Text>
              <Code style={{ overflowWrap: "anywhere" }}>{draft.text.slice(0, PREVIEW_CHARS)}</Code>
            </Stack>
            <Button variant="light" size="compact-xs" onClick={() => onTakeUp(draft)} flex="none">
              {t.again}
            </Button>
          </Group>
        ))}
      </Stack>
    </Section>
  );
}
