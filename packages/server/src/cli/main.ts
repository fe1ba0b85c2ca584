#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { version } from "../version.js";
import { addCommands } from "./all-commands.js";
import { EXIT_USAGE, reportFailure } from "./report-failure.js";

const program = new Command("websocket-center")
  .description(
    "Deliver messages to people over WebSocket, through many nodes, from back ends in any language.",
  )
  .enablePositionalOptions();
await addCommands(program, process.argv[2]);
for (const command of [program, ...program.commands]) command.version(version, "--version");
throwInsteadOfExit(program);
process.stdout.on("error", endWhenNobodyReads);

try {
  await program.parseAsync();
} catch (error) {
  process.exit(error instanceof CommanderError ? exitCodeOf(error) : reportFailure(error));
}

/** Commander has written its message; help and version that were asked for are no failure. */
function exitCodeOf(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : EXIT_USAGE;
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride().showHelpAfterError("(--help shows what is possible)");
  for (const child of command.commands) throwInsteadOfExit(child);
}

/** `websocket-center config | head -1` is no failure. */
function endWhenNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}
