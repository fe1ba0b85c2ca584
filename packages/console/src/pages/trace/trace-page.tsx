import { Button, Group, Paper, Text } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { OpsTrace } from "@websocket-center/protocol";
import { type FormEvent, useEffect, useState } from "react";
import type { CenterClient } from "../../api/center-client.ts";
import { useCenters, useClient } from "../../api/console-api.tsx";
import { useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";
import { Empty, Failed, Loading } from "../../shared/states.tsx";
import { SubjectFields } from "../../shared/subject-fields.tsx";
import { type Subject, subjectOf } from "../../shared/subject.ts";
import { messageOf } from "../../shared/texts.ts";
import { useQueryParams } from "../../shared/use-query-params.ts";
import { accountOf, type CenterAnswer } from "./account.ts";
import { traceMessages } from "./messages.ts";
import { Timeline } from "./timeline.tsx";
import { Verdict } from "./verdict.tsx";

const kinds = ["callId", "userId", "connectionId", "groupId"] as const;

export default function TracePage() {
  const t = useMessages(traceMessages);
  const client = useClient();
  const centers = useCenters();
  const [params] = useQueryParams();
  const subject = subjectOf(params, kinds);
  const { data, error, isFetching, refetch } = useQuery({
    // Other centers are heard of a little after the page was opened: then they are asked too.
    queryKey: ["ops/trace", subject, centers.toSorted()],
    enabled: subject !== undefined,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) =>
      subject === undefined ? undefined : accountOf(subject, await askCenters(client, subject, signal)),
  });
  return (
    <Page title={t.title}>
      <Text fw={600}>{t.question}</Text>
      <Text size="sm">{t.intro}</Text>
      <SubjectForm subject={subject} onAgain={() => void refetch()} isFetching={isFetching} />
      {subject === undefined && <Empty title={t.nothingYet} />}
      {error !== null && <Failed error={error} onRetry={() => void refetch()} />}
      {isFetching && data === undefined && <Loading />}
      {data !== undefined && data.subject.kind === subject?.kind && data.subject.id === subject.id && (
        <>
          <Verdict account={data} />
          {data.happenings.length > 0 && <Timeline account={data} />}
        </>
      )}
    </Page>
  );
}

/** Each center remembers its own calls: all are asked. Fails where none answers. */
async function askCenters(
  client: CenterClient,
  { kind, id }: Subject,
  signal: AbortSignal,
): Promise<CenterAnswer[]> {
  const path = `ops/trace?${new URLSearchParams({ [kind]: id })}`;
  let failure: unknown;
  const answers = await Promise.all(
    client.session.centers.map(async (center): Promise<CenterAnswer> => {
      try {
        return { center, ok: true, trace: await client.getFrom<OpsTrace>(center, path, signal) };
      } catch (error) {
        failure = error;
        return { center, ok: false, message: messageOf(error) };
      }
    }),
  );
  if (answers.every(({ ok }) => !ok)) throw failure;
  return answers;
}

function SubjectForm({
  subject,
  onAgain,
  isFetching,
}: {
  subject: Subject | undefined;
  onAgain: () => void;
  isFetching: boolean;
}) {
  const t = useMessages(traceMessages);
  const [, change] = useQueryParams();
  const [wanted, setWanted] = useState<Subject>(subject ?? { kind: "userId", id: "" });
  useEffect(() => {
    if (subject !== undefined) setWanted(subject);
  }, [subject?.kind, subject?.id]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (subject?.kind === wanted.kind && subject.id === wanted.id) onAgain();
    else
      change(Object.fromEntries(kinds.map((kind) => [kind, kind === wanted.kind ? wanted.id : undefined])));
  };
  return (
    <Paper withBorder p="md" radius="md" component="form" onSubmit={submit}>
      <Group gap="sm" align="flex-end">
        <SubjectFields label={t.what} kinds={kinds} subject={wanted} onChange={setWanted} />
        <Button type="submit" loading={isFetching} leftSection={<IconSearch size={16} aria-hidden />}>
          {t.lookUp}
        </Button>
      </Group>
    </Paper>
  );
}
