import { pino, stdTimeFunctions, type DestinationStream, type Logger, type LoggerOptions } from "pino";
import pretty from "pino-pretty";
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
  const options: LoggerOptions = {
    level,
    name,
    base: {},
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  const isPretty = format === "pretty" || (format === "auto" && process.stdout.isTTY);
  if (!isPretty) return stream === undefined ? pino(options) : pino(options, stream);
  return pino(
    options,
    pretty({ sync: true, translateTime: "SYS:HH:MM:ss.l", ...(stream && { destination: stream }) }),
  );
}

/** A logger that writes nothing. */
export function createSilentLogger(): Logger {
  return pino({ level: "silent", enabled: false });
}
