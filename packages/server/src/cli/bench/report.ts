import { counted, formatTable } from "../table.js";
import type { Percentiles } from "./latencies.js";
import type { BenchFigures } from "./run.js";

/** The figures as a table, and what it does not hold in lines below it. */
export function showFigures({ connecting, binding, toUser, toGroup }: BenchFigures): string {
  const rows: string[][] = [];
  if (connecting !== undefined) {
    const { connected, perSecond, latency } = connecting;
    rows.push(row("connecting, until the open frame", connected, perSecond, latency));
  }
  if (binding !== undefined)
    rows.push(
      row("binding a user and joining", binding.latency?.count ?? 0, binding.perSecond, binding.latency),
    );
  if (toUser !== undefined) {
    rows.push(
      row("to a user: the HTTP answer", toUser.answered, toUser.perSecond, toUser.answer),
      row(
        "to a user: the client's receipt",
        toUser.deliveries,
        toUser.deliveriesPerSecond,
        toUser.lastReceipt,
      ),
    );
  }
  if (toGroup !== undefined) {
    const { lastReceipt } = toGroup;
    rows.push(
      row("to the group: the HTTP answer", toGroup.answered, toGroup.perSecond, toGroup.answer),
      row("to the group: each receipt", toGroup.deliveries, toGroup.deliveriesPerSecond, undefined),
      row("to the group: the last receipt", lastReceipt?.count ?? 0, undefined, lastReceipt),
    );
  }
  const head = ["WHAT", "COUNT", "PER SECOND", "P50 MS", "P99 MS", "P99.9 MS", "MAX MS"];
  const lines = [formatTable(head, rows)];
  const sends = [toUser, toGroup].filter((each) => each !== undefined);
  if (sends.length > 0) {
    const sum = (of: "lost" | "duplicates" | "failed"): number =>
      sends.reduce((total, each) => total + each[of], 0);
    lines.push(
      `lost ${sum("lost")}, came twice ${sum("duplicates")}, ${counted(sum("failed"), "call")} failed`,
    );
    const shares = sends.map(
      ({ load }) => `${percent(load.cpuShare)} of a core, busy ${percent(load.busyShare)}`,
    );
    lines.push(`load: this process, which used ${shares.join("; then ")} of the time`);
  }
  return lines.join("\n\n");
}

function row(
  what: string,
  count: number,
  perSecond: number | undefined,
  latency: Percentiles | undefined,
): string[] {
  const times = latency === undefined ? [] : [latency.p50, latency.p99, latency.p999, latency.max];
  const rate = perSecond === undefined ? "" : perSecond.toFixed(perSecond < 100 ? 1 : 0);
  return [what, String(count), rate, ...times.map((ms) => ms.toFixed(2))];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
