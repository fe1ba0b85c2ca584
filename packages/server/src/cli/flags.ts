import { Option, type Command } from "commander";
import { showDefault } from "../config/display.js";
import { CONFIG_VARIABLE, loadConfig, type ConfigInput, type LoadedConfig } from "../config/load.js";
import { fileKeyOf, fileVariablesOf, flagOf, offFlagOf, variablesOf } from "../config/names.js";
import type { OptionSpec, ProcessKind } from "../config/option-spec.js";
import { type OptionKey, optionsOf } from "../config/options.js";

/**
 * Gives `command` a flag for options of that kind of process, and `--config`.
 * @param keys - default: every option.
 */
export function addOptionFlags(
  command: Command,
  processKind: ProcessKind,
  keys?: readonly OptionKey[],
): void {
  for (const [key, spec] of optionsOf(processKind)) {
    if (keys?.includes(key) === false) continue;
    for (const flag of flagsFor(key, spec)) command.addOption(flag.helpGroup(`${spec.group}:`));
  }
  command.addOption(configOption().helpGroup("Running:"));
}

export function configOption(): Option {
  return new Option("--config <file>", `JSON file with options by their keys (${CONFIG_VARIABLE})`);
}

/** Reads the configuration of the process that `command` was called for. */
export function loadFromCommand<P extends ProcessKind>(processKind: P, command: Command): LoadedConfig<P> {
  const given = command.opts<Record<string, string | boolean | undefined>>();
  const { config: file = process.env[CONFIG_VARIABLE], ...flags } = given;
  const input: ConfigInput = { flags, env: process.env };
  return loadConfig(processKind, typeof file === "string" && file !== "" ? { ...input, file } : input);
}

function flagsFor(key: string, spec: OptionSpec): Option[] {
  const doc = spec.doc.replaceAll("`", "");
  const variables = variablesOf(key, spec);
  if (spec.kind.input === "secret") {
    const names = [...variables, ...fileVariablesOf(key, spec)].join(", ");
    return [new Option(`${flagOf(fileKeyOf(key))} <file>`, `${doc} Read from this file (${names})`)];
  }
  const note = `(${[...variables, `default: ${showDefault(spec)}`].join(", ")})`;
  if (spec.kind.input === "value") {
    return [new Option(`${flagOf(key)} <${spec.kind.placeholder}>`, `${doc} ${note}`)];
  }
  const on = new Option(flagOf(key), `${doc} ${note}`);
  const off = new Option(offFlagOf(key), `Turns this off: ${doc} ${note}`);
  return spec.default === true ? [on.hideHelp(), off] : [on, off.hideHelp()];
}
