import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { Command, Option } from "commander";
import { nodesAnswer } from "./answers.js";
import { strangeHosts } from "./bench/hosts.js";
import { type BenchPlan, type Bound, bounds, type Rate, readBounded, readRate } from "./bench/plan.js";
import { showFigures } from "./bench/report.js";
import { type BenchNode, faultsOf, runBench, warningsOf } from "./bench/run.js";
import { type CenterClient, createCenterClient, reachCenter, showUrl } from "./center-client.js";
import {
  addCenterFlags,
  append,
  type CenterAccess,
  jsonOption,
  readCenterFlags,
  readUrl,
} from "./center-flags.js";
import { CommandFailure, exitCodesHelp, EXIT_FAILED, note, print } from "./command-failure.js";
import { printable, shortId } from "./table.js";

interface BenchFlags {
  clients?: string;
  seconds?: string;
  rate?: string;
  groupRate?: string;
  inFlight?: string;
  bytes?: string;
  allowHost?: string[];
  json?: boolean;
}

/** `websocket-center bench`: what a cluster does for its clients, and how long that takes. */
export function benchCommand(): Command {
  const command = new Command("bench")
    .description(
      "Measure a cluster: connect clients to its nodes, send to users and to a group through a center, and follow each message to its client.",
    )
    .argument("[url]", "HTTP port of a center (default: as --center)");
  const add = (flags: string, doc: string, { least, most, default: value }: Bound, orMax = ""): void => {
    command.addOption(new Option(flags, `${doc}, from ${least} to ${most}${orMax} (default: ${value})`));
  };
  const orMax = ", or max: again as soon as it was answered";
  add("--clients <count>", "clients, over all nodes in turn", bounds.clients);
  add("--seconds <seconds>", "how long messages are sent, half of it to the group", bounds.seconds);
  add("--rate <calls>", "calls a second to users, by the clock", bounds.rate, orMax);
  add("--group-rate <calls>", "calls a second to the group of all clients", bounds.groupRate, orMax);
  add("--in-flight <calls>", "calls that wait for their answers at once, at most", bounds.inFlight);
  add("--bytes <bytes>", "how long a message is", bounds.messageBytes);
  command.addOption(
    new Option(
      "--allow-host <name>",
      "put load on this host too, a center's or a node's; repeat it for several. Without it, only on this machine's loopback",
    ).argParser(append),
  );
  addCenterFlags(command).addOption(jsonOption());
  command.addHelpText(
    "after",
    "\nThe clients have users and a group with names of their own, and are closed at the end and on Ctrl-C; nobody else gets anything." +
      "\nThe load comes from this process, which tells how busy it was: measure from another machine, and with several at once, what one cannot reach.",
  );
  command.addHelpText(
    "after",
    exitCodesHelp(
      "something failed, was lost or came twice, clients were refused, or it was stopped before its end",
    ),
  );
  return command.action(async (text: string | undefined) => {
    const access = readCenterFlags(command);
    if (text !== undefined) access.centers = [readCenterUrl(command, text)];
    const flags = command.opts<BenchFlags>();
    const plan = readPlan(command, flags);
    const allowed = flags.allowHost ?? [];
    const [stranger] = strangeHosts(access.centers, allowed);
    if (stranger !== undefined) return command.error(`error: ${beyondLoopback("the center", stranger)}`);
    await bench(access, plan, { allowed, json: flags.json === true });
  });
}

async function bench(
  access: CenterAccess,
  plan: BenchPlan,
  { allowed, json }: { allowed: readonly string[]; json: boolean },
): Promise<void> {
  const { url } = await reachCenter(access);
  const keep = { keepAlive: true, maxSockets: plan.inFlight };
  const agent = url.protocol === "https:" ? new HttpsAgent(keep) : new HttpAgent(keep);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  stop.signal.addEventListener("abort", () => agent.destroy());
  try {
    const center = createCenterClient(url, access, agent);
    const nodes = await nodesFor(center, allowed);
    const { timeoutMs } = access;
    const figures = await runBench({ center, nodes, plan, timeoutMs, signal: stop.signal, onStep: note });
    const warnings = warningsOf(figures);
    const about = { center: showUrl(url), nodes: nodes.map((node) => ({ id: node.id, url: node.url.href })) };
    const isStopped = stop.signal.aborted;
    if (json) print(JSON.stringify({ ...about, plan, ...figures, warnings, isStopped }));
    else print(showFigures(figures));
    for (const warning of warnings) note(`Warning: ${warning}.`);
    if (isStopped) throw new CommandFailure(EXIT_FAILED, "Stopped before its end; the clients are closed.");
    const faults = faultsOf(figures);
    if (faults.length > 0) throw new CommandFailure(EXIT_FAILED, faults.join("\n"));
  } finally {
    agent.destroy();
  }
}

/** @throws CommandFailure where there is none, or one is on a host that nobody allowed. */
async function nodesFor(center: CenterClient, allowed: readonly string[]): Promise<BenchNode[]> {
  const { nodes } = await center.get("nodes", nodesAnswer);
  const open = nodes.filter(({ state, draining, full }) => state === "linked" && !draining && full !== true);
  if (open.length === 0) {
    const reason = nodes.length === 0 ? "No node is linked" : "No node takes clients that is linked";
    throw new CommandFailure(
      EXIT_FAILED,
      `${reason} to ${showUrl(center.url)}: see \`websocket-center status\`.`,
    );
  }
  return open.map(({ id, publicUrl }) => {
    const url = readUrl(publicUrl, "ws");
    const name = `node ${shortId(id)}`;
    if (typeof url === "string")
      throw new CommandFailure(EXIT_FAILED, `${name} has an address of no use: ${printable(url)}`);
    const [stranger] = strangeHosts([url], allowed);
    if (stranger !== undefined) throw new CommandFailure(EXIT_FAILED, `${beyondLoopback(name, stranger)}.`);
    return { id, url };
  });
}

function beyondLoopback(what: string, host: string): string {
  const name = printable(host);
  return `${what} is on ${name}, which is not this machine's loopback: give --allow-host ${name} to put load on it`;
}

function readCenterUrl(command: Command, text: string): URL {
  if (command.getOptionValue("center") !== undefined)
    command.error("error: give the center once: as the argument, or with --center");
  const url = readUrl(text, "http");
  return typeof url === "string" ? command.error(`error: ${url}`) : url;
}

function readPlan(command: Command, flags: BenchFlags): BenchPlan {
  const read = <T>(
    name: string,
    text: string | undefined,
    bound: Bound,
    reader: (text: string, bound: Bound) => T | undefined,
    orMax = "",
  ): T | number => {
    const value = text === undefined ? bound.default : reader(text, bound);
    if (value !== undefined) return value;
    return command.error(
      `error: ${name}: expected a whole number from ${bound.least} to ${bound.most}${orMax}`,
    );
  };
  const number = (name: string, text: string | undefined, bound: Bound): number =>
    read(name, text, bound, readBounded);
  const rate = (name: string, text: string | undefined, bound: Bound): Rate =>
    read<Rate>(name, text, bound, readRate, ", or max");
  return {
    clients: number("--clients", flags.clients, bounds.clients),
    seconds: number("--seconds", flags.seconds, bounds.seconds),
    rate: rate("--rate", flags.rate, bounds.rate),
    groupRate: rate("--group-rate", flags.groupRate, bounds.groupRate),
    inFlight: number("--in-flight", flags.inFlight, bounds.inFlight),
    messageBytes: number("--bytes", flags.bytes, bounds.messageBytes),
  };
}
