import { Option, Command } from "commander";
import { describeSource, type Source } from "../config/check.js";
import { maskSecrets, showValue } from "../config/display.js";
import { checkListenRules } from "../config/listen-rules.js";
import type { LoadedConfig } from "../config/load.js";
import type { OptionSpec, ProcessKind } from "../config/option-spec.js";
import { optionsOf, type OptionKey } from "../config/options.js";
import { messageOf } from "../errors.js";
import { addOptionFlags, configOption, loadFromCommand } from "./flags.js";

type Loaded = { [P in ProcessKind]: LoadedConfig<P> & { processKind: P } }[ProcessKind];

/** `websocket-center config`: shows the configuration that a process would have, and where each value comes from. */
export function configCommand(): Command {
  const command = new Command("config")
    .description("Show the configuration that a process would start with, and where each value comes from.")
    .enablePositionalOptions()
    .addOption(configOption())
    .addOption(jsonOption());
  command.action(() => {
    const loaded = [load("center", command), load("node", command)];
    const isJson = command.opts<{ json?: boolean }>().json === true;
    if (isJson) print(Object.fromEntries(loaded.map((one) => [one.processKind, toEntries(one)])));
    else print(loaded.map((one) => `${one.processKind}\n\n${toTable(one)}`).join("\n\n"));
  });
  for (const processKind of ["center", "node"] as const) {
    const child = new Command(processKind)
      .description(`The configuration of a ${processKind}. Takes the flags of a ${processKind}, too.`)
      .addOption(jsonOption());
    addOptionFlags(child, processKind);
    child.action(() => {
      const loaded = load(processKind, child);
      print(child.opts<{ json?: boolean }>().json === true ? toEntries(loaded) : toTable(loaded));
    });
    command.addCommand(child);
  }
  return command;
}

function jsonOption(): Option {
  return new Option("--json", "write JSON instead of a table");
}

/** Loads it; warnings, and what would keep the process from starting, go to stderr. */
function load(processKind: ProcessKind, command: Command): Loaded {
  const loaded: Loaded =
    processKind === "center"
      ? { processKind, ...loadFromCommand(processKind, command) }
      : { processKind, ...loadFromCommand(processKind, command) };
  for (const warning of loaded.warnings) process.stderr.write(`warning: ${warning}\n`);
  try {
    if (loaded.processKind === "center") checkListenRules("center", loaded.config);
    else checkListenRules("node", loaded.config);
  } catch (error) {
    process.stderr.write(
      `warning: with this configuration a ${processKind} does not start:\n${messageOf(error)}\n`,
    );
  }
  return loaded;
}

function print(content: string | object): void {
  process.stdout.write(`${typeof content === "string" ? content : JSON.stringify(content, undefined, 2)}\n`);
}

/** `{"<key>": {"value": ..., "source": "environment PORT"}}`; a value that is not set is null. */
function toEntries(loaded: Loaded): object {
  return Object.fromEntries(
    rowsOf(loaded).map(({ key, spec, value, source }) => [
      key,
      { value: maskSecrets(spec, value) ?? null, source },
    ]),
  );
}

function toTable(loaded: Loaded): string {
  const rows = rowsOf(loaded).map(({ key, spec, value, source }) => [key, showValue(spec, value), source]);
  const table = [["option", "value", "source"], ...rows];
  const widthOf = (column: number): number => Math.max(...table.map((row) => row[column]?.length ?? 0));
  const widths = [widthOf(0), widthOf(1), 0];
  return table
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .join("\n");
}

interface Row {
  key: OptionKey;
  spec: OptionSpec;
  value: unknown;
  source: string;
}

function rowsOf(loaded: Loaded): Row[] {
  const values: Partial<Record<OptionKey, unknown>> = loaded.config;
  const sources: Partial<Record<OptionKey, Source>> = loaded.sources;
  return optionsOf(loaded.processKind).map(([key, spec]) => ({
    key,
    spec,
    value: values[key],
    source: describeSource(sources[key] ?? { from: "default" }),
  }));
}
