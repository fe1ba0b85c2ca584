import { Anchor, Table } from "@mantine/core";
import type { OpsNode, OpsPoint } from "@websocket-center/protocol";
import { Link } from "wouter";
import { useLive } from "../../api/console-api.tsx";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { NodeLink } from "../../shared/links.tsx";
import { Page } from "../../shared/page.tsx";
import { Empty, Loading } from "../../shared/states.tsx";
import { CenterAddresses } from "./center-addresses.tsx";
import { nodeMessages } from "./messages.ts";
import { NodeState } from "./node-state.tsx";

export default function NodesPage() {
  const t = useMessages(nodeMessages);
  const { state, points } = useLive();
  if (state === undefined) return <Loading />;
  return (
    <Page title={t.title}>
      {state.nodes.length === 0 ? (
        <Empty title={t.none}>{t.noneHint}</Empty>
      ) : (
        <NodeTable nodes={state.nodes} latest={points.at(-1)} now={state.at} />
      )}
      <CenterAddresses />
    </Page>
  );
}

function NodeTable({
  nodes,
  latest,
  now,
}: {
  nodes: readonly OpsNode[];
  latest: OpsPoint | undefined;
  now: number;
}) {
  const t = useMessages(nodeMessages);
  return (
    <Table.ScrollContainer minWidth={900}>
      <Table
        verticalSpacing="xs"
        highlightOnHover
        aria-label={t.title}
        style={{ fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" }}
      >
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.address}</Table.Th>
            <Table.Th>{t.id}</Table.Th>
            <Table.Th>{t.state}</Table.Th>
            <Table.Th>{t.version}</Table.Th>
            <Table.Th>{t.uptime}</Table.Th>
            <Table.Th ta="end">{t.connections}</Table.Th>
            <Table.Th ta="end">{t.messages}</Table.Th>
            <Table.Th ta="end">{t.cpu}</Table.Th>
            <Table.Th ta="end">{t.memory}</Table.Th>
            <Table.Th ta="end">{t.loopDelay}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {nodes.map((node) => (
            <NodeRow key={node.id} node={node} moment={latest?.nodes[node.id]} now={now} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function NodeRow({
  node,
  moment,
  now,
}: {
  node: OpsNode;
  moment: OpsPoint["nodes"][string] | undefined;
  now: number;
}) {
  const formats = useFormats();
  const known = (value: number | null | undefined, format: (value: number) => string): string =>
    value === null || value === undefined ? "–" : format(value);
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={`/nodes/${node.id}`} size="sm">
          {node.publicUrl}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <NodeLink id={node.id} />
      </Table.Td>
      <Table.Td>
        <NodeState node={node} />
      </Table.Td>
      <Table.Td>{node.version}</Table.Td>
      <Table.Td>{formats.duration(now - node.startedAt)}</Table.Td>
      <Table.Td ta="end">{formats.count(node.connections)}</Table.Td>
      <Table.Td ta="end">{known(moment?.messagesOut, formats.decimal)}</Table.Td>
      <Table.Td ta="end">{known(moment?.cpu, formats.percent)}</Table.Td>
      <Table.Td ta="end">{known(moment?.rssBytes, formats.bytes)}</Table.Td>
      <Table.Td ta="end">{known(moment?.loopDelayMs, formats.ms)}</Table.Td>
    </Table.Tr>
  );
}
