import { Command } from "commander";
import { createCenter } from "../center/center.js";
import { createLogger } from "../log.js";
import { addOptionFlags, loadFromCommand } from "./flags.js";
import { runProcess } from "./run-process.js";

/** `websocket-center center`: runs one center until it is told to stop. */
export function centerCommand(): Command {
  const command = new Command("center").description(
    "Run a center: nodes register with it, back ends call it.",
  );
  addOptionFlags(command, "center");
  return command.action(async () => {
    const { config, warnings } = loadFromCommand("center", command);
    const log = createLogger({ level: config.logLevel, format: config.logFormat, name: "center" });
    for (const warning of warnings) log.warn(warning);
    const center = createCenter(config, { log });
    await runProcess(center, { log, shutdownGraceMs: config.shutdownGraceMs });
  });
}
