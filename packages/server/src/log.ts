import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from "pino";
import { prettyFactory } from "pino-pretty";
import type { ConfigOf } from "./config/options.js";

export type { Logger };

export interface LogSettings {
  level: ConfigOf<"center">["logLevel"];
  /** `auto`: pretty where stdout is a terminal, else JSON. */
  format: ConfigOf<"center">["logFormat"];
  /** Stands in every line: `center`, `node`. */
  name: string;
  /** Takes the lines instead of stdout. */
  stream?: DestinationStream;
}

/**
 * A logger that writes a JSON object a line (`time` in ISO 8601, `level` by name), or text for people.
 *
 * It writes synchronously: what was logged is out, whatever ends the process.
 */
export function createLogger({ level, format, name, stream }: LogSettings): Logger {
  const out = stream ?? destination({ dest: 1, sync: true });
  const isPretty = format === "pretty" || (format === "auto" && process.stdout.isTTY);
  return pino(
    {
      level,
      name,
      base: {},
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    isPretty ? prettyStream(out) : out,
  );
}

function prettyStream(out: DestinationStream): DestinationStream {
  const toText = prettyFactory({ translateTime: "SYS:HH:MM:ss.l" });
  return { write: (line) => out.write(toText(line)) };
}

/** A logger that writes nothing. */
export function createSilentLogger(): Logger {
  return pino({ level: "silent", enabled: false });
}
