import { useMemo } from "react";
import { useLanguage } from "./language.tsx";

/** Numbers and times as the viewer reads them, times in the viewer's zone. */
export interface Formats {
  count: (value: number) => string;
  /** With at most one digit after the point. */
  decimal: (value: number) => string;
  percent: (value: number) => string;
  bytes: (value: number) => string;
  /** `12.3 ms` */
  ms: (value: number) => string;
  /** Hours, minutes, seconds and milliseconds. */
  clock: (timeMs: number) => string;
  dateTime: (timeMs: number) => string;
  /** How long, roughly: `3 d 4 h`. */
  duration: (ms: number) => string;
}

export function useFormats(): Formats {
  const { locale } = useLanguage();
  return useMemo(() => createFormats(locale), [locale]);
}

const byteUnits = ["B", "kB", "MB", "GB", "TB"] as const;

export function createFormats(locale: string): Formats {
  const count = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const decimal = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const clock = new Intl.DateTimeFormat(locale, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  });
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
  return {
    count: (value) => count.format(value),
    decimal: (value) => decimal.format(value),
    percent: (value) => percent.format(value),
    bytes: (value) => {
      const power = value < 1 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log10(value) / 3));
      return `${decimal.format(value / 1000 ** power)} ${byteUnits[power]}`;
    },
    ms: (value) => `${decimal.format(value)} ms`,
    clock: (timeMs) => clock.format(timeMs),
    dateTime: (timeMs) => dateTime.format(timeMs),
    duration: durationText,
  };
}

function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  if (first === -1) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}
