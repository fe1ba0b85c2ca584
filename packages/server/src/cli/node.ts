import { Command } from "commander";
import { createLogger } from "../log.js";
import { createNode } from "../node/node.js";
import { WorkerHost } from "../workers/host.js";
import { workerCount } from "../workers/worker-configs.js";
import { addOptionFlags, loadFromCommand } from "./flags.js";
import { runProcess } from "./run-process.js";

/** `websocket-center node`: runs one node, or several as workers of one host, until it is told to stop. */
export function nodeCommand(): Command {
  const command = new Command("node").description("Run a node: clients connect to it with WebSocket.");
  addOptionFlags(command, "node");
  return command.action(async () => {
    const { config, warnings } = loadFromCommand("node", command);
    const log = createLogger({ level: config.logLevel, format: config.logFormat, name: "node" });
    for (const warning of warnings) log.warn(warning);
    const count = workerCount(config);
    const node =
      count === 1
        ? createNode({ ...config, workers: 1 }, { log })
        : new WorkerHost(config, { count, entry: new URL("node-worker.js", import.meta.url), log });
    await runProcess(node, { log, shutdownGraceMs: config.shutdownGraceMs });
  });
}
