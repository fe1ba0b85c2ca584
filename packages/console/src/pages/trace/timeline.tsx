import { Anchor, Code, Table, Text } from "@mantine/core";
import type { CenterTrace, NodeTrace } from "@websocket-center/protocol";
import { Link } from "wouter";
import { type Formats, useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { NodeLink } from "../../shared/links.tsx";
import { Section } from "../../shared/section.tsx";
import type { Account, Happening } from "./account.ts";
import { traceMessages } from "./messages.ts";

type Texts = (typeof traceMessages)["en"];

/** All that is remembered, newest first. */
export function Timeline({ account }: { account: Account }) {
  const t = useMessages(traceMessages);
  return (
    <Section title={t.timeline}>
      <Table.ScrollContainer minWidth={700}>
        <Table verticalSpacing="xs" aria-label={t.timeline} style={{ fontVariantNumeric: "tabular-nums" }}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t.time}</Table.Th>
              <Table.Th>{t.where}</Table.Th>
              <Table.Th>{t.happened}</Table.Th>
              <Table.Th>{t.details}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {account.happenings.map((happening) => (
              <Row key={happening.key} happening={happening} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}

function Row({ happening }: { happening: Happening }) {
  const t = useMessages(traceMessages);
  const formats = useFormats();
  const { at, trace, where } = happening;
  return (
    <Table.Tr>
      <Table.Td>{formats.clock(at)}</Table.Td>
      <Table.Td>
        {where === "node" ? <NodeLink id={happening.nodeId} /> : t.center(new URL(happening.center).host)}
      </Table.Td>
      <Table.Td>
        {where === "node" ? nodeText(happening.trace, t) : centerText(happening.trace, t, formats)}
      </Table.Td>
      <Table.Td>
        <Subjects trace={trace} />
        <Text size="xs">
          {where === "node" ? nodeDetails(happening.trace, t, formats) : centerDetails(happening.trace, t)}
        </Text>
      </Table.Td>
    </Table.Tr>
  );
}

function Subjects({ trace }: { trace: CenterTrace | NodeTrace }) {
  const subjects = [
    ["userId", trace.userId],
    ["connectionId", trace.connectionId],
    ["groupId", trace.groupId],
    ["callId", "callId" in trace ? trace.callId : undefined],
  ] as const;
  return (
    <>
      {subjects.map(([kind, id]) =>
        id === undefined ? null : (
          <Anchor
            key={kind}
            component={Link}
            to={`/trace?${new URLSearchParams({ [kind]: id })}`}
            size="xs"
            mr="xs"
          >
            <Code>{id}</Code>
          </Anchor>
        ),
      )}
    </>
  );
}

function centerText({ command, ms, via }: CenterTrace, t: Texts, formats: Formats): string {
  return `${t.took(command, formats.ms(ms))} (${t.via[via]})`;
}

function centerDetails({ asked, linkedNodes, principal }: CenterTrace, t: Texts): string {
  const failed = asked.filter(({ ok }) => !ok).map(({ nodeId, code }) => `${nodeId.slice(0, 12)}: ${code}`);
  // `none`: the API asks for no token.
  const who = principal === "none" ? undefined : principal;
  return [t.askedNodes(asked.length, linkedNodes), who, ...failed]
    .filter((part) => part !== undefined)
    .join(" · ");
}

function nodeText({ what, closeCode, change, error }: NodeTrace, t: Texts): string {
  const name = what in t.whats ? t.whats[what as keyof typeof t.whats] : what;
  return [name, closeCode, change, error].filter((part) => part !== undefined).join(" ");
}

function nodeDetails({ matched, queued, failures = [] }: NodeTrace, t: Texts, formats: Formats): string {
  const counts =
    matched !== undefined && queued !== undefined
      ? t.matchedQueued(formats.count(matched), formats.count(queued))
      : queued !== undefined
        ? t.queuedOnly(formats.count(queued))
        : matched !== undefined
          ? t.matchedOnly(formats.count(matched))
          : "";
  const refused = failures.map(({ connectionId, reason }) => `${connectionId}: ${reason}`);
  return [counts, ...refused].filter((part) => part !== "").join(" · ");
}
