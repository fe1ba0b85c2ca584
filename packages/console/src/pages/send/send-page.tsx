import {
  Alert,
  Anchor,
  Button,
  Group,
  Paper,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Textarea,
  TextInput,
} from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { useCenter, useClient, useLive, useMay } from "../../api/console-api.tsx";
import { type NodeResult, runOnHub } from "../../api/hub.ts";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { CopyButton } from "../../shared/copy-button.tsx";
import { curlOf } from "../../shared/curl.ts";
import { parseJson } from "../../shared/json.ts";
import { sharedMessages } from "../../shared/messages.ts";
import { jsonBody } from "../../shared/request-body.ts";
import { Page } from "../../shared/page.tsx";
import { ResultsByNode } from "../../shared/results-by-node.tsx";
import { Failed } from "../../shared/states.tsx";
import { useQueryParams } from "../../shared/use-query-params.ts";
import { ScopedButton } from "../../shared/scoped-button.tsx";
import { commandOf, type Draft, draftOf, problemOf, targets } from "./draft.ts";
import { useSent } from "./history.ts";
import { SentList } from "./sent-list.tsx";
import { sendMessages } from "./messages.ts";

interface Outcome {
  results: NodeResult[];
  queued: number;
  callId: string | undefined;
}

export default function SendPage() {
  const t = useMessages(sendMessages);
  const client = useClient();
  const [params] = useQueryParams();
  const [draft, setDraft] = useState<Draft>(() => draftOf(params));
  const [isUnderWay, setUnderWay] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const [failure, setFailure] = useState<unknown>();
  const { sent, add, clear } = useSent();
  const send = async (): Promise<void> => {
    setUnderWay(true);
    setFailure(undefined);
    setOutcome(undefined);
    try {
      const command = commandOf(draft);
      const { value: results, callId } = await runOnHub(client, command.name, command.params);
      const queued = queuedIn(results);
      setOutcome({ results, queued, callId });
      add({ at: Date.now(), draft, queued, callId });
    } catch (error) {
      setFailure(error);
    } finally {
      setUnderWay(false);
    }
  };
  return (
    <Page title={t.title}>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="sm">
        <Stack gap="sm">
          <DraftForm draft={draft} onChange={setDraft} onSend={() => void send()} isUnderWay={isUnderWay} />
          {failure !== undefined && <Failed error={failure} />}
          {outcome !== undefined && <OutcomeView outcome={outcome} />}
        </Stack>
        <SentList sent={sent} onTakeUp={setDraft} onClear={clear} />
      </SimpleGrid>
    </Page>
  );
}

function queuedIn(results: readonly NodeResult[]): number {
  return results.reduce(
    (sum, result) => sum + (result.ok && typeof result.value === "number" ? result.value : 0),
    0,
  );
}

function DraftForm({
  draft,
  onChange,
  onSend,
  isUnderWay,
}: {
  draft: Draft;
  onChange: (draft: Draft) => void;
  onSend: () => void;
  isUnderWay: boolean;
}) {
  const t = useMessages(sendMessages);
  const shared = useMessages(sharedMessages);
  const { state } = useLive();
  const center = useCenter();
  const maySend = useMay("send");
  const problem = problemOf(draft);
  const isComplete = problem === undefined && (draft.target === "everyone" || draft.id !== "");
  const command = commandOf(draft);
  const curl = curlOf({
    method: "POST",
    url: new URL(`services/websocket/${command.name}`, center).href,
    body: jsonBody({ mode: "all", params: command.params }),
    needsToken: state?.access.needsToken === true,
  });
  const formatText = (): void => {
    const parsed = parseJson(draft.text);
    if (parsed.ok) onChange({ ...draft, text: JSON.stringify(parsed.value, null, 2) });
  };
  return (
    <Paper
      withBorder
      p="md"
      radius="md"
      component="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (isComplete && maySend) onSend();
      }}
    >
      <Stack gap="sm">
        <Group gap="sm" align="flex-end" grow preventGrowOverflow={false}>
          <Select
            label={t.to}
            data={targets.map((value) => ({ value, label: t.targets[value] }))}
            value={draft.target}
            onChange={(target) => onChange({ ...draft, target: target ?? "everyone" })}
            allowDeselect={false}
          />
          {draft.target !== "everyone" && (
            <TextInput
              label={t.ids[draft.target]}
              value={draft.id}
              onChange={(event) => onChange({ ...draft, id: event.currentTarget.value })}
              required
            />
          )}
        </Group>
        <Group gap="sm" justify="space-between">
          <SegmentedControl
            aria-label={t.format}
            data={[
              { value: "text", label: t.text },
              { value: "json", label: t.json },
            ]}
            value={draft.format}
            onChange={(format) => onChange({ ...draft, format })}
          />
          {draft.format === "json" && (
            <Button variant="subtle" size="compact-sm" onClick={formatText} disabled={problem !== undefined}>
              {t.formatJson}
            </Button>
          )}
        </Group>
        <Textarea
          label={t.message}
          value={draft.text}
          onChange={(event) => onChange({ ...draft, text: event.currentTarget.value })}
          autosize
          minRows={5}
          maxRows={20}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          error={problem === undefined || draft.text === "" ? undefined : shared.invalidJson(problem)}
        />
        <Group gap="sm">
          <ScopedButton
            scope="send"
            type="submit"
            disabled={!isComplete}
            loading={isUnderWay}
            leftSection={<IconSend size={16} aria-hidden />}
          >
            {t.send}
          </ScopedButton>
          <CopyButton text={curl} label={t.asCurl} />
        </Group>
      </Stack>
    </Paper>
  );
}

function OutcomeView({ outcome }: { outcome: Outcome }) {
  const t = useMessages(sendMessages);
  const formats = useFormats();
  const { results, queued, callId } = outcome;
  const isWhole = results.every(({ ok }) => ok);
  const text = queued === 0 && isWhole ? t.queuedNone : isWhole ? t.queued : t.partly;
  return (
    <Paper withBorder p="md" radius="md">
      <Stack gap="sm">
        <Alert color={isWhole ? (queued > 0 ? "teal" : "orange") : "red"} role="status">
          {typeof text === "string" ? text : text(formats.count(queued))}{" "}
          {callId !== undefined && (
            <Anchor component={Link} to={`/trace?callId=${callId}`} size="sm" underline="always">
              {t.look}
            </Anchor>
          )}
        </Alert>
        <ResultsByNode results={results} />
      </Stack>
    </Paper>
  );
}
