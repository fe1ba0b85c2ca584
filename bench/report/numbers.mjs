/** Median, least and most. */
export function summary(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

const grouped = (value, digits) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/**
 * Where the CPU of profiles goes, the most first.
 * @param {Record<string, Record<string, number>>} profiles - shares by kind of work, by what was measured
 */
export function profileTable(profiles, whose = "the node's") {
  const titles = Object.keys(profiles);
  const kinds = [...new Set(Object.values(profiles).flatMap((shares) => Object.keys(shares)))];
  const of = (title, kind) => profiles[title][kind] ?? 0;
  const rows = kinds
    .toSorted((a, b) => of(titles[0], b) - of(titles[0], a))
    .map((kind) => [kind, ...titles.map((title) => percentOf(of(title, kind)))]);
  return table([`share of ${whose} CPU`, ...titles], rows);
}

/** `1.03 (0.95 to 1.10)` */
export function spread({ median, min, max }, digits = 2) {
  return `${grouped(median, digits)} (${grouped(min, digits)} to ${grouped(max, digits)})`;
}

/** A share, as those of a profile. */
export const percentOf = (share = 0) => `${(share * 100).toFixed(1)} %`;
export const number = (value, digits = 0) => grouped(value, digits);
export const percent = ({ median }) => `${Math.round(median * 100)} %`;

/** A Markdown table; the first column is text, the others are numbers. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/**
 * A line of the summary: what was to be reached, and whether the median did.
 * @param {{ work: string, target: string, value: { median: number, min: number, max: number }, digits?: number, unit?: string, atMost?: number, atLeast?: number, ifMissed?: string }} goal
 *   `ifMissed`: what stands in the way, said only where it does.
 */
export function goal({
  work,
  target,
  value,
  digits = 2,
  unit = "",
  atMost = Infinity,
  atLeast = -Infinity,
  ifMissed,
}) {
  const isReached = value.median <= atMost && value.median >= atLeast;
  return { work, target, measured: `${spread(value, digits)}${unit}`, isReached, ifMissed };
}
