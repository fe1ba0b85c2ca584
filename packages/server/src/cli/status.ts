import { setTimeout as delay } from "node:timers/promises";
import { Command, Option } from "commander";
import { unreachable } from "./center-client.js";
import { addCenterFlags, jsonOption, readCenterFlags } from "./center-flags.js";
import {
  type CenterView,
  type ClusterView,
  type LinkState,
  type NodeView,
  viewCluster,
} from "./cluster-view.js";
import { CommandFailure, exitCodesHelp, EXIT_FAILED, print } from "./command-failure.js";
import { counted, formatTable, printable, shortId, showDuration } from "./table.js";

const WATCH_MS = 2000;

/** `websocket-center status`: centers, nodes, the links between them, and what they hold. */
export function statusCommand(): Command {
  const command = new Command("status").description(
    "Show centers, nodes, and the links between them. All centers that are given are asked.",
  );
  addCenterFlags(command)
    .addOption(new Option("--watch", `show it again every ${WATCH_MS / 1000} s, until Ctrl-C`))
    .addOption(jsonOption());
  command.addHelpText(
    "after",
    exitCodesHelp("something is missing: a center gave no answer, or a link is not there"),
  );
  return command.action(async () => {
    const access = readCenterFlags(command);
    const { watch = false, json = false } = command.opts<{ watch?: boolean; json?: boolean }>();
    const show = json ? (view: ClusterView) => JSON.stringify(view) : showCluster;
    if (watch) {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
      for (;;) {
        draw(show(await viewCluster(access)), json);
        await delay(WATCH_MS);
      }
    }
    const view = await viewCluster(access);
    throwIfUnreachable(view);
    print(show(view));
    throwIfIncomplete(view);
  });
}

let isFirst = true;

/** Over what was shown before in a terminal, as much as it has room for; below it elsewhere. */
function draw(text: string, json: boolean): void {
  if (process.stdout.isTTY && !json) {
    const lines = fitted(text.split("\n"), process.stdout.rows).map((line) => `${line}\x1b[K\n`);
    // Lines that are too long are cut instead of wrapped (DECAWM), so that each takes one row.
    process.stdout.write(`\x1b[?7l${isFirst ? "\x1b[2J" : ""}\x1b[H${lines.join("")}\x1b[J\x1b[?7h`);
  } else {
    print(isFirst || json ? text : `\n${text}`);
  }
  isFirst = false;
}

/** As many lines as a terminal of so many rows (0: it does not say) shows above its cursor, the last one included. */
function fitted(lines: readonly string[], rows: number): readonly string[] {
  if (rows === 0 || lines.length < rows) return lines;
  const shown = Math.max(0, rows - 3);
  return [...lines.slice(0, shown), `… ${lines.length - shown - 1} more lines`, ...lines.slice(-1)];
}

function throwIfUnreachable({ centers }: ClusterView): void {
  const asked = centers.filter(({ url }) => url !== null);
  if (asked.some(({ isReached }) => isReached)) return;
  throw unreachable(asked.map(({ url, problem = "" }) => `${url ?? ""} could not be reached: ${problem}`));
}

/** What is missing, as lines for people. */
function shortcomings({ centers, missingLinks }: ClusterView): string[] {
  return [
    ...centers
      .filter(({ url, problem }) => url !== null && problem !== undefined)
      .map(({ url, isReached, problem = "" }) =>
        isReached ? `${url ?? ""}: ${problem}` : `${url ?? ""} could not be reached: ${problem}`,
      ),
    ...missingLinks.map(
      ({ nodeId, centerId }) => `Node ${shortId(nodeId)} is not linked to center ${shortId(centerId)}.`,
    ),
  ];
}

function throwIfIncomplete(view: ClusterView): void {
  const lines = shortcomings(view);
  if (view.missingLinks.length > 0) {
    lines.push(
      "The log of a node says why it has no link; `websocket-center register` tells nodes of a center that they do not know.",
    );
  }
  if (lines.length > 0) throw new CommandFailure(EXIT_FAILED, lines.join("\n"));
}

function showCluster(view: ClusterView): string {
  const { centers, nodes, totals, missingLinks } = view;
  const now = Date.parse(view.at);
  const head = ["CENTER", "ID", "VERSION", "UP", "NODES", "LINK PORT"];
  const parts = [
    formatTable(
      head,
      centers.map((center) => centerRow(center, now)),
    ),
  ];
  if (nodes.length > 0) {
    const centerIds = Object.keys(nodes[0]?.links ?? {});
    parts.push(
      formatTable(
        [
          "NODE",
          "ADDRESS",
          "VERSION",
          "UP",
          "STATE",
          "CONNECTIONS",
          "USERS",
          "GROUPS",
          ...centerIds.map(shortId),
        ],
        nodes.map((node) => nodeRow(node, centerIds, now)),
      ),
    );
  }
  const links = `${totals.links} of ${totals.links + missingLinks.length} links`;
  parts.push(
    `${view.at}  ${counted(totals.centers, "center")}, ${counted(totals.nodes, "node")}, ${links}; ` +
      `${counted(totals.connections, "connection")}, ${counted(totals.users, "user")}, ${counted(totals.groups, "group")} on all nodes`,
  );
  return withAlarms(parts.join("\n\n"));
}

function centerRow(center: CenterView, now: number): string[] {
  const { url, id, version = "", startedAt, nodes, linkAddress = "", problem, isReached } = center;
  const name = url ?? "(unknown)";
  const shown = id === undefined ? "" : shortId(id);
  if (problem !== undefined) {
    const alarm = isReached ? "NO ANSWER: " : "NOT REACHED: ";
    return [name, shown, "", "", "", `${url === null ? "" : alarm}${printable(problem)}`];
  }
  return [
    name,
    shown,
    printable(version),
    upSince(startedAt, now),
    String(nodes ?? ""),
    printable(linkAddress),
  ];
}

function nodeRow(node: NodeView, centerIds: readonly string[], now: number): string[] {
  const { id, publicUrl, version, startedAt, connections, users, groups, links } = node;
  const counts = [connections, users, groups].map(String);
  const states = centerIds.map((centerId) => linkTexts[links[centerId] ?? "unknown"]);
  const up = upSince(startedAt, now);
  return [shortId(id), printable(publicUrl), printable(version), up, stateOf(node), ...counts, ...states];
}

const linkTexts: Record<LinkState, string> = {
  linked: "linked",
  suspect: "SUSPECT",
  missing: "MISSING",
  unknown: "?",
};

function stateOf({ state, draining, full = false }: NodeView): string {
  const forClients = draining ? "draining" : full ? "full" : "open";
  return [...(state === "suspect" ? ["SUSPECT"] : []), forClients].join(", ");
}

function upSince(startedAt: string | undefined, now: number): string {
  const time = Date.parse(startedAt ?? "");
  return Number.isNaN(time) ? "" : showDuration(now - time);
}

/** What somebody should look at, in red where a terminal shows it. */
function withAlarms(text: string): string {
  if (!process.stdout.isTTY || (process.env["NO_COLOR"] ?? "") !== "") return text;
  return text.replace(/\b(?:MISSING|SUSPECT|NOT REACHED|NO ANSWER)\b/g, "\x1b[1;31m$&\x1b[0m");
}
