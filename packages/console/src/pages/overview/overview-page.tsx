import { Alert, Anchor, SimpleGrid } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import type { OpsNode, OpsPoint } from "@websocket-center/protocol";
import { Link } from "wouter";
import { useLive } from "../../api/console-api.tsx";
import { type Formats, useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { TimeChart } from "../../shared/charts/time-chart.tsx";
import { Page } from "../../shared/page.tsx";
import { Empty, Loading } from "../../shared/states.tsx";
import { Tile } from "../../shared/tile.tsx";
import { ClusterMap } from "./cluster-map.tsx";
import { overviewMessages } from "./messages.ts";

export default function OverviewPage() {
  const t = useMessages(overviewMessages);
  const { points, state } = useLive();
  const latest = points.at(-1);
  if (state === undefined || latest === undefined) return <Loading />;
  return (
    <Page title={t.title}>
      {state.nodes.length === 0 ? (
        <Empty title={t.noNodes}>{t.noNodesHint}</Empty>
      ) : (
        latest.connections === 0 && <FirstSteps />
      )}
      <Tiles latest={latest} nodes={state.nodes} />
      <ClusterMap state={state} />
      <Charts points={points} />
    </Page>
  );
}

function FirstSteps() {
  const t = useMessages(overviewMessages);
  return (
    <Alert icon={<IconInfoCircle aria-hidden />} title={t.noClients}>
      {t.noClientsHint}{" "}
      <Anchor component={Link} to="/try" size="sm" underline="always">
        {t.tryIt}
      </Anchor>
    </Alert>
  );
}

function Tiles({ latest, nodes }: { latest: OpsPoint; nodes: readonly OpsNode[] }) {
  const t = useMessages(overviewMessages);
  const formats = useFormats();
  const rate = (value: number | null): string => (value === null ? "–" : t.perSecond(formats.decimal(value)));
  const bytes = (value: number | null): string | undefined =>
    value === null ? undefined : t.perSecond(formats.bytes(value));
  return (
    <SimpleGrid cols={{ base: 2, sm: 4, xl: 8 }} spacing="sm">
      <NodesTile nodes={nodes} />
      <Tile label={t.connections} value={formats.count(latest.connections)} />
      <Tile label={t.users} value={formats.count(latest.users)} />
      <Tile label={t.groups} value={formats.count(latest.groups)} />
      <Tile label={t.messagesOut} value={rate(latest.messagesOut)} hint={bytes(latest.bytesOut)} />
      <Tile label={t.messagesIn} value={rate(latest.messagesIn)} hint={bytes(latest.bytesIn)} />
      <Tile
        label={t.slowConsumers}
        value={rate(latest.slowConsumers)}
        hint={t.waiting(formats.bytes(latest.waitingBytes))}
        tone={(latest.slowConsumers ?? 0) > 0 ? "alarm" : "calm"}
      />
      <Tile label={t.calls} value={rate(latest.calls)} hint={latencyText(latest, t, formats)} />
    </SimpleGrid>
  );
}

function NodesTile({ nodes }: { nodes: readonly OpsNode[] }) {
  const t = useMessages(overviewMessages);
  const formats = useFormats();
  const suspects = nodes.filter(({ state }) => state === "suspect").length;
  const draining = nodes.filter((node) => node.draining).length;
  const notes = [
    suspects > 0 ? `${suspects} ${t.suspect}` : "",
    draining > 0 ? `${draining} ${t.draining}` : "",
  ].filter((note) => note !== "");
  return (
    <Tile
      label={t.nodes}
      value={formats.count(nodes.length)}
      hint={notes.length === 0 ? t.allWell : notes.join(", ")}
      tone={suspects > 0 ? "alarm" : "calm"}
    />
  );
}

function latencyText(
  { callP50Ms, callP99Ms }: OpsPoint,
  t: (typeof overviewMessages)["en"],
  formats: Formats,
): string {
  if (callP50Ms === null || callP99Ms === null) return t.noCalls;
  return t.latency(formats.ms(callP50Ms), formats.ms(callP99Ms));
}

function Charts({ points }: { points: readonly OpsPoint[] }) {
  const t = useMessages(overviewMessages);
  const formats = useFormats();
  const times = points.map(({ at }) => at);
  const line = (label: string, read: (point: OpsPoint) => number | null) => ({
    label,
    values: points.map(read),
  });
  const perSecond = (value: number): string => t.perSecond(formats.decimal(value));
  return (
    <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }} spacing="sm">
      <TimeChart
        title={`${t.messagesOut} · ${t.messagesIn}`}
        times={times}
        lines={[line(t.out, ({ messagesOut }) => messagesOut), line(t.in, ({ messagesIn }) => messagesIn)]}
        format={perSecond}
      />
      <TimeChart
        title={t.bytes}
        times={times}
        lines={[line(t.out, ({ bytesOut }) => bytesOut), line(t.in, ({ bytesIn }) => bytesIn)]}
        format={(value) => t.perSecond(formats.bytes(value))}
      />
      <TimeChart
        title={`${t.connections} · ${t.users}`}
        times={times}
        lines={[line(t.connections, ({ connections }) => connections), line(t.users, ({ users }) => users)]}
        format={formats.count}
      />
      <TimeChart
        title={t.comings}
        times={times}
        lines={[line(t.opened, ({ opened }) => opened), line(t.closed, ({ closed }) => closed)]}
        format={perSecond}
      />
      <TimeChart
        title={t.callLatency}
        times={times}
        lines={[line("p50", ({ callP50Ms }) => callP50Ms), line("p99", ({ callP99Ms }) => callP99Ms)]}
        format={formats.ms}
      />
      <TimeChart
        title={t.slowConsumers}
        times={times}
        lines={[line(t.slowConsumers, ({ slowConsumers }) => slowConsumers)]}
        format={perSecond}
      />
    </SimpleGrid>
  );
}
