import { Button, Paper, Text } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef, useState } from "react";
import { type Formats, useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import type { LogLine } from "./event-log.ts";
import { toneOf } from "./event-types.ts";
import classes from "./log-lines.module.css";
import { logMessages } from "./messages.ts";

const LINE_HEIGHT = 26;
/** So near to the end counts as at the end. */
const NEAR_PX = 40;

/** The lines, of which only those in sight are in the page. It stays with the newest until one scrolls up. */
export function LogLines({ lines, isFollowing }: { lines: readonly LogLine[]; isFollowing: boolean }) {
  const t = useMessages(logMessages);
  const viewport = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 10,
    getItemKey: (at) => lines[at]?.number ?? at,
  });
  const last = lines.at(-1)?.number;
  useEffect(() => {
    if (isFollowing && isAtEnd && lines.length > 0) virtualizer.scrollToIndex(lines.length - 1);
    // The virtualizer is the same all the while.
  }, [last, lines.length, isFollowing, isAtEnd, virtualizer]);
  const onScroll = (): void => {
    const element = viewport.current;
    if (element === null) return;
    setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX);
  };
  return (
    <Paper withBorder radius="md" pos="relative">
      <div
        ref={viewport}
        className={classes["viewport"]}
        onScroll={onScroll}
        tabIndex={0}
        role="log"
        aria-label={t.log}
        aria-live="off"
      >
        {lines.length === 0 && (
          <Text size="sm" p="md">
            {t.waiting}
          </Text>
        )}
        <div className={classes["all"]} style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, key, start }) => {
            const line = lines[index];
            return line === undefined ? null : (
              <div key={key} className={classes["line"]} style={{ transform: `translateY(${start}px)` }}>
                <LineView line={line} />
              </div>
            );
          })}
        </div>
      </div>
      {!isAtEnd && (
        <Button className={classes["follow"]} size="compact-sm" onClick={() => setAtEnd(true)}>
          {t.follow}
        </Button>
      )}
    </Paper>
  );
}

/** Lines never change: each is made once, however often others come. */
const LineView = memo(function LineView({ line }: { line: LogLine }) {
  const t = useMessages(logMessages);
  const formats = useFormats();
  const { at, type, nodeId, subjects, value } = line;
  return (
    <>
      <time dateTime={new Date(at).toISOString()}>{formats.clock(at)}</time>
      <span className={classes["type"]} data-tone={toneOf(type)}>
        {type}
      </span>
      <span className={classes["node"]}>{nodeId === undefined ? t.center : nodeId.slice(0, 12)}</span>
      <span className={classes["rest"]}>
        {Object.entries(subjects).map(([kind, id]) => (
          <a
            key={kind}
            href={`#/trace?${new URLSearchParams({ [kind]: id })}`}
            className={classes["subject"]}
          >
            {id.length > 34 ? `${id.slice(0, 32)}…` : id}
          </a>
        ))}
        {restText(line, t)} {value === undefined ? "" : valueText(type, value, formats)}
      </span>
    </>
  );
});

/** What the value of an event of that type is, as its unit. */
function valueText(type: string, value: number, formats: Formats): string {
  switch (type) {
    case "call":
    case "call-failed":
      return formats.ms(value);
    case "message":
    case "slow-consumer":
      return formats.bytes(value);
    case "send":
      return `→ ${formats.count(value)}`;
    default:
      return String(value);
  }
}

function restText({ type, detail }: LogLine, t: (typeof logMessages)["en"]): string {
  if (type === "skipped") return t.skipped(detail);
  return type === "gap" ? t.gap : detail;
}
