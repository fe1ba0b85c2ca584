import { Anchor, Table, Text } from "@mantine/core";
import type { OpsNode, OpsState } from "@websocket-center/protocol";
import { useMemo } from "react";
import { Link } from "wouter";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Fold } from "../../shared/fold.tsx";
import { Section } from "../../shared/section.tsx";
import { NodeLink } from "../../shared/links.tsx";
import classes from "./cluster-map.module.css";
import { type ClusterLinks, clusterLinks, type MapCenter } from "./links.ts";
import { overviewMessages } from "./messages.ts";

const BOX = { width: 190, height: 52, gap: 16 } as const;
const ROW_GAP = 90;
/** More nodes than these in a row are hard to tell apart: the table has them all. */
const MAX_NODES = 24;

/** Centers above, nodes below, a line for each link: whole where it is up, broken where it is lost. */
export function ClusterMap({ state }: { state: OpsState }) {
  const t = useMessages(overviewMessages);
  const cluster = useMemo(() => clusterLinks(state), [state]);
  const lost = cluster.links.filter(({ isUp }) => !isUp).length;
  const summary = t.clusterSummary(cluster.centers.length, cluster.nodes.length, lost);
  return (
    <Section title={t.clusterTitle}>
      <Text size="sm" mb="xs" data-testid="cluster-summary">
        {summary}
      </Text>
      {cluster.nodes.length <= MAX_NODES && <Drawing cluster={cluster} summary={summary} />}
      <Fold label={t.asTable} isOpenAtFirst={cluster.nodes.length > MAX_NODES}>
        <LinkTable cluster={cluster} />
      </Fold>
    </Section>
  );
}

function Drawing({ cluster, summary }: { cluster: ClusterLinks; summary: string }) {
  const { centers, nodes, links } = cluster;
  const columns = Math.max(centers.length, Math.min(nodes.length, 6), 1);
  const width = columns * (BOX.width + BOX.gap) - BOX.gap;
  const nodeTop = (at: number): number => BOX.height + ROW_GAP + Math.floor(at / 6) * (BOX.height + BOX.gap);
  const leftOf = (at: number, count: number): number => {
    const rowWidth = count * (BOX.width + BOX.gap) - BOX.gap;
    return (width - rowWidth) / 2 + at * (BOX.width + BOX.gap);
  };
  const inRow = (at: number): number => Math.min(6, nodes.length - Math.floor(at / 6) * 6);
  const nodePlaces = new Map(
    nodes.map(({ id }, at) => [id, { x: leftOf(at % 6, inRow(at)), y: nodeTop(at) }]),
  );
  const centerPlaces = new Map(centers.map(({ key }, at) => [key, { x: leftOf(at, centers.length), y: 0 }]));
  const height = nodeTop(Math.max(0, nodes.length - 1)) + BOX.height;
  return (
    <div className={classes["scroll"]} tabIndex={0} role="group" aria-label={summary}>
      <svg
        viewBox={`-2 -2 ${width + 4} ${height + 4}`}
        style={{ width: width + 4, maxWidth: "100%", minWidth: Math.min(width + 4, 640) }}
        role="presentation"
      >
        {links.map(({ centerKey, nodeId, isUp }) => {
          const from = centerPlaces.get(centerKey);
          const to = nodePlaces.get(nodeId);
          if (from === undefined || to === undefined) return null;
          const startX = from.x + BOX.width / 2;
          const endX = to.x + BOX.width / 2;
          return (
            <path
              key={`${centerKey} ${nodeId}`}
              className={isUp ? classes["up"] : classes["lost"]}
              d={`M ${startX} ${BOX.height} C ${startX} ${BOX.height + ROW_GAP / 2}, ${endX} ${to.y - ROW_GAP / 2}, ${endX} ${to.y}`}
            />
          );
        })}
        {centers.map((center) => (
          <CenterBox key={center.key} center={center} {...(centerPlaces.get(center.key) ?? { x: 0, y: 0 })} />
        ))}
        {nodes.map((node) => (
          <NodeBox key={node.id} node={node} {...(nodePlaces.get(node.id) ?? { x: 0, y: 0 })} />
        ))}
      </svg>
    </div>
  );
}

function CenterBox({ center, x, y }: { center: MapCenter; x: number; y: number }) {
  const t = useMessages(overviewMessages);
  const note = center.isThis ? t.thisCenter : center.isReached ? t.center : t.unknownCenter;
  return (
    <g transform={`translate(${x} ${y})`} className={center.isReached ? classes["center"] : classes["gone"]}>
      <rect width={BOX.width} height={BOX.height} rx={10} />
      <text x={BOX.width / 2} y={22} className={classes["name"]}>
        {center.name}
      </text>
      <text x={BOX.width / 2} y={40} className={classes["note"]}>
        {note}
      </text>
    </g>
  );
}

function NodeBox({ node, x, y }: { node: OpsNode; x: number; y: number }) {
  const t = useMessages(overviewMessages);
  const formats = useFormats();
  const trouble = troubleOf(node);
  const connections = `${formats.count(node.connections)} ${t.connections.toLowerCase()}`;
  return (
    <a href={`#/nodes/${node.id}`}>
      <g
        transform={`translate(${x} ${y})`}
        className={trouble === undefined ? classes["node"] : classes["warned"]}
      >
        <rect width={BOX.width} height={BOX.height} rx={10} />
        <text x={BOX.width / 2} y={22} className={classes["name"]}>
          {node.publicUrl.replace(/^wss?:\/\//, "").slice(0, 24)}
        </text>
        <text x={BOX.width / 2} y={40} className={classes["note"]}>
          {trouble === undefined ? connections : `${t[trouble]} · ${connections}`}
        </text>
      </g>
    </a>
  );
}

function troubleOf({ state, draining, full }: OpsNode): "suspect" | "draining" | "full" | undefined {
  if (state === "suspect") return "suspect";
  if (draining) return "draining";
  return full ? "full" : undefined;
}

function LinkTable({ cluster }: { cluster: ClusterLinks }) {
  const t = useMessages(overviewMessages);
  const { centers, nodes, links } = cluster;
  const stateOf = (centerKey: string, nodeId: string): string => {
    const link = links.find((each) => each.centerKey === centerKey && each.nodeId === nodeId);
    if (link === undefined) return "–";
    return link.isUp ? t.linkUp : t.linkLost;
  };
  return (
    <Table.ScrollContainer minWidth={400}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.node}</Table.Th>
            {centers.map(({ key, name }) => (
              <Table.Th key={key}>{name}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {nodes.map(({ id, publicUrl }) => (
            <Table.Tr key={id}>
              <Table.Td>
                <Anchor component={Link} to={`/nodes/${id}`} size="sm">
                  {publicUrl}
                </Anchor>{" "}
                <NodeLink id={id} />
              </Table.Td>
              {centers.map(({ key }) => (
                <Table.Td key={key}>{stateOf(key, id)}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
