import { Badge, Button, Code, Group, Paper, SimpleGrid, Table, Text } from "@mantine/core";
import type { OpsNode } from "@websocket-center/protocol";
import { Link, useParams } from "wouter";
import { useLive } from "../../api/console-api.tsx";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { TimeChart } from "../../shared/charts/time-chart.tsx";
import { Facts } from "../../shared/facts.tsx";
import { Page } from "../../shared/page.tsx";
import { Section } from "../../shared/section.tsx";
import { Empty, Loading } from "../../shared/states.tsx";
import { DrainButton } from "./drain-button.tsx";
import { nodeMessages } from "./messages.ts";
import { NodeServices } from "./node-services.tsx";
import { NodeState } from "./node-state.tsx";

export default function NodePage() {
  const t = useMessages(nodeMessages);
  const { nodeId } = useParams<{ nodeId: string }>();
  const { state } = useLive();
  if (state === undefined) return <Loading />;
  const node = state.nodes.find(({ id }) => id === nodeId);
  if (node === undefined) {
    return (
      <Page title={t.nodeTitle(nodeId.slice(0, 12))}>
        <Empty title={t.gone}>{t.goneHint}</Empty>
      </Page>
    );
  }
  return (
    <Page
      title={t.nodeTitle(node.publicUrl.replace(/^wss?:\/\//, ""))}
      actions={
        <Group gap="xs">
          <Button component={Link} to={`/connections?nodeId=${node.id}`} variant="default">
            {t.showConnections}
          </Button>
          <DrainButton node={node} />
        </Group>
      }
    >
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
        <NodeFacts node={node} now={state.at} />
        <NodeCenters node={node} />
      </SimpleGrid>
      <NodeServices nodeId={node.id} />
      <NodeCharts nodeId={node.id} />
    </Page>
  );
}

function NodeFacts({ node, now }: { node: OpsNode; now: number }) {
  const t = useMessages(nodeMessages);
  const formats = useFormats();
  const { vitals } = node;
  return (
    <Paper withBorder p="md" radius="md">
      <Facts
        facts={[
          [t.state, <NodeState key="state" node={node} />],
          [t.id, <Code key="id">{node.id}</Code>],
          [t.address, node.publicUrl],
          [t.linkAddress, node.address],
          [t.version, node.version],
          [t.startedAt, `${formats.dateTime(node.startedAt)} (${formats.duration(now - node.startedAt)})`],
          [t.linkedAt, formats.dateTime(node.linkedAt)],
          [t.connections, formats.count(node.connections)],
          [t.users, formats.count(node.users)],
          [t.groups, formats.count(node.groups)],
          [t.memory, vitals === null ? "–" : formats.bytes(vitals.runtime.rssBytes)],
          [t.loopDelay, vitals === null ? "–" : formats.ms(vitals.runtime.loopDelayMs)],
        ]}
      />
    </Paper>
  );
}

function NodeCenters({ node }: { node: OpsNode }) {
  const t = useMessages(nodeMessages);
  return (
    <Section title={t.centers}>
      {node.vitals === null ? (
        <Text size="sm">{t.noVitals}</Text>
      ) : (
        <Table aria-label={t.centers}>
          <Table.Tbody>
            {node.vitals.centers.map(({ address, linked, about }) => (
              <Table.Tr key={address}>
                <Table.Td>{address}</Table.Td>
                <Table.Td>{about?.url}</Table.Td>
                <Table.Td ta="end">
                  <Badge color={linked ? "teal" : "red"} variant="light" autoContrast>
                    {linked ? t.linkUp : t.linkLost}
                  </Badge>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  );
}

function NodeCharts({ nodeId }: { nodeId: string }) {
  const t = useMessages(nodeMessages);
  const formats = useFormats();
  const { points } = useLive();
  const times = points.map(({ at }) => at);
  const moments = points.map(({ nodes }) => nodes[nodeId]);
  const values = (
    read: (moment: NonNullable<(typeof moments)[number]>) => number | null,
  ): (number | null)[] => moments.map((moment) => (moment === undefined ? null : read(moment)));
  return (
    <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }} spacing="sm">
      <TimeChart
        title={t.messages}
        times={times}
        lines={[
          { label: t.out, values: values(({ messagesOut }) => messagesOut) },
          { label: t.in, values: values(({ messagesIn }) => messagesIn) },
        ]}
        format={(value) => t.perSecond(formats.decimal(value))}
      />
      <TimeChart
        title={t.connections}
        times={times}
        lines={[{ label: t.connections, values: values(({ connections }) => connections) }]}
        format={formats.count}
      />
      <TimeChart
        title={t.cpu}
        times={times}
        lines={[{ label: t.cpu, values: values(({ cpu }) => cpu) }]}
        format={formats.percent}
      />
      <TimeChart
        title={t.memory}
        times={times}
        lines={[{ label: t.memory, values: values(({ rssBytes }) => rssBytes) }]}
        format={formats.bytes}
      />
      <TimeChart
        title={t.loopDelay}
        times={times}
        lines={[{ label: t.loopDelay, values: values(({ loopDelayMs }) => loopDelayMs) }]}
        format={formats.ms}
      />
    </SimpleGrid>
  );
}
