import { Command, InvalidArgumentError, Option } from "commander";
import { logLevels, options } from "../config/options.js";
import { createLogger, type Logger, type LogSettings } from "../log.js";
import { createDevCluster, devPorts, MAX_PORT_OFFSET, type DevPorts } from "./dev-cluster.js";
import { runProcess } from "./run-process.js";

const SHUTDOWN_GRACE_MS = 10_000;

interface DevFlags {
  portOffset: number;
  logLevel: LogSettings["level"];
}

/** `websocket-center dev`: a whole cluster on this machine, to try things with. It reads no configuration. */
export function devCommand(): Command {
  return new Command("dev")
    .description("Run two centers and two nodes in one process, on this machine only.")
    .addOption(
      new Option("--port-offset <number>", "is added to every port").default(0).argParser(readPortOffset),
    )
    .addOption(new Option("--log-level <name>", options.logLevel.doc).default("warn").choices(logLevels))
    .action(async ({ portOffset, logLevel }: DevFlags) => {
      const createLog = (name: string): Logger => createLogger({ level: logLevel, format: "auto", name });
      await runProcess(createDevCluster(portOffset, createLog), {
        log: createLog("dev"),
        shutdownGraceMs: SHUTDOWN_GRACE_MS,
        onStarted: () => process.stdout.write(overview(devPorts(portOffset))),
      });
    });
}

function readPortOffset(text: string): number {
  const offset = Number(text);
  if (/^\d+$/.test(text) && offset <= MAX_PORT_OFFSET) return offset;
  throw new InvalidArgumentError(`Expected a whole number from 0 to ${MAX_PORT_OFFSET}.`);
}

function overview({ centers, nodes }: DevPorts): string {
  const lines = [
    "Two centers and two nodes run in this process, on this machine only:",
    "",
    ...centers.map(
      ({ link, http }, index) =>
        `  center ${index + 1}  http://127.0.0.1:${http}  (nodes register at ${link})`,
    ),
    ...nodes.map(
      (port, index) => `  node ${index + 1}    ws://127.0.0.1:${port}    http://127.0.0.1:${port}`,
    ),
    "",
    "See and drive all of it in a browser (Try it: two clients on two nodes, and a message from one to the other):",
    "",
    `  http://127.0.0.1:${centers[0]?.http ?? 0}/console/`,
    "",
    "Connect a client, in another terminal (or paste what is between the quotes into a browser's console):",
    "",
    `  ${connectLine(nodes[0] ?? 0)}`,
    "",
    "Send to everybody, through a center:",
    "",
    `  curl 'http://127.0.0.1:${centers[0]?.http ?? 0}/?event=broadcast' -d '{"broadcast":{"msg":"hello"}}'`,
    "",
    "Ctrl-C stops everything.",
  ];
  return `${lines.join("\n")}\n`;
}

/** Node has WebSocket since 22; before, behind a flag. */
function connectLine(port: number): string {
  const flag = Number.parseInt(process.versions.node, 10) < 22 ? " --experimental-websocket" : "";
  return `node${flag} -e 'new WebSocket("ws://127.0.0.1:${port}").onmessage = (event) => console.log(event.data)'`;
}
