import { Paper, Text, useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useLanguage, useMessages } from "../../i18n/language.tsx";
import { sharedMessages } from "../messages.ts";
import { chartColors } from "./colors.ts";
import classes from "./time-chart.module.css";

export interface Line {
  label: string;
  /** One for each time; null where nothing is known. */
  values: readonly (number | null)[];
}

export interface TimeChartProps {
  title: string;
  /** Milliseconds since the Unix epoch, growing. */
  times: readonly number[];
  lines: readonly Line[];
  format: (value: number) => string;
  height?: number;
}

/** Pixels that a time takes below the axis. */
const TIME_WIDTH = 70;

/** The charts of a page share the place of the pointer. */
const pointer = uPlot.sync("time");

/**
 * Lines over time. The numbers under the pointer stand in the legend; without one, the latest. For those who cannot see
 * it, it says its latest numbers.
 */
export function TimeChart({ title, times, lines, format, height = 160 }: TimeChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const scheme = useComputedColorScheme("light");
  const { locale } = useLanguage();
  const t = useMessages(sharedMessages);
  const labels = lines.map(({ label }) => label).join("\n");
  const latestFormat = useRef(format);
  latestFormat.current = format;

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const options = optionsOf({
      scheme,
      locale,
      labels: labels.split("\n"),
      timeLabel: t.time,
      size: { width: element.clientWidth, height },
      format: (value) => latestFormat.current(value),
    });
    const made = new uPlot(options, [[]], element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [scheme, locale, labels, height, t.time]);

  useEffect(() => {
    chart.current?.setData([times.map((time) => time / 1000), ...lines.map(({ values }) => [...values])]);
    if (chart.current !== undefined) showLatest(chart.current);
  });

  const summary = lines.map(({ label, values }) => `${label}: ${latestText(values, format)}`).join(", ");
  return (
    <Paper withBorder p="sm" radius="md">
      <Text size="sm" fw={600} mb={4}>
        {title}
      </Text>
      <div
        ref={place}
        className={classes["chart"]}
        role="img"
        aria-label={`${title}. ${summary}`}
        style={{ minHeight: height }}
      />
    </Paper>
  );
}

/** Without a pointer, the legend has the latest numbers. */
function showLatest(chart: uPlot): void {
  if (typeof chart.cursor.idx === "number") return;
  const count = chart.data[0].length;
  if (count > 0) chart.setLegend({ idx: count - 1 }, false);
}

function latestText(values: readonly (number | null)[], format: (value: number) => string): string {
  const latest = values.at(-1);
  return latest === undefined || latest === null ? "–" : format(latest);
}

function optionsOf({
  scheme,
  locale,
  labels,
  timeLabel,
  size,
  format,
}: {
  scheme: "light" | "dark";
  locale: string;
  labels: readonly string[];
  timeLabel: string;
  size: { width: number; height: number };
  format: (value: number) => string;
}): uPlot.Options {
  const { axis, grid, lines } = chartColors[scheme];
  const minutes = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const clock = new Intl.DateTimeFormat(locale, minutes);
  const clockOf = (splits: readonly number[]): Intl.DateTimeFormat =>
    (splits[1] ?? 0) - (splits[0] ?? 0) < 60 ? second : clock;
  const second = new Intl.DateTimeFormat(locale, { ...minutes, second: "2-digit" });
  const line = { stroke: axis, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    ...size,
    cursor: { sync: { key: pointer.key }, y: false, points: { size: 6 } },
    legend: { live: true },
    hooks: { setCursor: [showLatest] },
    scales: { y: { range: (_chart, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      {
        ...line,
        space: TIME_WIDTH,
        values: (_chart, splits) => splits.map((at) => clockOf(splits).format(at * 1000)),
      },
      { ...line, size: 64, values: (_chart, splits) => splits.map((value) => format(value)) },
    ],
    series: [
      { label: timeLabel, value: (_chart, at) => (at === null ? "" : second.format(at * 1000)) },
      ...labels.map((label, at) => ({
        label,
        stroke: lines[at % lines.length] ?? axis,
        width: 2,
        points: { show: false },
        value: (_chart: uPlot, value: number | null) => (value === null ? "–" : format(value)),
      })),
    ],
  };
}
