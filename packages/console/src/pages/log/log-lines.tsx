import { Button, Paper, Text } from "@mantine/core";
import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { memo, type RefObject, useLayoutEffect, useRef, useState } from "react";
import { type Formats, useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import type { LogLine } from "./event-log.ts";
import { toneOf } from "./event-types.ts";
import classes from "./log-lines.module.css";
import { logMessages } from "./messages.ts";

const LINE_HEIGHT = 26;
/** So many more than are in sight, above and below. */
const OVERSCAN = 5;
/** So near to the end counts as at the end. */
const NEAR_PX = 40;

/**
 * The lines, of which only those in sight are in the page. It stays with the newest until one scrolls up. Not made anew
 * but for new lines, so that these may be deferred.
 */
export const LogLines = memo(function LogLines({
  lines,
  isFollowing,
}: {
  lines: readonly LogLine[];
  isFollowing: boolean;
}) {
  const t = useMessages(logMessages);
  const viewport = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const isAtNewest = isFollowing && isAtEnd;
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: OVERSCAN,
    useFlushSync: false,
    // The newest are made at once, not only when the page has been scrolled to them.
    rangeExtractor: (range) => defaultRangeExtractor(isAtNewest ? endRange(range) : range),
  });
  useHeldPlace(viewport, lines);
  useLayoutEffect(() => {
    if (isAtNewest && lines.length > 0) virtualizer.scrollToIndex(lines.length - 1);
  }, [lines, isAtNewest, virtualizer]);
  const onScroll = (): void => {
    const element = viewport.current;
    if (element === null) return;
    setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX);
  };
  const rows = virtualizer.getVirtualItems();
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
          {rows.map(({ index, start }) => {
            const line = lines[index];
            // By place, not by line: rows that fell out of sight are filled anew, which costs less than new ones.
            return line === undefined ? null : (
              <div
                key={index % rows.length}
                className={classes["line"]}
                style={{ transform: `translateY(${start}px)` }}
              >
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
});

/** As many as are in sight, but the last ones. */
function endRange(range: Range): Range {
  const endIndex = range.count - 1;
  return { ...range, startIndex: Math.max(0, endIndex - (range.endIndex - range.startIndex)), endIndex };
}

/** What one reads stays where it is when the oldest lines, above it, are dropped. */
function useHeldPlace(viewport: RefObject<HTMLElement | null>, lines: readonly LogLine[]): void {
  const before = useRef(lines);
  useLayoutEffect(() => {
    const [oldest] = lines;
    const dropped = oldest === undefined ? -1 : before.current.indexOf(oldest);
    before.current = lines;
    if (dropped > 0) viewport.current?.scrollBy(0, -dropped * LINE_HEIGHT);
  }, [viewport, lines]);
}

/** A line never changes: a row is made anew only for another line. */
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
