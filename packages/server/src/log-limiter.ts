import type { Logger } from "pino";

type Level = "debug" | "info" | "warn" | "error";

export interface LogLimiter {
  /** Logs, unless `key` had its lines of this interval already; then the line is only counted. */
  log: (level: Level, key: string, fields: object, message: string) => void;
  /** Writes the summaries that are due and stops the timer. Later lines are logged without limit. */
  close: () => void;
}

interface Counter {
  level: Level;
  message: string;
  written: number;
  suppressed: number;
}

/** The key of everything that comes while `maxKeys` others are counted. */
const OVERFLOW_KEY = "(other)";

/**
 * Keeps a flood of equal events from flooding the log: at most `maxLines` lines for each key in an interval, and at
 * its end one line with the number that was suppressed.
 *
 * @param limits.maxLines - default 5.
 * @param limits.intervalMs - default 10,000; it starts with the first line after a quiet one.
 * @param limits.maxKeys - default 1,000; keys beyond share one count.
 */
export function createLogLimiter(
  logger: Logger,
  limits: { maxLines?: number; intervalMs?: number; maxKeys?: number } = {},
): LogLimiter {
  const { maxLines = 5, intervalMs = 10_000, maxKeys = 1000 } = limits;
  const counters = new Map<string, Counter>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function endInterval(): void {
    timer = undefined;
    for (const [key, { level, message, suppressed }] of counters) {
      if (suppressed > 0) {
        logger[level]({ key, suppressed }, `${suppressed} more like this were not logged: ${message}`);
      }
    }
    counters.clear();
  }

  return {
    log(level, key, fields, message) {
      if (isClosed) {
        logger[level](fields, message);
        return;
      }
      timer ??= setTimeout(endInterval, intervalMs).unref();
      const countedKey = counters.has(key) || counters.size < maxKeys ? key : OVERFLOW_KEY;
      const counter = counters.get(countedKey) ?? { level, message, written: 0, suppressed: 0 };
      counters.set(countedKey, counter);
      if (counter.written < maxLines) {
        counter.written++;
        logger[level](fields, message);
      } else {
        counter.suppressed++;
      }
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      endInterval();
    },
  };
}
